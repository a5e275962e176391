//! Threads, queues and back-pressure: who does what, and what full means.
#![cfg(not(loom))]
#![expect(clippy::unwrap_used, reason = "a test may panic, also in its shared parts")]

use raida_workers::{CompletionQueue, Config, Pool};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;

/// A job that reports where it runs; a `Hold` also waits until it is let go.
#[derive(Debug)]
enum Job {
    Hold(SyncSender<()>, Receiver<()>),
    Quick,
}

fn pool(threads: usize, queue_capacity: usize) -> Pool<Job, String> {
    let name_prefix = "share".to_owned();
    let config = Config { threads, queue_capacity, name_prefix, pin: false, nice: 0 };
    let run = |job: &mut Job| {
        if let Job::Hold(begun, release) = job {
            begun.send(()).unwrap();
            release.recv().unwrap();
        }
        thread::current().name().unwrap_or_default().to_owned()
    };
    Pool::new(&config, run, |_| "panicked".to_owned()).unwrap()
}

/// A queue and the end of it that hears its bell.
fn queue(capacity: usize) -> (CompletionQueue<String>, Receiver<()>) {
    let (bell, woken) = sync_channel(1_000);
    (CompletionQueue::new(capacity, move || bell.send(()).unwrap_or_default()), woken)
}

/// Waits for `count` results.
fn collect(queue: &CompletionQueue<String>, woken: &Receiver<()>, count: usize) -> Vec<String> {
    let mut results = Vec::new();
    while results.len() < count {
        woken.recv().unwrap();
        queue.drain_into(&mut results);
    }
    results
}

/// Occupies one worker; the returned sender lets it go.
fn hold(pool: &Pool<Job, String>, queue: &CompletionQueue<String>) -> SyncSender<()> {
    let (begun, has_begun) = sync_channel(1);
    let (let_go, release) = sync_channel(1);
    pool.try_dispatch(queue.try_reserve().unwrap(), Job::Hold(begun, release)).unwrap();
    has_begun.recv().unwrap();
    let_go
}

#[test]
fn idle_worker_drains_the_queue_of_a_blocked_sibling() {
    let pool = pool(2, 64);
    let (queue, woken) = queue(200);
    let let_go = hold(&pool, &queue);
    // Turns alternate, so half of these lie in the blocked worker's queue.
    for _ in 0..100 {
        pool.try_dispatch(queue.try_reserve().unwrap(), Job::Quick).unwrap();
    }
    let names = collect(&queue, &woken, 100);
    assert_eq!(pool.busy(), 1, "the long job still runs");
    assert!(names.iter().all(|name| name == &names[0]), "one worker did all of them");
    let_go.send(()).unwrap();
    let last = collect(&queue, &woken, 1);
    assert_ne!(last[0], names[0]);
    let mut both = [last[0].as_str(), names[0].as_str()];
    both.sort_unstable();
    assert_eq!(both, ["share-0", "share-1"]);
}

#[test]
fn saturated_pool_returns_the_job_and_tells_the_loop_when_there_is_room() {
    let pool = pool(2, 3);
    let (busy_queue, _busy_woken) = queue(100);
    let holds = [hold(&pool, &busy_queue), hold(&pool, &busy_queue)];
    for _ in 0..6 {
        pool.try_dispatch(busy_queue.try_reserve().unwrap(), Job::Quick).unwrap();
    }
    assert_eq!((pool.busy(), pool.queued()), (2, 6));

    // This loop has nothing in flight: only the pool can wake it.
    let (queue, woken) = queue(1);
    let permit = queue.try_reserve().unwrap();
    let (permit, job) = pool.try_dispatch(permit, Job::Quick).unwrap_err();
    assert!(matches!(job, Job::Quick));
    assert!(woken.try_recv().is_err());
    holds[0].send(()).unwrap();
    woken.recv().unwrap();
    assert_eq!(queue.drain_into(&mut Vec::new()), 0);
    pool.try_dispatch(permit, job).unwrap();
    assert_eq!(collect(&queue, &woken, 1).len(), 1);
    holds[1].send(()).unwrap();
}

#[test]
fn queue_that_is_full_passes_the_job_on_to_the_next_one() {
    let pool = pool(3, 2);
    let (queue, woken) = queue(100);
    let holds: Vec<_> = (0..3).map(|_| hold(&pool, &queue)).collect();
    // Six places; turns alone would hit a full queue only at the seventh.
    for _ in 0..5 {
        pool.try_dispatch(queue.try_reserve().unwrap(), Job::Quick).unwrap();
    }
    let refused = (0..3).filter(|_| pool.try_dispatch(queue.try_reserve().unwrap(), Job::Quick).is_err());
    assert_eq!(refused.count(), 2, "the sixth place is found wherever it is");
    holds.iter().for_each(|hold| hold.send(()).unwrap());
    collect(&queue, &woken, 9);
}

#[test]
fn many_results_ring_the_bell_once() {
    let pool = pool(1, 64);
    let (queue, woken) = queue(64);
    let let_go = hold(&pool, &queue);
    for _ in 0..20 {
        pool.try_dispatch(queue.try_reserve().unwrap(), Job::Quick).unwrap();
    }
    let_go.send(()).unwrap();
    pool.shutdown();
    assert_eq!(woken.try_iter().count(), 1);
    assert_eq!(queue.drain_into(&mut Vec::new()), 21);
}

#[test]
fn pinned_pool_works_and_zero_threads_means_one_per_processor() {
    let config = Config { pin: true, ..Config::default() };
    let seen = Arc::new(Mutex::new(0));
    let sum = Arc::clone(&seen);
    let pool = Pool::new(&config, move |job: &mut u32| *sum.lock().unwrap() += *job, drop).unwrap();
    assert_eq!(pool.threads(), thread::available_parallelism().unwrap().get());
    let queue = CompletionQueue::new(10, || ());
    for job in 1..=10 {
        pool.try_dispatch(queue.try_reserve().unwrap(), job).unwrap();
    }
    pool.shutdown();
    assert_eq!(*seen.lock().unwrap(), 55);
}

#[test]
fn bad_configuration_is_refused_with_found_and_expected() {
    let start = |config: &Config| Pool::new(config, |_: &mut ()| (), drop).expect_err("refused").to_string();
    let one = Config { threads: 1, ..Config::default() };
    assert_eq!(start(&Config { threads: 1025, ..one.clone() }), "threads is 1025, expected 0 to 1024");
    assert_eq!(start(&Config { queue_capacity: 0, ..one.clone() }), "queue capacity is 0, expected 1 to 1048576");
    assert_eq!(start(&Config { name_prefix: "a\0b".to_owned(), ..one }), "the name of the threads contains a NUL");
}
