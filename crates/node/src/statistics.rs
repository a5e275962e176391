//! What a node has counted since it started.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use raida_reactor::counters::Counters;
use raida_wire::stats::Stats;
use raida_wire::{Command, Denomination, Status};

use crate::dispatch::{Entry, PLACES, place};

/// The counters behind Show Stats, and what each command has come to.
///
/// Source: protocol §5.3
#[derive(Debug, Default)]
pub struct Statistics {
    // ORDERING: Relaxed everywhere: each number stands alone and publishes nothing.
    stripes: [Stripe; STRIPES],
    coins_powned: AtomicU64,
    value_powned: AtomicU64,
    reactors: Vec<Arc<Counters>>,
    refusals: Refusals,
    /// Fix requests that asked other nodes, the nodes that redeemed their ticket, and those that did not.
    pub(crate) fixes: [Tally; 3],
}

/// What one thread has counted, on cache lines of its own: threads that answer do not get in each other's way.
#[derive(Debug)]
#[repr(align(128))]
struct Stripe([Row; PLACES]);

/// What one command has come to.
#[derive(Debug, Default)]
struct Row {
    answers: [AtomicU64; 4],
    coins: [AtomicU64; 2],
}

/// Threads beyond so many share.
const STRIPES: usize = 16;

thread_local! {
    static STRIPE: Cell<usize> = {
        static THREADS: AtomicUsize = AtomicUsize::new(0);
        Cell::new(THREADS.fetch_add(1, Ordering::Relaxed) % STRIPES)
    };
}

/// How many answers a command has had, by what they said, and how many coins it has judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// Results, but for the following two: 209, 210, 241, 250.
    pub pass: u64,
    /// None of the coins is what the client takes it for: 208, 242.
    pub fail: u64,
    /// Some are, or not all the same: 211, 243.
    pub mixed: u64,
    /// Everything else: the command did not run to its end.
    pub refused: u64,
    /// Coins for which the answer was yes.
    pub coins_passed: u64,
    /// Coins for which it was no.
    pub coins_failed: u64,
}

/// Coins that a request has judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Judged {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
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
        self.add(1);
    }

    fn add(&self, more: usize) {
        self.0.fetch_add(more as u64, Ordering::Relaxed);
    }
}

impl Statistics {
    /// All zero. Datagrams are counted by the reactors, so their counters come along.
    #[must_use]
    pub fn new(reactors: Vec<Arc<Counters>>) -> Self {
        Self { reactors, ..Self::default() }
    }

    /// Counts an answer, and the coins that it judges.
    pub(crate) fn count(&self, command: Command, status: Status, judged: Judged) {
        debug_assert!(judged == Judged::default() || judges_coins(command), "{command} judges coins");
        let row = self.stripes.get(STRIPE.get()).and_then(|Stripe(rows)| rows.get(place(command)));
        let Some(Row { answers, coins }) = row else { return };
        if let Some(answers) = answers.get(kind(status)) {
            answers.fetch_add(1, Ordering::Relaxed);
        }
        for (count, more) in coins.iter().zip([judged.passed, judged.failed]).filter(|(_, more)| *more > 0) {
            count.fetch_add(more as u64, Ordering::Relaxed);
        }
    }

    /// What each command on offer has come to, and at the end, without a name, all others together.
    pub fn answers(&self) -> impl Iterator<Item = (Option<Command>, Answers)> {
        let offered = Entry::OFFERED.iter().map(|entry| Some(entry.command));
        offered.chain([None]).enumerate().map(|(place, command)| (command, self.sum(place)))
    }

    fn sum(&self, place: usize) -> Answers {
        let mut sum = Answers::default();
        for Row { answers: [pass, fail, mixed, refused], coins: [passed, failed] } in
            self.stripes.iter().filter_map(|Stripe(rows)| rows.get(place))
        {
            let read = |number: &AtomicU64| number.load(Ordering::Relaxed);
            sum.pass += read(pass);
            sum.fail += read(fail);
            sum.mixed += read(mixed);
            sum.refused += read(refused);
            sum.coins_passed += read(passed);
            sum.coins_failed += read(failed);
        }
        sum
    }

    /// Counts coins that were powned or stored into lockers, once that is on disk.
    pub(crate) fn count_powned(&self, powned: Powned) {
        self.coins_powned.fetch_add(powned.coins, Ordering::Relaxed);
        self.value_powned.fetch_add(powned.value, Ordering::Relaxed);
    }

    /// Counts a Fix that has heard enough of what other nodes say.
    pub(crate) fn count_fix(&self, redeemed: usize, failed: usize) {
        let [fixes, ballots, missing] = &self.fixes;
        fixes.add(1);
        ballots.add(redeemed);
        missing.add(failed);
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
            echoes: self.sum(place(Command::ECHO)).pass,
            coins_powned: self.coins_powned.load(Ordering::Relaxed),
            value_powned: self.value_powned.load(Ordering::Relaxed),
            udp_datagrams: self.reactors.iter().map(|counters| counters.datagrams_in.get()).sum(),
        }
    }
}

impl Default for Stripe {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Row::default()))
    }
}

/// Whether a command says something of each coin, or of all of them together.
#[must_use]
pub fn judges_coins(command: Command) -> bool {
    const BY_COIN: [Command; 9] = [
        Command::DETECT,
        Command::POWN,
        Command::GET_TICKET,
        Command::FIND,
        Command::FIX,
        Command::CREATE_COINS,
        Command::DELETE_COINS,
        Command::FREE_COINS,
        Command::REMOVE,
    ];
    const TOGETHER: [Command; 3] = [Command::DETECT_SUM, Command::POWN_SUM, Command::STORE];
    BY_COIN.contains(&command) || TOGETHER.contains(&command)
}

/// Which of a command's four numbers counts an answer.
const fn kind(status: Status) -> usize {
    match status {
        _ if !status.is_result() => 3,
        Status::MIXED | Status::FIND_MIXED => 2,
        Status::ALL_FAIL | Status::FIND_NEITHER => 1,
        _ => 0,
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
        statistics.count(Command::ECHO, Status::SUCCESS, Judged::default());
        let mut powned = Powned::default();
        powned.add(Denomination::MAX);
        powned.add(Denomination::MIN);
        statistics.count_powned(powned);
        let value_powned = 100_000_000_000_001;
        assert_eq!(statistics.read(), Stats { echoes: 1, coins_powned: 2, value_powned, udp_datagrams: 5 });
    }
}
