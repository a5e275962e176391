//! The pool under every interleaving (within the bound): run with
//! `RUSTFLAGS="--cfg loom" cargo test -p raida-workers --release --test 'loom_*'`.
#![cfg(loom)]

mod bell;

use bell::{Bell, explore};
use loom::thread;
use raida_workers::{CompletionQueue, Config, Pool};
use std::sync::Arc;

fn config(threads: usize, queue_capacity: usize) -> Config {
    Config { threads, queue_capacity, ..Config::default() }
}

fn queue(capacity: usize) -> (CompletionQueue<u32>, Arc<Bell>) {
    let bell = Arc::new(Bell::default());
    let rung = Arc::clone(&bell);
    (CompletionQueue::new(capacity, move || rung.ring()), bell)
}

#[test]
fn sleeping_worker_hears_of_every_job() {
    explore(|| {
        let (queue, bell) = queue(1);
        let pool = Pool::new(&config(1, 1), |job: &mut u32| *job, |job| job).unwrap();
        let mut results = Vec::new();
        for job in 1..=2 {
            pool.try_dispatch(queue.try_reserve().unwrap(), job).unwrap();
            bell.wait();
            queue.drain_into(&mut results);
        }
        assert_eq!(results, [1, 2]);
        pool.shutdown();
        assert_eq!(pool.panics(), 0);
    });
}

/// The first job ends only after the second has run. Were one worker left asleep while the other
/// is stuck in the first, nobody would ever run the second.
#[test]
fn no_job_waits_behind_another_while_a_worker_sleeps() {
    explore(|| {
        let (queue, _bell) = queue(2);
        let second_ran = Bell::default();
        let run = move |job: &mut u32| {
            if *job == 1 {
                second_ran.wait()
            } else {
                second_ran.ring()
            }
            *job
        };
        let pool = Pool::new(&config(2, 2), run, |job| job).unwrap();
        for job in 1..=2 {
            pool.try_dispatch(queue.try_reserve().unwrap(), job).unwrap();
        }
        pool.shutdown();
        assert_eq!(pool.panics(), 0);
        assert_eq!(queue.drain_into(&mut Vec::new()), 2);
    });
}

/// The second loop has nothing in flight when it is refused: only the pool can wake it.
#[test]
fn loop_that_was_refused_hears_of_room() {
    explore(|| {
        let (others, _bell) = queue(2);
        let (queue, bell) = queue(1);
        let pool = Pool::new(&config(1, 1), |job: &mut u32| *job, |job| job).unwrap();
        let _ = pool.try_dispatch(others.try_reserve().unwrap(), 1);
        let _ = pool.try_dispatch(others.try_reserve().unwrap(), 2);
        let mut waiting = Some((queue.try_reserve().unwrap(), 3));
        while let Some((permit, job)) = waiting.take() {
            if let Err(refused) = pool.try_dispatch(permit, job) {
                waiting = Some(refused);
                bell.wait();
                queue.drain_into(&mut Vec::new());
            }
        }
        pool.shutdown();
        assert_eq!(pool.panics(), 0);
        assert_eq!(queue.occupied() + others.occupied(), 1 + others.drain_into(&mut Vec::new()));
    });
}

#[test]
fn shutdown_races_with_a_dispatch_and_keeps_its_promise() {
    explore(|| {
        let (queue, _bell) = queue(1);
        let pool = Arc::new(Pool::new(&config(1, 1), |job: &mut u32| *job, |job| job).unwrap());
        let dispatcher = {
            let (pool, queue) = (Arc::clone(&pool), queue.clone());
            thread::spawn(move || pool.try_dispatch(queue.try_reserve().unwrap(), 7).is_ok())
        };
        pool.shutdown();
        let accepted = dispatcher.join().unwrap();
        assert_eq!(queue.drain_into(&mut Vec::new()), usize::from(accepted));
        assert_eq!(queue.occupied(), 0);
    });
}
