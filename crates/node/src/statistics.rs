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
}

impl Statistics {
    /// All zero. Datagrams are counted by the reactors, so their counters come along.
    #[must_use]
    pub fn new(reactors: Vec<Arc<Counters>>) -> Self {
        Self { reactors, ..Self::default() }
    }

    /// Counts an answered echo.
    pub fn count_echo(&self) {
        self.echoes.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a coin that was powned or stored into a locker.
    pub fn count_powned(&self, denomination: Denomination) {
        self.coins_powned.fetch_add(1, Ordering::Relaxed);
        self.value_powned.fetch_add(denomination.value(), Ordering::Relaxed);
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
        statistics.count_powned(Denomination::MAX);
        statistics.count_powned(Denomination::MIN);
        let value_powned = 100_000_000_000_001;
        assert_eq!(statistics.read(), Stats { echoes: 1, coins_powned: 2, value_powned, udp_datagrams: 5 });
    }
}
