//! Which requests are with other threads, and which wait to go there.

use raida_workers::CompletionQueue;

use crate::backend::Waker;
use crate::lists::Lists;
use crate::workers::{Finished, Job, Road, Roads};

/// Sends jobs by their roads and keeps, for each road, the line of those that found no room.
///
/// A permit is taken before a job leaves, so its result can always be delivered. The lines hold slot numbers only: the
/// request itself waits in its connection. The roads share no bound, so neither of them can block the other.
pub(crate) struct Dispatch {
    roads: Roads,
    pool: Lane,
    batch: Lane,
    finished: Vec<Finished>,
    lines: Lists,
    waiting: u32,
}

/// One road's own part.
struct Lane {
    queue: CompletionQueue<Finished>,
    in_flight: usize,
    /// Of those in flight: how many came in datagrams.
    datagrams: usize,
}

impl Dispatch {
    pub(crate) fn new(roads: Roads, completions_max: usize, slots: u32, waker: Waker) -> Self {
        let lane = |waker: Waker| Lane {
            queue: CompletionQueue::new(completions_max, move || waker()),
            in_flight: 0,
            datagrams: 0,
        };
        Self {
            roads,
            pool: lane(Waker::clone(&waker)),
            batch: lane(waker),
            finished: Vec::with_capacity(2 * completions_max),
            lines: Lists::new(slots, 2),
            waiting: 0,
        }
    }

    /// Sends a job by its road.
    ///
    /// The job comes back where there is no room; once there is, the loop is woken.
    #[expect(clippy::result_large_err, reason = "the job has to come back whole, and a box would be an allocation")]
    pub(crate) fn submit(&mut self, job: Job) -> Result<(), Job> {
        let road = job.road;
        let Some(permit) = self.lane(road).queue.try_reserve() else { return Err(job) };
        let submitted = match road {
            Road::Pool => self.roads.pool.try_dispatch(permit, job),
            Road::Batch => self.roads.batcher.try_dispatch(permit, job),
        };
        submitted.map_err(|(_permit, job)| job)?;
        self.lane(road).in_flight += 1;
        Ok(())
    }

    /// The next result, in the order of completion. `None` when all that have arrived were handed out.
    pub(crate) fn finished(&mut self) -> Option<Finished> {
        let finished = self.finished.pop()?;
        self.lane(finished.road).in_flight -= 1;
        Some(finished)
    }

    /// Collects what has arrived.
    pub(crate) fn collect(&mut self) {
        self.finished.reverse();
        self.drain();
        self.finished.reverse();
    }

    /// Whether results wait to be handed out.
    pub(crate) fn has_finished(&self) -> bool {
        !self.finished.is_empty()
    }

    /// Waits until `count` more results, or all that are out, have arrived.
    #[cfg(feature = "testing")]
    pub(crate) fn await_finished(&mut self, count: usize) {
        let count = self.in_flight().min(self.finished.len() + count);
        self.finished.reverse();
        while self.finished.len() < count {
            self.drain();
            std::thread::yield_now();
        }
        self.finished.reverse();
    }

    /// How many places in the completion queues are taken.
    #[cfg(feature = "testing")]
    pub(crate) fn permits(&self) -> usize {
        self.pool.queue.occupied() + self.batch.queue.occupied()
    }

    /// Puts a slot last in a road's line.
    pub(crate) fn enqueue(&mut self, road: Road, slot: u32) {
        self.lines.push_back(line(road), slot);
        self.waiting += 1;
    }

    /// Takes a slot out of its line, wherever it stands.
    pub(crate) fn leave(&mut self, slot: u32) {
        if self.lines.remove(slot) {
            self.waiting -= 1;
        }
    }

    /// The slot that waits longest for a road.
    pub(crate) fn first(&self, road: Road) -> Option<u32> {
        self.lines.front(line(road))
    }

    /// How many slots wait.
    pub(crate) fn waiting(&self) -> u32 {
        self.waiting
    }

    /// How many requests are with other threads.
    pub(crate) fn in_flight(&self) -> usize {
        self.pool.in_flight + self.batch.in_flight
    }

    /// How many of those are with the batch.
    pub(crate) fn in_batch(&self) -> usize {
        self.batch.in_flight
    }

    /// How many requests from datagrams are out by a road.
    pub(crate) fn datagrams(&mut self, road: Road) -> usize {
        self.lane(road).datagrams
    }

    /// A request from a datagram has left.
    pub(crate) fn datagram_left(&mut self, road: Road) {
        self.lane(road).datagrams += 1;
    }

    /// It has come back.
    pub(crate) fn datagram_answered(&mut self, road: Road) {
        self.lane(road).datagrams -= 1;
    }

    fn drain(&mut self) {
        self.pool.queue.drain_into(&mut self.finished);
        self.batch.queue.drain_into(&mut self.finished);
    }

    fn lane(&mut self, road: Road) -> &mut Lane {
        match road {
            Road::Pool => &mut self.pool,
            Road::Batch => &mut self.batch,
        }
    }
}

/// The list that is a road's line.
fn line(road: Road) -> u32 {
    match road {
        Road::Pool => 0,
        Road::Batch => 1,
    }
}
