//! What waits is done together, in order, up to the bound; and a batch that panics costs no other.
#![cfg(not(loom))]
#![expect(clippy::unwrap_used, reason = "a test may panic, also in its shared parts")]

use proptest::prelude::*;
use raida_workers::{Batcher, BatcherConfig, Batches, CompletionQueue};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

const NEVER: Duration = Duration::from_secs(600);

fn config(queue_capacity: usize, batch_max: usize) -> BatcherConfig {
    BatcherConfig { queue_capacity, batch_max, ..BatcherConfig::default() }
}

/// A job that asks for a panic of its batch.
const PANIC: u32 = u32::MAX;

/// What came of a job: how it ended, what it was, and how many were done with it.
type Outcome = Result<(u32, usize), u32>;

/// A batcher that says when a batch has begun, and waits until it is told to do it.
struct Held {
    /// The first field, so that the thread is free to end when a failed test drops the batcher.
    let_go: Sender<()>,
    batcher: Batcher<(u32, usize), Outcome>,
    begun: Receiver<Vec<u32>>,
    queue: CompletionQueue<Outcome>,
}

impl Held {
    fn new(config: &BatcherConfig) -> Self {
        let (tell, begun) = channel();
        let (let_go, told) = channel::<()>();
        let run = move |jobs: &mut [(u32, usize)]| {
            let numbers: Vec<u32> = jobs.iter().map(|(number, _)| *number).collect();
            let panics = numbers.contains(&PANIC);
            tell.send(numbers).unwrap_or_default();
            // Nobody there to tell: the test is over.
            let _ = told.recv();
            if panics {
                std::panic::resume_unwind(Box::new("as asked"));
            }
            let count = jobs.len();
            jobs.iter_mut().for_each(|(_, together)| *together = count);
        };
        let batcher = Batcher::new(config, run, Ok, |(number, _)| Err(number)).unwrap();
        Self { batcher, begun, let_go, queue: CompletionQueue::new(1000, || ()) }
    }

    /// Hands a job over, and says whether there was room.
    fn ask(&self, number: u32) -> bool {
        self.batcher.try_dispatch(self.queue.try_reserve().unwrap(), (number, 0)).is_ok()
    }

    fn results(&self) -> Vec<Outcome> {
        let mut results = Vec::new();
        self.queue.drain_into(&mut results);
        results
    }
}

#[test]
fn lone_job_is_done_alone_and_what_came_meanwhile_is_done_together() {
    let held = Held::new(&config(8, 5));
    assert!(held.ask(0));
    assert_eq!(held.begun.recv().unwrap(), [0], "it waits for nobody");
    assert!((1..=8).all(|number| held.ask(number)));
    assert!(!held.ask(9), "eight wait");
    assert_eq!(held.batcher.queued(), 8);

    held.let_go.send(()).unwrap();
    assert_eq!(held.begun.recv().unwrap(), [1, 2, 3, 4, 5]);
    assert_eq!(held.results(), [Ok((0, 1))], "nothing leaves before its batch is done");
    assert!(held.ask(9), "there is room as soon as a batch has begun");
    held.let_go.send(()).unwrap();
    assert_eq!(held.begun.recv().unwrap(), [6, 7, 8, 9]);
    held.let_go.send(()).unwrap();
    held.batcher.shutdown();
    assert_eq!(
        held.results(),
        [5, 5, 5, 5, 5, 4, 4, 4, 4].iter().zip(1..).map(|(&n, job)| Ok((job, n))).collect::<Vec<_>>()
    );
    assert_eq!(held.batcher.batches(), Batches { batches: 3, jobs: 10, largest: 5 });
}

#[test]
fn batch_that_panics_is_answered_whole_and_the_next_one_is_done() {
    let held = Held::new(&config(8, 8));
    for batch in [&[0][..], &[1, PANIC, 3], &[4, 5]] {
        assert!(batch.iter().all(|&number| held.ask(number)));
        if batch == [0] {
            held.begun.recv().unwrap();
            continue;
        }
        held.let_go.send(()).unwrap();
        assert_eq!(held.begun.recv().unwrap(), batch);
    }
    held.let_go.send(()).unwrap();
    held.batcher.shutdown();
    assert_eq!(held.results(), [Ok((0, 1)), Err(1), Err(PANIC), Err(3), Ok((4, 2)), Ok((5, 2))]);
    assert_eq!((held.batcher.panics(), held.queue.occupied()), (1, 0));
}

#[test]
fn panic_while_answering_costs_one_result_and_no_slot() {
    let finish = |job: u32| if job == 2 { std::panic::resume_unwind(Box::new("as asked")) } else { job };
    let queue = CompletionQueue::new(4, || ());
    let batcher = Batcher::new(&config(4, 4), |_| (), finish, finish).unwrap();
    for job in 1..=4 {
        batcher.try_dispatch(queue.try_reserve().unwrap(), job).unwrap();
    }
    batcher.shutdown();
    let mut results = Vec::new();
    queue.drain_into(&mut results);
    assert_eq!((results, queue.occupied(), batcher.panics()), (vec![1, 3, 4], 0, 1));
}

