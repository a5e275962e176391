//! The batcher under every interleaving (within the bound): run with
//! `RUSTFLAGS="--cfg loom" cargo test -p raida-workers --release --test 'loom_*'`.
#![cfg(loom)]

mod bell;

use bell::{Bell, explore};
use loom::thread;
use raida_workers::{Batcher, BatcherConfig, CompletionQueue};
use std::sync::Arc;

fn batcher(queue_capacity: usize, batch_max: usize) -> Batcher<u32, u32> {
    let config = BatcherConfig { queue_capacity, batch_max, ..BatcherConfig::default() };
    let run = |jobs: &mut [u32]| jobs.iter_mut().for_each(|job| *job += 10);
    Batcher::new(&config, run, |job| job, |job| job).unwrap()
}

fn queue(capacity: usize) -> (CompletionQueue<u32>, Arc<Bell>) {
    let bell = Arc::new(Bell::default());
    let rung = Arc::clone(&bell);
    (CompletionQueue::new(capacity, move || rung.ring()), bell)
}

#[test]
fn sleeping_batcher_hears_of_every_job() {
    explore(|| {
        let (queue, bell) = queue(2);
        let batcher = batcher(2, 2);
        let mut results = Vec::new();
        for job in 1..=2 {
            batcher.try_dispatch(queue.try_reserve().unwrap(), job).unwrap();
        }
        while results.len() < 2 {
            bell.wait();
            queue.drain_into(&mut results);
        }
        assert_eq!((results, queue.occupied()), (vec![11, 12], 0));
        batcher.shutdown();
        assert_eq!((batcher.batches().jobs, batcher.panics()), (2, 0));
    });
}

#[test]
fn two_loops_each_get_their_own_result() {
    explore(|| {
        let batcher = Arc::new(batcher(2, 2));
        let ask = |job| {
            let batcher = Arc::clone(&batcher);
            move || {
                let (queue, bell) = queue(1);
                batcher.try_dispatch(queue.try_reserve().unwrap(), job).unwrap();
                bell.wait();
                let mut results = Vec::new();
                queue.drain_into(&mut results);
                assert_eq!(results, [job + 10]);
            }
        };
        let other = thread::spawn(ask(1));
        ask(2)();
        other.join().unwrap();
        batcher.shutdown();
        assert_eq!((batcher.batches().jobs, batcher.panics()), (2, 0));
    });
}

/// The second loop has nothing in flight when it is refused: only the batcher can wake it.
#[test]
fn loop_that_was_refused_hears_of_room() {
    explore(|| {
        let (others, _bell) = queue(2);
        let (queue, bell) = queue(1);
        let batcher = batcher(1, 1);
        let _ = batcher.try_dispatch(others.try_reserve().unwrap(), 1);
        let _ = batcher.try_dispatch(others.try_reserve().unwrap(), 2);
        let mut waiting = Some((queue.try_reserve().unwrap(), 3));
        while let Some((permit, job)) = waiting.take() {
            if let Err(refused) = batcher.try_dispatch(permit, job) {
                waiting = Some(refused);
                bell.wait();
                queue.drain_into(&mut Vec::new());
            }
        }
        batcher.shutdown();
        assert_eq!(batcher.panics(), 0);
        assert_eq!(queue.occupied() + others.occupied(), 1 + others.drain_into(&mut Vec::new()));
    });
}

#[test]
fn shutdown_races_with_a_dispatch_and_keeps_its_promise() {
    explore(|| {
        let (queue, _bell) = queue(1);
        let batcher = Arc::new(batcher(1, 1));
        let dispatcher = {
            let (batcher, queue) = (Arc::clone(&batcher), queue.clone());
            thread::spawn(move || batcher.try_dispatch(queue.try_reserve().unwrap(), 7).is_ok())
        };
        batcher.shutdown();
        let accepted = dispatcher.join().unwrap();
        assert_eq!(queue.drain_into(&mut Vec::new()), usize::from(accepted));
        assert_eq!(queue.occupied(), 0);
    });
}
