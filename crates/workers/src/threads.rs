//! Threads that somebody started, and the wait for their end.

use crate::sync::{Condvar, Mutex, lock, thread};
use std::io;
use std::sync::Arc;
use tracing::warn;

pub(crate) struct Threads {
    handles: Mutex<Vec<thread::JoinHandle<()>>>,
    presence: Arc<Presence>,
}

struct Presence {
    /// Threads that have not gone home yet.
    present: Mutex<usize>,
    gone: Condvar,
}

impl Threads {
    /// Room for `count` threads, none of them started.
    pub(crate) fn new(count: usize) -> Self {
        let presence = Presence { present: Mutex::new(0), gone: Condvar::new() };
        Self { handles: Mutex::new(Vec::with_capacity(count)), presence: Arc::new(presence) }
    }

    /// Starts one. `life` must not panic.
    ///
    /// # Errors
    /// What the system said.
    pub(crate) fn start(&self, name: String, life: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let presence = Arc::clone(&self.presence);
        let until_gone = move || {
            life();
            *lock(&presence.present) -= 1;
            presence.gone.notify_all();
        };
        *lock(&self.presence.present) += 1;
        let started = thread::Builder::new().name(name.clone()).spawn(until_gone);
        let handle = started.map_err(|error| {
            *lock(&self.presence.present) -= 1;
            io::Error::new(error.kind(), format!("starting thread {name}: {error}"))
        })?;
        lock(&self.handles).push(handle);
        Ok(())
    }

    /// Waits for all threads but the calling one. Of several calls the first one waits.
    pub(crate) fn join(&self) {
        let handles = std::mem::take(&mut *lock(&self.handles));
        let me = thread::current().id();
        for handle in handles.into_iter().filter(|handle| handle.thread().id() != me) {
            if handle.join().is_err() {
                warn!("a worker thread ended by a panic");
            }
        }
    }

    /// As [`join`](Self::join), for at most `limit`.
    ///
    /// # Errors
    /// How many had not ended by then. Nothing waits for them any more.
    #[cfg(not(loom))] // the model checker knows no time
    pub(crate) fn join_within(&self, limit: std::time::Duration) -> Result<(), usize> {
        let present = lock(&self.presence.present);
        let waited = self.presence.gone.wait_timeout_while(present, limit, |present| *present > 0);
        let (present, timeout) = waited.unwrap_or_else(std::sync::PoisonError::into_inner);
        let left = *present;
        drop(present);
        if timeout.timed_out() {
            lock(&self.handles).clear();
            return Err(left);
        }
        self.join();
        Ok(())
    }
}
