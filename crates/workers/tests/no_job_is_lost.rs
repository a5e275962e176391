//! Every accepted job gives exactly one result, to the loop that asked, whatever is full.
#![cfg(not(loom))]

use crossbeam_utils::sync::Parker;
use raida_workers::{Batcher, BatcherConfig, Batches, CompletionQueue, Config, Permit, Pool};
use std::thread;

const JOBS: usize = 100_000;

#[test]
fn eight_loops_get_every_result_once_from_a_pool_that_is_always_full() {
    // 8 x 64 slots against 3 x 4 places: loops are refused all the time and rely on being told.
    let config = Config { threads: 3, queue_capacity: 4, ..Config::default() };
    let pool = Pool::new(&config, |job: &mut Job| *job, |job| job).unwrap();
    thread::scope(|scope| {
        for producer in 0..8 {
            let pool = &pool;
            scope.spawn(move || EventLoop::new(producer).run(|permit, job| pool.try_dispatch(permit, job), JOBS));
        }
    });
    assert_eq!((pool.queued(), pool.panics()), (0, 0));
}

#[test]
fn one_thread_and_one_place_are_enough() {
    let config = Config { threads: 1, queue_capacity: 1, ..Config::default() };
    let pool = Pool::new(&config, |job: &mut Job| *job, |job| job).unwrap();
    thread::scope(|scope| {
        for producer in 0..2 {
            let pool = &pool;
            scope.spawn(move || EventLoop::new(producer).run(|permit, job| pool.try_dispatch(permit, job), 2_000));
        }
    });
}

#[test]
fn eight_loops_get_every_result_once_from_a_batcher_that_is_always_full() {
    // 8 x 64 slots against 48 places, and a batch takes 32 at most.
    let config = BatcherConfig { queue_capacity: 48, batch_max: 32, ..BatcherConfig::default() };
    let batcher = Batcher::new(&config, |_: &mut [Job]| (), |job| job, |job| job).unwrap();
    thread::scope(|scope| {
        for producer in 0..8 {
            let batcher = &batcher;
            scope.spawn(move || EventLoop::new(producer).run(|permit, job| batcher.try_dispatch(permit, job), JOBS));
        }
    });
    let batches = batcher.batches();
    assert_eq!((batches.jobs, batcher.queued(), batcher.panics()), (8 * JOBS as u64, 0, 0));
    assert!(batches.largest <= 32 && batches.batches >= 8 * JOBS as u64 / 32, "{batches:?}");
    assert!(batches.batches < batches.jobs, "nothing was ever done together");
}

#[test]
fn one_place_in_the_batcher_is_enough() {
    let config = BatcherConfig { queue_capacity: 1, batch_max: 1, ..BatcherConfig::default() };
    let batcher = Batcher::new(&config, |_: &mut [Job]| (), |job| job, |job| job).unwrap();
    thread::scope(|scope| {
        for producer in 0..2 {
            let batcher = &batcher;
            scope.spawn(move || EventLoop::new(producer).run(|permit, job| batcher.try_dispatch(permit, job), 2_000));
        }
    });
    assert_eq!(batcher.batches(), Batches { batches: 4_000, jobs: 4_000, largest: 1 });
}

/// Who asked, and for what.
type Job = (usize, usize);

/// A job that was accepted, or came back.
type Submitted = Result<(), (Permit<Job>, Job)>;

struct EventLoop {
    producer: usize,
    parker: Parker,
    queue: CompletionQueue<Job>,
    /// Refused by the pool, waiting for room.
    held: Option<(Permit<Job>, Job)>,
}

impl EventLoop {
    fn new(producer: usize) -> Self {
        let parker = Parker::new();
        let unparker = parker.unparker().clone();
        let queue = CompletionQueue::new(64, move || unparker.unpark());
        Self { producer, parker, queue, held: None }
    }

    fn run(mut self, submit: impl Fn(Permit<Job>, Job) -> Submitted, jobs: usize) {
        let mut seen = vec![false; jobs];
        let (mut next, mut finished) = (0, 0);
        let mut results = Vec::with_capacity(self.queue.capacity());
        while finished < jobs {
            self.dispatch(&submit, &mut next, jobs);
            self.parker.park();
            finished += self.queue.drain_into(&mut results);
            for (producer, job) in results.drain(..) {
                assert_eq!(producer, self.producer);
                let again = seen.get_mut(job).map(|seen| std::mem::replace(seen, true));
                assert_eq!(again, Some(false), "job {job} came twice or was never sent");
            }
        }
        assert_eq!(self.queue.occupied(), 0);
    }

    /// Hands out jobs until a bound is reached or none are left.
    fn dispatch(&mut self, submit: impl Fn(Permit<Job>, Job) -> Submitted, next: &mut usize, jobs: usize) {
        loop {
            let (permit, job) = match self.held.take() {
                Some(held) => held,
                None if *next == jobs => return,
                None => {
                    let Some(permit) = self.queue.try_reserve() else { return };
                    *next += 1;
                    (permit, (self.producer, *next - 1))
                }
            };
            if let Err(refused) = submit(permit, job) {
                self.held = Some(refused);
                return;
            }
        }
    }
}
