//! What a node has counted since it started.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use raida_reactor::counters::Counters;
use raida_wire::Denomination;
use raida_wire::stats::Stats;

/// The counters behind Show Stats.
///
/// Source: protocol §5.3
#[derive(Debug, Default)]
pub struct Statistics {
    // ORDERING: Relaxed everywhere: each number stands alone and publishes nothing.
    echoes: AtomicU64,
    coins_powned: AtomicU64,
    value_powned: AtomicU64,
    reactors: Vec<Arc<Counters>>,
    refusals: Refusals,
}

/// How often a command met one of the node's bounds, or its disk.
#[derive(Debug, Default)]
pub struct Refusals {
    /// Fix requests beyond those served at once: answered 160.
    pub fixes: Tally,
    /// Break requests beyond what one address may send: answered 160.
    pub breaks: Tally,
    /// 9/91 requests that were offered fewer numbers than others, since their share or the table was full.
    pub reservations: Tally,
    /// Get Ticket requests while all tickets were in use: answered 42.
    pub tickets: Tally,
    /// Requests that the disk failed: answered 194.
    pub storage: Tally,
}

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Tally(AtomicU64);

impl Tally {
    /// What it has come to.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn count(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Statistics {
    /// All zero. Datagrams are counted by the reactors, so their counters come along.
    #[must_use]
    pub fn new(reactors: Vec<Arc<Counters>>) -> Self {
        Self { reactors, ..Self::default() }
    }

    /// Counts an answered echo.
    pub(crate) fn count_echo(&self) {
        self.echoes.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts coins that were powned or stored into lockers, once that is on disk.
    pub(crate) fn count_powned(&self, powned: Powned) {
        self.coins_powned.fetch_add(powned.coins, Ordering::Relaxed);
        self.value_powned.fetch_add(powned.value, Ordering::Relaxed);
    }

    /// How often bounds were met.
    #[must_use]
    pub const fn refusals(&self) -> &Refusals {
        &self.refusals
    }

    /// The figures now. They are read one after the other, so they may disagree by what happened meanwhile.
    #[must_use]
    pub fn read(&self) -> Stats {
        Stats {
            echoes: self.echoes.load(Ordering::Relaxed),
            coins_powned: self.coins_powned.load(Ordering::Relaxed),
            value_powned: self.value_powned.load(Ordering::Relaxed),
            udp_datagrams: self.reactors.iter().map(|counters| counters.datagrams_in.get()).sum(),
        }
    }
}

/// Coins that one request powned or stored into lockers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Powned {
    coins: u64,
    /// In units of 10^-8 coin.
    value: u64,
}

impl Powned {
    /// One coin more.
    pub(crate) fn add(&mut self, denomination: Denomination) {
        self.coins += 1;
        self.value = self.value.saturating_add(denomination.value());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coins_value_and_datagrams_of_all_reactors_add_up() {
        let reactors = [Arc::new(Counters::default()), Arc::new(Counters::default())];
        reactors[0].datagrams_in.add(2);
        reactors[1].datagrams_in.add(3);
        let statistics = Statistics::new(reactors.to_vec());
        statistics.count_echo();
        let mut powned = Powned::default();
        powned.add(Denomination::MAX);
        powned.add(Denomination::MIN);
        statistics.count_powned(powned);
        let value_powned = 100_000_000_000_001;
        assert_eq!(statistics.read(), Stats { echoes: 1, coins_powned: 2, value_powned, udp_datagrams: 5 });
    }
}
