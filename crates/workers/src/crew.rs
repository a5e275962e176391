//! What all workers of a pool share, and what each of them does all day.

use crate::completion::Permit;
use crate::idle::Idle;
use crate::panics::Panics;
use crate::queue::{JobQueue, Take};
use crate::room::Room;
use crate::sync::Parker;
use crate::sync::atomic::{AtomicUsize, Ordering};
use crossbeam_utils::CachePadded;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A job and the slot that waits for its result.
pub(crate) struct Task<J, R> {
    pub(crate) permit: Permit<R>,
    pub(crate) job: J,
}

type Queue<J, R> = CachePadded<JobQueue<Task<J, R>>>;

pub(crate) struct Crew<J, R> {
    /// One per worker; never empty.
    queues: Box<[Queue<J, R>]>,
    idle: Idle,
    room: Room<R>,
    /// Whose queue the next job is offered to first.
    turn: CachePadded<AtomicUsize>,
    busy: CachePadded<AtomicUsize>,
    panics: Panics,
    run: Box<dyn Fn(&mut J) -> R + Send + Sync>,
    recover: Box<dyn Fn(J) -> R + Send + Sync>,
}

impl<J, R> Crew<J, R> {
    pub(crate) fn new(
        parkers: &[Parker],
        queue_capacity: usize,
        run: Box<dyn Fn(&mut J) -> R + Send + Sync>,
        recover: Box<dyn Fn(J) -> R + Send + Sync>,
    ) -> Self {
        let queue = |_: &Parker| CachePadded::new(JobQueue::new(queue_capacity));
        Self {
            queues: parkers.iter().map(queue).collect(),
            idle: Idle::new(parkers.iter().map(|parker| parker.unparker().clone()).collect()),
            room: Room::new(),
            turn: CachePadded::new(AtomicUsize::new(0)),
            busy: CachePadded::new(AtomicUsize::new(0)),
            panics: Panics::new(),
            run,
            recover,
        }
    }

    /// Queues a task and sees to it that a worker is awake for it; hands it back when every queue
    /// is full or closed.
    pub(crate) fn submit(&self, task: Task<J, R>) -> Result<(), Task<J, R>> {
        // ORDERING: Relaxed, only spreads the load; any value is right.
        let first = self.turn.fetch_add(1, Ordering::Relaxed);
        let Err(task) = self.offer(first, task) else { return Ok(()) };
        // Full. Room may come while we say that we want it, so try again after.
        if let Some(queue) = task.permit.queue() {
            self.room.ask(queue);
        }
        self.offer(first, task)
    }

    /// One worker's life: returns when all queues are closed and empty.
    pub(crate) fn work(&self, worker: usize, parker: &Parker) {
        while let Some(task) = self.next(worker, parker) {
            self.begin();
            self.finish(task);
        }
    }

    /// A task was taken out of its queue.
    pub(crate) fn begin(&self) {
        self.room.announce();
        // ORDERING: Relaxed, here and below: a number for statistics. Who has a result of this
        // job no longer finds it counted, because the completion queue's lock comes after.
        self.busy.fetch_add(1, Ordering::Relaxed);
    }

    /// Does a task that has begun, and delivers what came of it.
    pub(crate) fn finish(&self, Task { permit, job }: Task<J, R>) {
        let result = catch_unwind(AssertUnwindSafe(|| self.perform(job)));
        self.busy.fetch_sub(1, Ordering::Relaxed);
        let deliver = |result| catch_unwind(AssertUnwindSafe(|| permit.complete(result)));
        // Whatever else of the caller's may panic (`recover`, a drop, the wake callback) may
        // cost that job its result, but neither its slot nor the pool a thread.
        if let Err(payload) = result.and_then(deliver) {
            self.panics.note(&*payload, "answering a job panicked");
        }
    }

    /// Takes a task as worker 0 would, without waiting for one.
    #[cfg(feature = "testing")]
    pub(crate) fn take(&self) -> Option<Task<J, R>> {
        let Found::Task(task) = self.find(0) else { return None };
        self.begin();
        Some(task)
    }

    /// Refuses every later task and wakes all workers, so that they finish and go.
    pub(crate) fn close(&self) {
        for queue in &self.queues {
            queue.close();
        }
        self.idle.wake_all();
    }

    /// Takes out what no worker has begun.
    #[cfg(not(loom))] // only a time limit leaves any
    pub(crate) fn take_rest(&self) -> Vec<Task<J, R>> {
        let rest = |queue: &Queue<J, R>| match queue.take() {
            Take::Job(task) => Some(task),
            Take::Empty | Take::Closed => None,
        };
        self.queues.iter().flat_map(|queue| std::iter::from_fn(move || rest(queue))).collect()
    }

