//! Pools and batchers without threads: work begins and ends when it is told to, and by the same rules.
#![cfg(feature = "testing")]

use raida_workers::{Batcher, BatcherConfig, CompletionQueue, Config, Pool};

#[test]
fn jobs_end_in_any_order_and_each_keeps_its_place_until_then() {
    let queue = CompletionQueue::new(2, || ());
    let config = Config { threads: 1, ..Config::default() };
    let pool = Pool::by_hand(&config, |job: &mut u8| *job, |job| job).expect("a good configuration");
    for job in [1, 2] {
        pool.try_dispatch(queue.try_reserve().expect("there is room"), job).expect("the pool has room");
    }
    let (first, second) = (pool.begin().expect("a job"), pool.begin().expect("another job"));
    assert!(pool.begin().is_none() && pool.busy() == 2);
    pool.finish(second);
    let mut results = Vec::new();
    assert_eq!((queue.drain_into(&mut results), queue.occupied()), (1, 1));
    drop(first);
    assert_eq!((results, queue.occupied()), (vec![2], 0));
}

#[test]
fn a_batch_is_what_waited_when_it_began() {
    let queue = CompletionQueue::new(8, || ());
    let double = |jobs: &mut [u8]| jobs.iter_mut().for_each(|job| *job *= 2);
    let (batcher, mut hand) = Batcher::by_hand(&BatcherConfig::default(), double, |job| job).expect("a good one");
    let dispatch = |job| batcher.try_dispatch(queue.try_reserve().expect("there is room"), job).expect("room");
    [1, 2].into_iter().for_each(dispatch);
    assert_eq!(hand.begin(), 2);
    dispatch(3);
    assert_eq!((hand.begin(), batcher.queued()), (2, 1), "one at a time");
    hand.finish();
    let mut results = Vec::new();
    queue.drain_into(&mut results);
    assert_eq!(results, [2, 4]);
    assert_eq!(hand.begin(), 1);
}
