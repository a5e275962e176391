//! What integrity rounds have come to, for those who look at the node.

use std::sync::atomic::{AtomicU64, Ordering};

/// What one integrity round has come to.
///
/// Source: protocol §6.4
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Round {
    /// Pages that thirteen mirrors have otherwise, and that were not replaced.
    pub differing: u64,
    /// Pages that were replaced.
    pub healed: u64,
    /// Peers that did not answer.
    pub silent: u64,
    /// When it ended, in seconds since 1970.
    pub ended: u64,
}

/// Counts integrity rounds. Whoever runs them and the node that shows them share one.
///
/// ```
/// use raida_node::{Round, Rounds};
///
/// let rounds = Rounds::default();
/// rounds.count(Round { healed: 2, silent: 1, ..Round::default() });
/// rounds.count(Round { healed: 3, ended: 1_795_000_000, ..Round::default() });
/// assert_eq!(rounds.read(), (2, Round { healed: 5, ended: 1_795_000_000, ..Round::default() }));
/// ```
#[derive(Debug, Default)]
pub struct Rounds {
    // ORDERING: Relaxed everywhere: each number stands alone and publishes nothing.
    done: AtomicU64,
    differing: AtomicU64,
    healed: AtomicU64,
    silent: AtomicU64,
    ended: AtomicU64,
}

impl Rounds {
    /// Counts a round that has ended.
    pub fn count(&self, Round { differing, healed, silent, ended }: Round) {
        self.differing.store(differing, Ordering::Relaxed);
        self.healed.fetch_add(healed, Ordering::Relaxed);
        self.silent.store(silent, Ordering::Relaxed);
        self.ended.store(ended, Ordering::Relaxed);
        self.done.fetch_add(1, Ordering::Relaxed);
    }

    /// How many there were, and what the last one has come to; the healed pages are those of all together.
    #[must_use]
    pub fn read(&self) -> (u64, Round) {
        let read = |number: &AtomicU64| number.load(Ordering::Relaxed);
        let Self { done, differing, healed, silent, ended } = self;
        let last = Round { differing: read(differing), healed: read(healed), silent: read(silent), ended: read(ended) };
        (read(done), last)
    }
}
