//! Which requests are with the workers, and which wait for one.

use std::sync::Arc;

use raida_workers::CompletionQueue;

use crate::backend::Waker;
use crate::lists::Lists;
use crate::workers::{Finished, Job, WorkerPool};

/// Hands jobs to the workers and keeps the line of those that could not be handed over.
///
/// A permit is taken before a job leaves, so its result can always be delivered. The line holds slot numbers only: the
/// request itself waits in its connection.
pub(crate) struct Dispatch {
    pool: Arc<WorkerPool>,
    queue: CompletionQueue<Finished>,
    finished: Vec<Finished>,
    line: Lists,
    waiting: u32,
    in_flight: usize,
    /// Of those in flight: how many came in datagrams.
    pub(crate) datagrams: usize,
}

/// The only line.
const LINE: u32 = 0;

impl Dispatch {
    pub(crate) fn new(pool: Arc<WorkerPool>, completions_max: usize, slots: u32, waker: Waker) -> Self {
        Self {
            pool,
            queue: CompletionQueue::new(completions_max, move || waker()),
            finished: Vec::with_capacity(completions_max),
            line: Lists::new(slots, 1),
            waiting: 0,
            in_flight: 0,
            datagrams: 0,
        }
    }

    /// Hands a job to the workers.
    ///
    /// The job comes back where there is no room; once there is, the loop is woken.
    #[expect(clippy::result_large_err, reason = "the job has to come back whole, and a box would be an allocation")]
    pub(crate) fn submit(&mut self, job: Job) -> Result<(), Job> {
        let Some(permit) = self.queue.try_reserve() else { return Err(job) };
        self.pool.try_dispatch(permit, job).map_err(|(_permit, job)| job)?;
        self.in_flight += 1;
        Ok(())
    }

    /// The next result, in the order of completion. `None` when all that have arrived were handed out.
    pub(crate) fn finished(&mut self) -> Option<Finished> {
        let finished = self.finished.pop()?;
        self.in_flight -= 1;
        Some(finished)
    }

    /// Collects what has arrived.
    pub(crate) fn collect(&mut self) {
        self.finished.reverse();
        self.queue.drain_into(&mut self.finished);
        self.finished.reverse();
    }

    /// Whether results wait to be handed out.
    pub(crate) fn has_finished(&self) -> bool {
        !self.finished.is_empty()
    }

    /// Waits until `count` results, or all that are out, have arrived.
    #[cfg(feature = "testing")]
    pub(crate) fn await_finished(&mut self, count: usize) {
        let count = count.min(self.in_flight);
        self.finished.reverse();
        while self.finished.len() < count {
            self.queue.drain_into(&mut self.finished);
            std::thread::yield_now();
        }
        self.finished.reverse();
    }

    /// How many places in the completion queue are taken.
    #[cfg(feature = "testing")]
    pub(crate) fn permits(&self) -> usize {
        self.queue.occupied()
    }

    /// Puts a slot last in the line.
    pub(crate) fn enqueue(&mut self, slot: u32) {
        self.line.push_back(LINE, slot);
        self.waiting += 1;
    }

    /// Takes a slot out of the line, wherever it stands.
    pub(crate) fn leave(&mut self, slot: u32) {
        if self.line.remove(slot) {
            self.waiting -= 1;
        }
    }

    /// The slot that waits longest.
    pub(crate) fn first(&self) -> Option<u32> {
        self.line.front(LINE)
    }

    /// How many slots wait.
    pub(crate) fn waiting(&self) -> u32 {
        self.waiting
    }

    /// How many requests are with the workers.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight
    }
}
