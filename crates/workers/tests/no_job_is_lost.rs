//! Every accepted job gives exactly one result, to the loop that asked, whatever is full.
#![cfg(not(loom))]

use crossbeam_utils::sync::Parker;
use raida_workers::{CompletionQueue, Config, Permit, Pool};
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
            scope.spawn(move || EventLoop::new(producer).run(pool, JOBS));
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
            scope.spawn(move || EventLoop::new(producer).run(pool, 2_000));
        }
    });
}

/// Who asked, and for what.
type Job = (usize, usize);

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

    fn run(mut self, pool: &Pool<Job, Job>, jobs: usize) {
        let mut seen = vec![false; jobs];
        let (mut next, mut finished) = (0, 0);
        let mut results = Vec::with_capacity(self.queue.capacity());
        while finished < jobs {
            self.dispatch(pool, &mut next, jobs);
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
    fn dispatch(&mut self, pool: &Pool<Job, Job>, next: &mut usize, jobs: usize) {
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
            if let Err(refused) = pool.try_dispatch(permit, job) {
                self.held = Some(refused);
                return;
            }
        }
    }
}
