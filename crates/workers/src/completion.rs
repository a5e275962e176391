//! The way back: results from workers to the loop that asked for them.

use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::{Mutex, lock};
use crossbeam_utils::CachePadded;
use std::fmt;
use std::sync::Arc;

/// A bounded queue of results that belongs to one event loop and cannot overflow.
///
/// A slot is taken with [`try_reserve`](Self::try_reserve) before the work starts, and is free
/// again when its result has been drained or its [`Permit`] was dropped. So results and permits
/// together never exceed the capacity, and delivering a result always succeeds.
///
/// The wake callback is called once for any number of results: only when a result arrives and no
/// wake-up is pending. [`drain_into`](Self::drain_into) ends the pending state.
///
/// A clone is another handle to the same queue.
pub struct CompletionQueue<R> {
    shared: Arc<Shared<R>>,
}

impl<R> CompletionQueue<R> {
    /// Makes a queue with room for `capacity` results, all of it allocated here. A queue of
    /// capacity 0 never grants a permit.
    ///
    /// `wake` runs on whichever thread completes a permit, with no lock held: typically it writes
    /// an eventfd. It must neither block nor panic.
    pub fn new(capacity: usize, wake: impl Fn() + Send + Sync + 'static) -> Self {
        let inbox = Inbox { results: Vec::with_capacity(capacity), armed: false };
        Self {
            shared: Arc::new(Shared {
                capacity,
                occupied: CachePadded::new(AtomicUsize::new(0)),
                inbox: Mutex::new(inbox),
                wake: Box::new(wake),
            }),
        }
    }

    /// Takes a slot, or `None` while all of them are in use: then keep the request and try again
    /// after the next drain.
    #[must_use]
    pub fn try_reserve(&self) -> Option<Permit<R>> {
        let reserve = |occupied| (occupied < self.shared.capacity).then_some(occupied + 1);
        // ORDERING: Acquire pairs with the Release in `Shared::release`: who sees a slot free also
        // sees the drain that freed it. Nothing is published by taking a slot, and the counter's
        // own modification order keeps it within the capacity, so the rest is Relaxed.
        self.shared.occupied.fetch_update(Ordering::Acquire, Ordering::Relaxed, reserve).ok()?;
        Some(Permit { queue: Some(Arc::clone(&self.shared)) })
    }

    /// Moves all waiting results, oldest first, to the end of `out`, frees their slots and says
    /// how many there were: at most [`capacity`](Self::capacity). Nothing is allocated where `out`
    /// has that much room.
    ///
    /// From here on the next result calls `wake` again. Taking the results and ending the pending
    /// wake-up are one step, so no result can fall between them; but clear your own wake source
    /// (read the eventfd) *before* this call, or you may clear a wake-up that came after it.
    pub fn drain_into(&self, out: &mut Vec<R>) -> usize {
        let drained = {
            let mut inbox = lock(&self.shared.inbox);
            inbox.armed = false;
            let waiting = inbox.results.len();
            out.append(&mut inbox.results);
            waiting
        };
        if drained > 0 {
            self.shared.release(drained);
        }
        drained
    }

    /// The number of slots.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.shared.capacity
    }

    /// Slots in use: permits out and results waiting, at this moment.
    #[must_use]
    pub fn occupied(&self) -> usize {
        // ORDERING: Relaxed, a number for statistics that is old when it is read.
        self.shared.occupied.load(Ordering::Relaxed)
    }
}

impl<R> Clone for CompletionQueue<R> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<R> fmt::Debug for CompletionQueue<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CompletionQueue")
            .field("capacity", &self.capacity())
            .field("occupied", &self.occupied())
            .finish()
    }
}

/// One reserved slot of one [`CompletionQueue`], which it keeps alive.
///
/// Holding it proves that a result can be delivered. Dropping it gives the slot back without
/// waking anybody: whoever reserves decides when to try again.
#[must_use = "a dropped permit gives its slot back"]
pub struct Permit<R> {
    /// `None` only after `complete`, while `self` is on its way out.
    queue: Option<Arc<Shared<R>>>,
}

impl<R> Permit<R> {
    /// Delivers `result`. Never fails and never waits for room; calls the queue's wake callback
    /// if no wake-up is pending.
    pub fn complete(mut self, result: R) {
        if let Some(queue) = self.queue.take() {
            queue.deliver(result);
        }
    }

    /// The queue this permit belongs to.
    pub(crate) fn queue(&self) -> Option<CompletionQueue<R>> {
        self.queue.as_ref().map(|shared| CompletionQueue { shared: Arc::clone(shared) })
    }
}

