//! One worker's queue of jobs: bounded, closable, open to thieves.

use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::{Mutex, lock};
use std::collections::VecDeque;

/// A first-in, first-out queue whose memory is allocated once. Owner and thieves take from the
/// same end, so no job is overtaken by a younger one of the same queue.
pub(crate) struct JobQueue<T> {
    capacity: usize,
    /// Mirror of `jobs.len()`, written under the lock, read without it.
    depth: AtomicUsize,
    state: Mutex<State<T>>,
}

struct State<T> {
    jobs: VecDeque<T>,
    closed: bool,
}

/// What [`JobQueue::take`] found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Take<T> {
    /// The oldest job.
    Job(T),
    /// Nothing now.
    Empty,
    /// Nothing, and nothing will ever come.
    Closed,
}

impl<T> JobQueue<T> {
    pub(crate) fn new(capacity: usize) -> Self {
        let state = State { jobs: VecDeque::with_capacity(capacity), closed: false };
        Self { capacity, depth: AtomicUsize::new(0), state: Mutex::new(state) }
    }

    /// Adds a job, or hands it back when the queue is full or closed.
    pub(crate) fn push(&self, job: T) -> Result<(), T> {
        let mut state = lock(&self.state);
        if state.closed || state.jobs.len() >= self.capacity {
            return Err(job);
        }
        state.jobs.push_back(job);
        self.publish_depth(&state);
        Ok(())
    }

    pub(crate) fn take(&self) -> Take<T> {
        let mut state = lock(&self.state);
        let Some(job) = state.jobs.pop_front() else {
            return if state.closed { Take::Closed } else { Take::Empty };
        };
        self.publish_depth(&state);
        Take::Job(job)
    }

    /// Moves the oldest jobs, `most` of them or fewer, to the end of `out`: `None` where there will
    /// never be one again, otherwise how many there were.
    pub(crate) fn take_many(&self, most: usize, out: &mut impl Extend<T>) -> Option<usize> {
        let mut state = lock(&self.state);
        let count = state.jobs.len().min(most);
        if count == 0 && state.closed {
            return None;
        }
        out.extend(state.jobs.drain(..count));
        self.publish_depth(&state);
        Some(count)
    }

    /// Refuses every later job. Those inside stay until they are taken.
    pub(crate) fn close(&self) {
        lock(&self.state).closed = true;
    }

    /// Jobs inside at this moment.
    pub(crate) fn depth(&self) -> usize {
        // ORDERING: Relaxed, a number for statistics; decisions are made under the lock.
        self.depth.load(Ordering::Relaxed)
    }

    fn publish_depth(&self, state: &State<T>) {
        // ORDERING: Relaxed, as above; writers are in order because they hold the lock.
        self.depth.store(state.jobs.len(), Ordering::Relaxed);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Clone, Debug)]
    enum Step {
        Push(u16),
        Take,
        TakeMany(usize),
        Close,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            8 => any::<u16>().prop_map(Step::Push),
            4 => Just(Step::Take),
            2 => (0usize..8).prop_map(Step::TakeMany),
            1 => Just(Step::Close),
        ]
    }

    proptest! {
        #[test]
        fn queue_behaves_like_a_bounded_vec_deque(
            capacity in 1usize..6,
            steps in prop::collection::vec(step(), 0..200),
        ) {
            let queue = JobQueue::new(capacity);
            let mut model = VecDeque::new();
            let mut closed = false;
            for step in steps {
                match step {
                    Step::Push(job) if closed || model.len() == capacity => {
                        prop_assert_eq!(queue.push(job), Err(job));
                    }
                    Step::Push(job) => {
                        model.push_back(job);
                        prop_assert_eq!(queue.push(job), Ok(()));
                    }
                    Step::Take => {
                        let expected = match model.pop_front() {
                            Some(job) => Take::Job(job),
                            None if closed => Take::Closed,
                            None => Take::Empty,
                        };
                        prop_assert_eq!(queue.take(), expected);
                    }
                    Step::TakeMany(most) => {
                        let expected: Vec<u16> = model.drain(..most.min(model.len())).collect();
                        let mut taken = Vec::new();
                        let count = queue.take_many(most, &mut taken);
                        let over = closed && expected.is_empty();
                        prop_assert_eq!(count, (!over).then_some(expected.len()));
                        prop_assert_eq!(taken, expected);
                    }
                    Step::Close => {
                        queue.close();
                        closed = true;
                    }
                }
                prop_assert_eq!(queue.depth(), model.len());
            }
        }
    }
}
