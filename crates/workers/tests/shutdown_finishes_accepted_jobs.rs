//! However a pool ends, every accepted job is finished or handed back, and nothing hangs.
#![cfg(not(loom))]

use raida_workers::{CompletionQueue, Config, Pool};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

const NEVER: Duration = Duration::from_secs(600);

fn config(threads: usize) -> Config {
    Config { threads, queue_capacity: 100, ..Config::default() }
}

fn queue<R>() -> CompletionQueue<R> {
    CompletionQueue::new(200, || ())
}

#[test]
fn shutdown_finishes_what_was_accepted_and_refuses_the_rest() {
    let pool = Pool::new(&config(2), |job: &mut u32| *job, |job| job).unwrap();
    let queue = queue();
    for job in 0..150 {
        pool.try_dispatch(queue.try_reserve().unwrap(), job).unwrap();
    }
    pool.shutdown();
    let mut results = Vec::new();
    assert_eq!(queue.drain_into(&mut results), 150);
    results.sort_unstable();
    assert!(results.into_iter().eq(0..150));

    let (permit, job) = pool.try_dispatch(queue.try_reserve().unwrap(), 7).unwrap_err();
    assert_eq!((job, queue.occupied()), (7, 1));
    drop(permit);
    assert_eq!(queue.occupied(), 0);
    pool.shutdown();
    pool.shutdown_within(NEVER).unwrap();
}

#[test]
fn racing_dispatchers_and_shutdown_agree_on_what_was_accepted() {
    for _ in 0..50 {
        let pool = Pool::new(&config(2), |job: &mut u32| *job, |job| job).unwrap();
        let queue = CompletionQueue::new(100_000, || ());
        let accepted: usize = thread::scope(|scope| {
            let dispatch = || {
                (0..1000)
                    .filter(|&job| {
                        let permit = queue.try_reserve().unwrap();
                        pool.try_dispatch(permit, job).is_ok()
                    })
                    .count()
            };
            let dispatchers = [scope.spawn(dispatch), scope.spawn(dispatch)];
            pool.shutdown();
            dispatchers.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(queue.drain_into(&mut Vec::new()), accepted);
        assert_eq!(queue.occupied(), 0);
    }
}

#[test]
fn shutdown_within_a_limit_waits_only_as_long_as_needed() {
    let pool = Pool::new(&config(2), |job: &mut u32| *job, |job| job).unwrap();
    let queue = queue();
    for job in 0..150 {
        pool.try_dispatch(queue.try_reserve().unwrap(), job).unwrap();
    }
    pool.shutdown_within(NEVER).unwrap();
    assert_eq!(queue.drain_into(&mut Vec::new()), 150);
}

#[test]
fn shutdown_past_its_limit_hands_back_what_nobody_began() {
    let (begun, has_begun) = channel();
    let (let_go, release) = channel();
    let release = Mutex::new(release);
    let run = move |job: &mut u32| {
        begun.send(()).unwrap();
        release.lock().unwrap().recv().unwrap();
        *job
    };
    let (bell, woken) = channel();
    let queue = CompletionQueue::new(10, move || bell.send(()).unwrap());
    let pool = Pool::new(&config(1), run, |job| job).unwrap();
    for job in 0..5 {
        pool.try_dispatch(queue.try_reserve().unwrap(), job).unwrap();
    }
    has_begun.recv().unwrap();

    let leftover = pool.shutdown_within(Duration::ZERO).unwrap_err();
    assert_eq!(leftover.to_string(), "shutdown limit passed; workers still running: 1, jobs waiting: 4");
    assert_eq!(queue.occupied(), 5);
    for (permit, job) in leftover.jobs {
        permit.complete(job + 100);
    }
    drop(pool); // does not wait for the job that still runs
    let mut results = Vec::new();
    woken.recv().unwrap();
    queue.drain_into(&mut results);
    assert_eq!(results, [101, 102, 103, 104]);
    let_go.send(()).unwrap();
    woken.recv().unwrap();
    queue.drain_into(&mut results);
    assert_eq!(results.last(), Some(&0));
    assert_eq!(queue.occupied(), 0);
}

#[test]
fn queue_may_go_before_the_pool_and_the_pool_before_the_queue() {
    let pool = Pool::new(&config(2), |job: &mut u32| *job, |job| job).unwrap();
    let (first, last) = (queue(), queue());
    for job in 0..50 {
        pool.try_dispatch(first.try_reserve().unwrap(), job).unwrap();
        pool.try_dispatch(last.try_reserve().unwrap(), job).unwrap();
    }
    drop(first);
    drop(pool);
    assert_eq!(last.drain_into(&mut Vec::new()), 50);
}

#[test]
fn job_that_holds_the_last_reference_to_its_pool_can_end_it() {
    type Shared = Arc<Pool<Job, ()>>;
    #[derive(Debug)]
    struct Job(Option<Shared>, Receiver<()>);
    let run = |job: &mut Job| {
        job.1.recv().unwrap();
        drop(job.0.take());
    };
    let (bell, woken) = channel();
    let queue = CompletionQueue::new(1, move || bell.send(()).unwrap());
    let pool = Arc::new(Pool::new(&config(2), run, drop).unwrap());
    let (let_go, release) = channel();
    let job = Job(Some(Arc::clone(&pool)), release);
    pool.try_dispatch(queue.try_reserve().unwrap(), job).unwrap();
    drop(pool);
    let_go.send(()).unwrap();
    woken.recv().unwrap();
    assert_eq!(queue.drain_into(&mut Vec::new()), 1);
}
