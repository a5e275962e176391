//! Who was refused for lack of room, and wants to hear when there is some.

use crate::completion::CompletionQueue;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Mutex, lock};

/// The loops that found every queue full.
///
/// A loop whose own jobs are in flight is woken by their results. One that has none in flight,
/// because other loops filled the pool, has to be told: it asks here, tries once more, and the
/// next worker to take a job wakes it. At most one entry per loop.
pub(crate) struct Room<R> {
    /// Mirror of `!asking.is_empty()`, written under the lock: saves workers the lock.
    wanted: AtomicBool,
    asking: Mutex<Vec<CompletionQueue<R>>>,
}

impl<R> Room<R> {
    pub(crate) fn new() -> Self {
        Self { wanted: AtomicBool::new(false), asking: Mutex::new(Vec::new()) }
    }

    /// Notes that the owner of `queue` wants room. It must try again before it relies on this.
    pub(crate) fn ask(&self, queue: CompletionQueue<R>) {
        let mut asking = lock(&self.asking);
        if !asking.iter().any(|known| known.is(&queue)) {
            asking.push(queue);
        }
        self.publish(&asking);
    }

    /// Wakes everyone who asked. To be called after a job was taken.
    pub(crate) fn announce(&self) {
        // ORDERING: Relaxed. Who asks stores the flag, then finds a queue full under its lock. The
        // caller took a job from that queue under the same lock: later, so the store happened
        // before this load; or earlier, and then the asker found the room.
        if !self.wanted.load(Ordering::Relaxed) {
            return;
        }
        loop {
            let next = {
                let mut asking = lock(&self.asking);
                let next = asking.pop();
                self.publish(&asking);
                next
            };
            let Some(queue) = next else { return };
            queue.nudge();
        }
    }

    fn publish(&self, asking: &[CompletionQueue<R>]) {
        // ORDERING: Relaxed, see `announce`; writers are in order because they hold the lock.
        self.wanted.store(!asking.is_empty(), Ordering::Relaxed);
    }
}
