//! Which requests are with other threads, and which wait to go there.

use raida_conn::Instant;
use raida_workers::CompletionQueue;

use crate::backend::Waker;
use crate::flights::{Flight, Flights};
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
    flights: Flights,
    in_flight: usize,
    /// Of those in flight: how many came in datagrams.
    datagrams: usize,
}

impl Dispatch {
    pub(crate) fn new(roads: Roads, completions_max: usize, slots: u32, waker: Waker) -> Self {
        let lane = |waker: Waker| Lane {
            queue: CompletionQueue::new(completions_max, move || waker()),
            flights: Flights::new(completions_max),
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
    pub(crate) fn submit(&mut self, mut job: Job) -> Result<(), Job> {
        let road = job.road;
        let lane = self.lane(road);
        let Some(permit) = lane.queue.try_reserve() else { return Err(job) };
        // There are as many places as permits.
        let flight = Flight { origin: job.origin, head: job.head, began: job.began };
        let Some(claim) = lane.flights.begin(flight) else { return Err(job) };
        let place = claim.place();
        job.claim = Some(claim);
        let submitted = match road {
            Road::Pool => self.roads.pool.try_dispatch(permit, job),
            Road::Batch => self.roads.batcher.try_dispatch(permit, job),
        };
        let lane = self.lane(road);
        match submitted {
            Ok(()) => lane.in_flight += 1,
            Err((_permit, job)) => {
                lane.flights.end(place);
                return Err(job);
            }
        }
        Ok(())
    }

    /// Gives up the oldest request on a road that was whole by `until` and that nobody works on yet. Its answer is the
    /// caller's now; what comes back of it says that it was given up.
    pub(crate) fn give_up(&mut self, road: Road, until: Instant) -> Option<Flight> {
        self.lane(road).flights.give_up(until)
    }

    /// When the oldest request that may be given up was whole.
    pub(crate) fn oldest(&self) -> Option<Instant> {
        [&self.pool, &self.batch].into_iter().filter_map(|lane| lane.flights.oldest()).min()
    }

    /// The next result, in the order of completion. `None` when all that have arrived were handed out.
    pub(crate) fn finished(&mut self) -> Option<Finished> {
        let mut finished = self.finished.pop()?;
        let lane = self.lane(finished.road);
        lane.in_flight -= 1;
        finished.is_given_up = finished.place.is_some_and(|place| lane.flights.end(place));
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
