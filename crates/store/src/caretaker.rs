//! The thread that looks after a store: Merkle trees off the way of commits, and the way back after the disk has failed.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::error::{OpenError, StoreError};
use crate::store::Store;

/// The longest pause between two attempts to recover, in paces.
const PAUSE_MAX: u32 = 32;
/// After so many paces without a failure the next attempt comes at once again.
const TRUST: u32 = 64;

/// What a [`Caretaker`] has to say. At most two of these in one pace.
#[derive(Debug)]
#[non_exhaustive]
pub enum Report {
    /// The trees can not be brought up to date. The pages stay marked.
    Trees(StoreError),
    /// The disk has failed, and still fails: changes are refused. The next attempt comes after so many paces.
    StillFailing(OpenError, u32),
    /// The disk had failed, and works again: changes are taken.
    Recovered,
}

/// A thread that looks after a store until it is dropped: keeps its trees up to date, and opens its database again after
/// the disk has failed.
#[derive(Debug)]
pub struct Caretaker {
    stop: Option<mpsc::Sender<Infallible>>,
    thread: Option<JoinHandle<()>>,
}

impl Caretaker {
    /// Starts it. Every `pace` it hashes what has changed, and from time to time it saves the leaves. After a failure it
    /// tries to recover: at the next pace, then after 1, 2, 4 paces and so on, up to 32.
    ///
    /// # Errors
    ///
    /// When the system gives no thread.
    pub fn start(store: Arc<Store>, pace: Duration, report: impl Fn(Report) + Send + 'static) -> io::Result<Self> {
        let (stop, stopped) = mpsc::channel::<Infallible>();
        let thread = thread::Builder::new().name("raida-store".into()).spawn(move || {
            let mut attempts = Attempts::default();
            while stopped.recv_timeout(pace) == Err(RecvTimeoutError::Timeout) {
                attempts.pace(&store, &report);
                if store.health().takes_changes {
                    let refreshed = store.refresh_trees();
                    let saved = if store.is_worth_saving() { store.save_trees() } else { Ok(()) };
                    refreshed.map(|_| ()).and(saved).unwrap_or_else(|error| report(Report::Trees(error)));
                }
            }
            // The last act of an orderly stop.
            let saved = store.refresh_trees().and_then(|_| store.save_trees());
            saved.unwrap_or_else(|error| report(Report::Trees(error)));
        })?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Caretaker {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // It panics only if `report` does, and has said so itself.
            let _ = thread.join();
        }
    }
}

/// When the next attempt to recover comes, in paces.
#[derive(Debug, Default)]
struct Attempts {
    /// Until the next one.
    wait: u32,
    /// The pause before the one after that. A disk that comes and goes is not tried more often than one that is gone.
    pause: u32,
    /// Paces without a failure.
    calm: u32,
}

impl Attempts {
    fn pace(&mut self, store: &Store, report: &impl Fn(Report)) {
        if store.health().takes_changes {
            self.calm += 1;
            if self.calm >= TRUST {
                *self = Self::default();
            }
        } else if self.wait > 0 {
            self.wait -= 1;
        } else {
            self.pause = (2 * self.pause).clamp(1, PAUSE_MAX);
            (self.wait, self.calm) = (self.pause - 1, 0);
            match store.recover() {
                Ok(true) => report(Report::Recovered),
                Ok(false) => {}
                Err(error) => report(Report::StillFailing(error, self.pause)),
            }
        }
    }
}
