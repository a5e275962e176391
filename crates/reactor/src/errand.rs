//! What other threads want of a running reactor. It is done between two turns, so it sees and changes whole states only.

use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use raida_conn::Phase;

use crate::settings::Settings;

/// Something to do between two turns.
pub(crate) enum Errand {
    /// Say that you turn.
    Ping(SyncSender<()>),
    /// Describe your connections, so many at most.
    List(usize, SyncSender<Vec<LiveConnection>>),
    /// Work by these bounds from now on, and say so.
    Adopt(Box<Settings>, SyncSender<()>),
}

/// One open connection, as it is at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveConnection {
    /// Who connected.
    pub peer: SocketAddr,
    /// What it waits for.
    pub phase: Phase,
    /// Whether its request waits for a worker or the batch.
    pub is_waiting: bool,
    /// How long it has been open.
    pub age: Duration,
    /// Octets received from it.
    pub octets_in: u64,
    /// Octets sent to it.
    pub octets_out: u64,
}

/// Errands that wait. So many at most: more are turned away, and whoever waits for an answer gets none.
#[derive(Default)]
pub(crate) struct Errands {
    any: AtomicBool,
    list: Mutex<Vec<Errand>>,
}

const WAITING_MAX: usize = 16;

impl Errands {
    /// Adds one. The reactor has to be woken then.
    pub(crate) fn add(&self, errand: Errand) {
        let mut list = self.list();
        if list.len() < WAITING_MAX {
            list.push(errand);
        }
        // ORDERING: Release pairs with the Acquire in `take`; the lock orders the list itself.
        self.any.store(true, Ordering::Release);
    }

    /// Adds a question, and returns where its answer will come.
    pub(crate) fn ask<T>(&self, question: impl FnOnce(SyncSender<T>) -> Errand) -> Receiver<T> {
        let (sender, receiver) = sync_channel(1);
        self.add(question(sender));
        receiver
    }

    /// Takes all. Costs one load where there are none; the lock is held by others for the length of a push only.
    pub(crate) fn take(&self) -> Vec<Errand> {
        if self.any.swap(false, Ordering::Acquire) { std::mem::take(&mut *self.list()) } else { Vec::new() }
    }

    fn list(&self) -> MutexGuard<'_, Vec<Errand>> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Errands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Errands").field("waiting", &self.list().len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reactor_that_hangs_collects_no_more_than_the_bound() {
        let errands = Errands::default();
        let answers: Vec<_> = (0..100).map(|_| errands.ask(Errand::Ping)).collect();
        let taken = errands.take();
        assert_eq!(taken.len(), WAITING_MAX);
        drop(taken);
        assert!(answers.into_iter().all(|answer| answer.recv().is_err()), "nobody waits for what never comes");
        assert!(errands.take().is_empty());
    }
}
