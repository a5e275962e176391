//! Who sleeps, and whom to wake.

use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::{Mutex, Unparker, lock};

/// The workers that are asleep or about to be.
///
/// A worker enters, looks at every queue once more, and only then parks; a dispatcher pushes first
/// and looks for sleepers second. Both look at queues under their locks, so one of the two sees
/// the other, and no wake-up is lost. A dispatch takes at most one worker off the list: one job
/// wakes one thread.
pub(crate) struct Idle {
    /// Mirror of `asleep.len()`, written under the lock: saves dispatchers the lock while all work.
    count: AtomicUsize,
    asleep: Mutex<Vec<usize>>,
    workers: Box<[Unparker]>,
}

impl Idle {
    pub(crate) fn new(workers: Box<[Unparker]>) -> Self {
        let asleep = Mutex::new(Vec::with_capacity(workers.len()));
        Self { count: AtomicUsize::new(0), asleep, workers }
    }

    /// Puts `worker` on the list. It must look at every queue again before it parks.
    pub(crate) fn enter(&self, worker: usize) {
        let mut asleep = lock(&self.asleep);
        asleep.push(worker);
        self.publish(&asleep);
    }

    /// Takes `worker` off the list. `false`: somebody else did already, to wake it for a job.
    #[must_use]
    pub(crate) fn leave(&self, worker: usize) -> bool {
        let mut asleep = lock(&self.asleep);
        let Some(place) = asleep.iter().position(|&sleeper| sleeper == worker) else {
            return false;
        };
        asleep.swap_remove(place);
        self.publish(&asleep);
        true
    }

    /// Wakes one sleeper, `preferred` if it is one, otherwise the one that fell asleep last: its
    /// cache is warmest. Does nothing when nobody sleeps.
    pub(crate) fn wake_one(&self, preferred: usize) {
        // ORDERING: Relaxed. The caller pushed under a queue's lock before; a worker stores the
        // count before it looks at that queue under the same lock. If it looked first, its store
        // happened before this load; if the push was first, the worker finds the job by itself.
        if self.count.load(Ordering::Relaxed) == 0 {
            return;
        }
        let woken = {
            let mut asleep = lock(&self.asleep);
            let place = asleep.iter().position(|&sleeper| sleeper == preferred);
            let woken = match place {
                Some(place) => Some(asleep.swap_remove(place)),
                None => asleep.pop(),
            };
            self.publish(&asleep);
            woken
        };
        self.unpark(woken);
    }

    /// Wakes every sleeper.
    pub(crate) fn wake_all(&self) {
        loop {
            let woken = {
                let mut asleep = lock(&self.asleep);
                let woken = asleep.pop();
                self.publish(&asleep);
                woken
            };
            if woken.is_none() {
                return;
            }
            self.unpark(woken);
        }
    }

    fn unpark(&self, worker: Option<usize>) {
        if let Some(unparker) = worker.and_then(|worker| self.workers.get(worker)) {
            unparker.unpark();
        }
    }

    fn publish(&self, asleep: &[usize]) {
        // ORDERING: Relaxed, see `wake_one`; writers are in order because they hold the lock.
        self.count.store(asleep.len(), Ordering::Relaxed);
    }
}
