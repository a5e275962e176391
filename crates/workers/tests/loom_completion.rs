//! The completion queue under every interleaving (within the bound): run with
//! `RUSTFLAGS="--cfg loom" cargo test -p raida-workers --release --test 'loom_*'`.
#![cfg(loom)]

mod bell;

use bell::{Bell, explore};
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;
use raida_workers::CompletionQueue;
use std::sync::Arc;

#[test]
fn no_completion_and_no_wake_up_is_lost() {
    explore(|| {
        let bell = Arc::new(Bell::default());
        let rings = Arc::new(AtomicUsize::new(0));
        let (rung, ringing) = (Arc::clone(&bell), Arc::clone(&rings));
        let queue = CompletionQueue::new(3, move || {
            // ORDERING: Relaxed; read after the threads were joined.
            ringing.fetch_add(1, Ordering::Relaxed);
            rung.ring();
        });
        let late = queue.try_reserve().unwrap();
        let workers = [0, 1].map(|worker| {
            let permit = queue.try_reserve().unwrap();
            thread::spawn(move || permit.complete(worker))
        });
        let mut results = Vec::new();
        let mut drains = 0;
        // A lost wake-up would leave this loop asleep for ever, which loom reports.
        while results.len() < 2 {
            bell.wait();
            queue.drain_into(&mut results);
            drains += 1;
        }
        results.sort_unstable();
        assert_eq!(results, [0, 1]);
        for worker in workers {
            worker.join().unwrap();
        }
        let rings = rings.load(Ordering::Relaxed);
        assert!(rings <= drains, "one ring at most between two drains");

        // And it is still armed rightly for the next one.
        late.complete(2);
        bell.wait();
        assert_eq!(queue.drain_into(&mut results), 1);
        assert_eq!(queue.occupied(), 0);
    });
}

#[test]
fn slots_never_exceed_the_capacity_and_never_leak() {
    explore(|| {
        let queue = CompletionQueue::new(1, || ());
        let out = Arc::new(AtomicUsize::new(0));
        let workers = [false, true].map(|abandon| {
            let (queue, out) = (queue.clone(), Arc::clone(&out));
            thread::spawn(move || {
                let Some(permit) = queue.try_reserve() else { return 0 };
                // ORDERING: Relaxed; the counter's own order is all the assertion needs.
                assert_eq!(out.fetch_add(1, Ordering::Relaxed), 0, "two permits for one slot");
                if abandon {
                    out.fetch_sub(1, Ordering::Relaxed);
                    drop(permit);
                    return 0;
                }
                out.fetch_sub(1, Ordering::Relaxed);
                permit.complete(());
                1
            })
        });
        let mut results = Vec::new();
        assert!(queue.drain_into(&mut results) <= 1);
        let completed: usize = workers.into_iter().map(|worker| worker.join().unwrap()).sum();
        queue.drain_into(&mut results);
        assert_eq!(results.len(), completed);
        assert_eq!(queue.occupied(), 0);
        assert!(queue.try_reserve().is_some());
    });
}

#[test]
fn reservation_right_after_a_drain_finds_the_slot_and_its_result_is_heard() {
    explore(|| {
        let bell = Arc::new(Bell::default());
        let rung = Arc::clone(&bell);
        let queue = CompletionQueue::new(1, move || rung.ring());
        let worker = {
            let permit = queue.try_reserve().unwrap();
            thread::spawn(move || permit.complete(1))
        };
        let mut results = Vec::new();
        for round in 1..=2 {
            while results.len() < round {
                bell.wait();
                queue.drain_into(&mut results);
            }
            if round == 1 {
                let permit = queue.try_reserve().expect("the drain freed it");
                thread::spawn(move || permit.complete(2));
            }
        }
        assert_eq!(results, [1, 2]);
        worker.join().unwrap();
    });
}