impl<R> Drop for Permit<R> {
    fn drop(&mut self) {
        if let Some(queue) = self.queue.take() {
            queue.release(1);
        }
    }
}

impl<R> fmt::Debug for Permit<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Permit")
    }
}

impl<R> CompletionQueue<R> {
    /// Wakes the loop as a result would, without one.
    pub(crate) fn nudge(&self) {
        let pending = std::mem::replace(&mut lock(&self.shared.inbox).armed, true);
        if !pending {
            (self.shared.wake)();
        }
    }

    /// Whether both are handles to the same queue.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }
}

/// Invariant: `results.len()` + permits out <= `occupied` <= `capacity`.
struct Shared<R> {
    capacity: usize,
    occupied: CachePadded<AtomicUsize>,
    inbox: Mutex<Inbox<R>>,
    wake: Box<dyn Fn() + Send + Sync>,
}

struct Inbox<R> {
    results: Vec<R>,
    /// A wake-up was sent, and no drain has followed it yet.
    armed: bool,
}

impl<R> Shared<R> {
    fn deliver(&self, result: R) {
        let pending = {
            let mut inbox = lock(&self.inbox);
            debug_assert!(inbox.results.len() < self.capacity, "a permit is a reserved slot");
            inbox.results.push(result);
            std::mem::replace(&mut inbox.armed, true)
        };
        if !pending {
            (self.wake)();
        }
    }

    fn release(&self, slots: usize) {
        // ORDERING: Release pairs with the Acquire in `try_reserve`: the slots are empty before
        // they can be seen as free.
        self.occupied.fetch_sub(slots, Ordering::Release);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::VecDeque;
    use std::sync::atomic;

    #[derive(Clone, Debug)]
    enum Step {
        Reserve,
        Complete(u16),
        Abandon,
        Nudge,
        Drain,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            6 => Just(Step::Reserve),
            4 => any::<u16>().prop_map(Step::Complete),
            1 => Just(Step::Abandon),
            1 => Just(Step::Nudge),
            2 => Just(Step::Drain),
        ]
    }

    proptest! {
        #[test]
        fn completion_queue_behaves_like_a_bounded_vec_deque_with_a_bell(
            capacity in 0usize..6,
            steps in prop::collection::vec(step(), 0..200),
        ) {
            let rings = Arc::new(atomic::AtomicUsize::new(0));
            let bell = Arc::clone(&rings);
            // ORDERING: Relaxed, here and below: one thread.
            let queue = CompletionQueue::new(capacity, move || {
                bell.fetch_add(1, atomic::Ordering::Relaxed);
            });
            let (mut permits, mut waiting) = (Vec::new(), VecDeque::new());
            let (mut armed, mut expected_rings) = (false, 0);
            for step in steps {
                match step {
                    Step::Reserve => {
                        let room = permits.len() + waiting.len() < capacity;
                        let permit = queue.try_reserve();
                        prop_assert_eq!(permit.is_some(), room);
                        permits.extend(permit);
                    }
                    Step::Complete(result) => {
                        if let Some(permit) = permits.pop() {
                            permit.complete(result);
                            waiting.push_back(result);
                            expected_rings += usize::from(!std::mem::replace(&mut armed, true));
                        }
                    }
                    Step::Abandon => drop(permits.pop()),
                    Step::Nudge => {
                        queue.nudge();
                        expected_rings += usize::from(!std::mem::replace(&mut armed, true));
                    }
                    Step::Drain => {
                        let mut out = Vec::new();
                        prop_assert_eq!(queue.drain_into(&mut out), waiting.len());
                        prop_assert_eq!(out, Vec::from(std::mem::take(&mut waiting)));
                        armed = false;
                    }
                }
                prop_assert_eq!(queue.occupied(), permits.len() + waiting.len());
                prop_assert_eq!(rings.load(atomic::Ordering::Relaxed), expected_rings);
            }
        }
    }

    #[test]
    fn permit_outlives_every_handle_to_its_queue() {
        let rings = Arc::new(atomic::AtomicUsize::new(0));
        let bell = Arc::clone(&rings);
        // ORDERING: Relaxed, here and below: one thread.
        let queue = CompletionQueue::new(1, move || {
            bell.fetch_add(1, atomic::Ordering::Relaxed);
        });
        let permit = queue.try_reserve().unwrap();
        drop(queue);
        permit.complete("nobody reads this");
        assert_eq!(rings.load(atomic::Ordering::Relaxed), 1);
    }
}
