//! After start-up, a job costs no allocation: not on its way out, not on its way back.
#![cfg(not(loom))]

use crossbeam_utils::sync::Parker;
use raida_workers::{Batcher, BatcherConfig, CompletionQueue, Config, Permit, Pool};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

#[global_allocator]
static COUNTING: Counting = Counting;

/// Allocations of all threads since the start.
static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

struct Counting;

#[expect(unsafe_code, reason = "counting allocations needs an allocator")]
// SAFETY: every call is passed on unchanged to `System`, which keeps the contract; counting
// touches an atomic only, and neither allocates nor panics.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // ORDERING: Relaxed; the test reads after the bell, which orders what it must see.
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller promises a layout of non-zero size; it goes on as it came.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller promises that `memory` came from `alloc` above with this layout, and
        // `alloc` took it from `System`.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[test]
fn two_hundred_thousand_jobs_allocate_nothing() {
    let config = Config { threads: 2, queue_capacity: 64, ..Config::default() };
    let pool = Pool::new(&config, |job: &mut u64| *job + 1, |job| job).unwrap();
    assert_eq!(allocations_of(|permit, job| pool.try_dispatch(permit, job).is_ok()), 0);

    let config = BatcherConfig { queue_capacity: 64, batch_max: 48, ..BatcherConfig::default() };
    let run = |jobs: &mut [u64]| jobs.iter_mut().for_each(|job| *job += 1);
    let batcher = Batcher::new(&config, run, |job| job, |job| job).unwrap();
    assert_eq!(allocations_of(|permit, job| batcher.try_dispatch(permit, job).is_ok()), 0);
}

/// What 100 000 jobs cost, once there have been some.
fn allocations_of(submit: impl Fn(Permit<u64>, u64) -> bool) -> usize {
    let parker = Parker::new();
    let unparker = parker.unparker().clone();
    let queue = CompletionQueue::new(64, move || unparker.unpark());
    let mut results = Vec::with_capacity(queue.capacity());

    let mut trip = |rounds: u64| {
        for round in 0..rounds {
            for job in 0..64 {
                let accepted = queue.try_reserve().is_some_and(|permit| submit(permit, round + job));
                assert!(accepted, "there is room");
            }
            while results.len() < 64 {
                parker.park();
                queue.drain_into(&mut results);
            }
            results.clear();
        }
    };
    trip(100); // the standard library's own per-thread state is made on first use
    // ORDERING: Relaxed; this thread dispatched and collected all there is to count.
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    assert!(before > 0, "the counter counts");
    trip(1_600);
    ALLOCATIONS.load(Ordering::Relaxed) - before
}