    pub(crate) fn threads(&self) -> usize {
        self.queues.len()
    }

    pub(crate) fn queued(&self) -> usize {
        self.queues.iter().map(|queue| queue.depth()).sum()
    }

    pub(crate) fn busy(&self) -> usize {
        // ORDERING: Relaxed, a number for statistics.
        self.busy.load(Ordering::Relaxed)
    }

    pub(crate) fn panics(&self) -> u64 {
        self.panics.count()
    }
}

/// What a look at all queues found.
enum Found<T> {
    Task(T),
    Nothing,
    AllClosed,
}

impl<J, R> Crew<J, R> {
    /// Waits for a task. `None`: there will never be one again.
    fn next(&self, worker: usize, parker: &Parker) -> Option<Task<J, R>> {
        loop {
            match self.find(worker) {
                Found::Task(task) => return Some(task),
                Found::AllClosed => return None,
                Found::Nothing => self.idle.enter(worker),
            }
            // On the list now, so whatever comes from here on wakes us. What came before does not.
            let found = self.find(worker);
            if let Found::Nothing = found {
                parker.park();
            }
            self.rise(worker, matches!(found, Found::Task(_)));
            match found {
                Found::Task(task) => return Some(task),
                Found::AllClosed => return None,
                Found::Nothing => {}
            }
        }
    }

    /// Ends what `Idle::enter` began. A worker that found its own job before it slept may have
    /// been chosen to be woken for another one meanwhile: then the wake-up is passed on, or that
    /// job would wait while others sleep.
    fn rise(&self, worker: usize, found_job: bool) {
        let chosen = !self.idle.leave(worker);
        if chosen && found_job {
            self.idle.wake_one(worker);
        }
    }

    /// Own queue first, then the others': stealing.
    fn find(&self, worker: usize) -> Found<Task<J, R>> {
        let mut all_closed = true;
        for (_, queue) in self.queues_from(worker) {
            match queue.take() {
                Take::Job(task) => return Found::Task(task),
                Take::Empty => all_closed = false,
                Take::Closed => {}
            }
        }
        if all_closed { Found::AllClosed } else { Found::Nothing }
    }

    fn offer(&self, first: usize, mut task: Task<J, R>) -> Result<(), Task<J, R>> {
        for (owner, queue) in self.queues_from(first) {
            match queue.push(task) {
                Ok(()) => {
                    self.idle.wake_one(owner);
                    return Ok(());
                }
                Err(refused) => task = refused,
            }
        }
        Err(task)
    }

    fn perform(&self, mut job: J) -> R {
        // Unwind safety: after a panic the job goes to `recover`, which is told what that means.
        catch_unwind(AssertUnwindSafe(|| (self.run)(&mut job))).unwrap_or_else(|payload| {
            self.panics.note(&*payload, "a job panicked");
            (self.recover)(job)
        })
    }

    /// Every queue once, with its owner's number, beginning with number `first` (round and round).
    fn queues_from(&self, first: usize) -> impl Iterator<Item = (usize, &JobQueue<Task<J, R>>)> {
        let count = self.queues.len();
        let order = (0..count).map(move |n| (first % count + n) % count);
        order.filter_map(|n| self.queues.get(n).map(|queue| (n, &**queue)))
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::completion::CompletionQueue;

    #[test]
    fn worker_that_needs_no_wake_up_passes_it_on() {
        let parkers = [Parker::new(), Parker::new()];
        let crew = Crew::new(&parkers, 1, Box::new(|job: &mut u8| *job), Box::new(|job| job));
        let queue = CompletionQueue::new(1, || ());
        let permit = queue.try_reserve().unwrap();

        // Both are about to sleep; then a job comes, and worker 0 is chosen for it.
        crew.idle.enter(0);
        crew.idle.enter(1);
        assert!(crew.submit(Task { permit, job: 1 }).is_ok());
        // But 0 has just found another one. So 1 has to look.
        crew.rise(0, true);
        assert!(!crew.idle.leave(1), "worker 1 was chosen in its place");
    }

    #[test]
    fn worker_that_was_not_chosen_wakes_nobody() {
        let parkers = [Parker::new(), Parker::new()];
        let crew = Crew::<u8, u8>::new(&parkers, 1, Box::new(|job| *job), Box::new(|job| job));
        crew.idle.enter(0);
        crew.idle.enter(1);
        crew.rise(0, true);
        assert!(crew.idle.leave(1));
    }
}