#[test]
fn loop_that_was_refused_is_woken_when_the_next_batch_begins() {
    let held = Held::new(&config(1, 1));
    assert!(held.ask(0));
    held.begun.recv().unwrap();
    assert!(held.ask(1));
    let (bell, woken) = channel();
    let other = CompletionQueue::new(1, move || bell.send(()).unwrap());
    let (permit, job) = held.batcher.try_dispatch(other.try_reserve().unwrap(), (2, 0)).unwrap_err();
    held.let_go.send(()).unwrap();
    woken.recv_timeout(NEVER).unwrap();
    assert!(held.batcher.try_dispatch(permit, job).is_ok(), "the only place is free");
    held.let_go.send(()).unwrap();
    held.let_go.send(()).unwrap();
    held.batcher.shutdown();
    assert_eq!((held.queue.occupied(), other.drain_into(&mut Vec::new())), (2, 1));
}

#[test]
fn shutdown_finishes_what_was_accepted_and_refuses_the_rest() {
    let held = Held::new(&config(100, 7));
    assert!((0..100).all(|number| held.ask(number)));
    (0..100).for_each(|_| held.let_go.send(()).unwrap());
    held.batcher.shutdown();
    assert!(held.results().into_iter().map(|outcome| outcome.unwrap().0).eq(0..100));
    assert!(!held.ask(100));
    assert_eq!(held.queue.occupied(), 0, "a refused permit that is dropped gives its slot back");
    held.batcher.shutdown_within(NEVER).unwrap();
}

#[test]
fn shutdown_past_its_limit_hands_back_what_no_batch_has_begun() {
    let held = Held::new(&config(10, 10));
    assert!(held.ask(0));
    held.begun.recv().unwrap();
    assert!((1..5).all(|number| held.ask(number)));
    let leftover = held.batcher.shutdown_within(Duration::ZERO).unwrap_err();
    assert_eq!((leftover.threads, leftover.jobs.len(), held.queue.occupied()), (1, 4, 5));
    for (permit, (number, _)) in leftover.jobs {
        permit.complete(Err(number));
    }
    let Held { batcher, begun, let_go, queue } = held;
    drop(batcher); // does not wait for the batch that still runs
    let mut results = Vec::new();
    queue.drain_into(&mut results);
    assert_eq!(results, [Err(1), Err(2), Err(3), Err(4)]);
    let_go.send(()).unwrap();
    // The thread ends, and drops what it tells us with.
    assert!(begun.recv().is_err());
    queue.drain_into(&mut results);
    assert_eq!(results.last(), Some(&Ok((0, 1))));
}

#[test]
fn wrong_configuration_is_named() {
    let refuse =
        |config: BatcherConfig| Batcher::new(&config, |_: &mut [u8]| (), |job| job, |job| job).unwrap_err().to_string();
    assert_eq!(refuse(config(0, 1)), "queue capacity is 0, expected 1 to 1048576");
    assert_eq!(refuse(config(1, 0)), "batch bound is 0, expected 1 to 1048576");
    assert_eq!(refuse(config(1, usize::MAX)), format!("batch bound is {}, expected 1 to 1048576", usize::MAX));
    let name = "a\0b".to_owned();
    assert_eq!(refuse(BatcherConfig { name, ..config(1, 1) }), "the name of the thread contains a NUL");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn every_accepted_job_has_one_result_in_its_place(
        queue_capacity in 1usize..20,
        batch_max in 1usize..20,
        jobs in prop::collection::vec(prop_oneof![9 => 0u32..1000, 1 => Just(PANIC)], 0..100),
    ) {
        let mut sizes = Vec::new();
        let (tell, told) = channel();
        let run = move |jobs: &mut [(u32, usize)]| {
            tell.send(jobs.len()).unwrap();
            if jobs.iter().any(|(number, _)| *number == PANIC) {
                std::panic::resume_unwind(Box::new("as asked"));
            }
            let count = jobs.len();
            jobs.iter_mut().for_each(|(_, together)| *together = count);
        };
        let queue = CompletionQueue::<Outcome>::new(100, || ());
        let batcher = Batcher::new(&config(queue_capacity, batch_max), run, Ok, |(number, _)| Err(number)).unwrap();
        let mut accepted = Vec::new();
        for &job in &jobs {
            if batcher.try_dispatch(queue.try_reserve().unwrap(), (job, 0)).is_ok() {
                accepted.push(job);
            }
        }
        batcher.shutdown();
        let tally = batcher.batches();
        drop(batcher);
        sizes.extend(told);
        prop_assert_eq!(sizes.iter().sum::<usize>(), accepted.len());
        prop_assert!(sizes.iter().all(|&size| (1..=batch_max.min(queue_capacity)).contains(&size)));
        let largest = sizes.iter().max().copied().unwrap_or(0);
        prop_assert_eq!(tally, Batches { batches: sizes.len() as u64, jobs: accepted.len() as u64, largest });

        let mut results = Vec::new();
        queue.drain_into(&mut results);
        let mut rest = &accepted[..];
        let mut expected = Vec::new();
        for size in sizes {
            let (batch, later) = rest.split_at(size);
            let panics = batch.contains(&PANIC);
            expected.extend(batch.iter().map(|&job| if panics { Err(job) } else { Ok((job, size)) }));
            rest = later;
        }
        prop_assert_eq!(results, expected);
        prop_assert_eq!(queue.occupied(), 0);
    }
}
