//! What the store has done, counted so that threads which only read do not get in each other's way.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// What a store has done since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Batches of changes that reached the disk.
    pub commits: u64,
    /// Time that they took to get there, all together.
    pub commit_time: Duration,
    /// Looks at a coin that memory could answer.
    pub hits: u64,
    /// Looks that went to the disk.
    pub misses: u64,
    /// Groups of 64 coins let go to make room.
    pub evictions: u64,
}

/// The live numbers.
// ORDERING: Relaxed everywhere: each number stands alone and publishes nothing.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    hits: [Stripe; STRIPES],
    misses: AtomicU64,
    commits: AtomicU64,
    commit_us: AtomicU64,
}

/// A count on a cache line of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Stripe(AtomicU64);

/// Threads beyond so many share.
const STRIPES: usize = 16;

thread_local! {
    static STRIPE: Cell<usize> = {
        static THREADS: AtomicUsize = AtomicUsize::new(0);
        Cell::new(THREADS.fetch_add(1, Ordering::Relaxed) % STRIPES)
    };
}

impl Tally {
    /// Memory had the answer.
    pub(crate) fn hit(&self) {
        if let Some(Stripe(hits)) = self.hits.get(STRIPE.get()) {
            hits.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The disk had to be asked.
    pub(crate) fn miss(&self) {
        self.misses.fetch_add(1, Ordering::Relaxed);
    }

    /// A batch is on disk, and it took so long.
    pub(crate) fn commit(&self, took: Duration) {
        self.commits.fetch_add(1, Ordering::Relaxed);
        self.commit_us.fetch_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// The numbers now, with one that is kept elsewhere.
    pub(crate) fn figures(&self, evictions: u64) -> Figures {
        let read = |number: &AtomicU64| number.load(Ordering::Relaxed);
        Figures {
            commits: read(&self.commits),
            commit_time: Duration::from_micros(read(&self.commit_us)),
            hits: self.hits.iter().map(|Stripe(hits)| read(hits)).sum(),
            misses: read(&self.misses),
            evictions,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_of_all_threads_add_up() {
        let tally = Tally::default();
        std::thread::scope(|scope| {
            (0..20).for_each(|_| {
                scope.spawn(|| (0..100).for_each(|_| tally.hit()));
            });
        });
        tally.miss();
        tally.commit(Duration::from_micros(7));
        let commit_time = Duration::from_micros(7);
        assert_eq!(tally.figures(3), Figures { commits: 1, commit_time, hits: 2000, misses: 1, evictions: 3 });
    }
}
