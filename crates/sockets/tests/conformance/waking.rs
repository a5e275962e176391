//! Other threads end the wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::rig::{Rig, Seen};
use raida_reactor::backend::Backend;

#[test]
fn a_wait_without_bound_ends_when_another_thread_wakes() {
    let mut rig = Rig::new();
    let waker = rig.backend.waker();
    std::thread::scope(|scope| {
        scope.spawn(move || waker());
        while rig.backend.next().is_none() {
            rig.backend.wait(None).unwrap();
        }
    });
}

#[test]
fn many_calls_between_two_waits_count_as_one() {
    let mut rig = Rig::new();
    let waker = rig.backend.waker();
    for _ in 0..3 {
        (0..100).for_each(|_| waker());
        assert!(matches!(rig.next(), Seen::Woken));
        assert!(rig.next_within(Duration::ZERO).is_none());
    }
}

#[test]
fn what_was_done_before_a_call_is_never_slept_over() {
    const THREADS: u64 = 4;
    const EACH: u64 = 20_000;
    let mut rig = Rig::new();
    let done = Arc::new(AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            let (waker, done) = (rig.backend.waker(), Arc::clone(&done));
            scope.spawn(move || {
                for _ in 0..EACH {
                    done.fetch_add(1, Ordering::Relaxed);
                    waker();
                }
            });
        }
        // Fails by its time limit if one waking were lost: nobody calls again for the last one.
        while done.load(Ordering::Relaxed) < THREADS * EACH {
            assert!(matches!(rig.next(), Seen::Woken));
        }
    });
}

#[test]
fn a_waker_may_outlive_its_backend() {
    let waker = Rig::new().backend.waker();
    waker();
}

#[test]
fn a_wait_ends_when_its_time_is_up() {
    let mut rig = Rig::new();
    let began = std::time::Instant::now();
    assert!(rig.next_within(Duration::from_millis(30)).is_none());
    assert!(began.elapsed() >= Duration::from_millis(30));
}

#[test]
fn room_for_answers_that_have_left_does_not_end_the_wait() {
    let mut rig = Rig::new();
    let client = crate::rig::datagram_client("127.0.0.1");
    client.send_to(b"?", rig.address()).unwrap();
    rig.datagrams(0);
    rig.backend.wait(Some(Duration::ZERO)).unwrap();
    rig.backend.answer_datagrams(0);
    client.recv(&mut [0; 10]).unwrap();
    let began = std::time::Instant::now();
    rig.backend.wait(Some(Duration::from_millis(30))).unwrap();
    assert!(began.elapsed() >= Duration::from_millis(30));
}
