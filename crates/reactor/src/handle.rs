//! Stopping a reactor from another thread.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::backend::Waker;

/// Ends a reactor's life, from any thread or signal listener. Clones steer the same reactor.
#[derive(Clone)]
pub struct Handle {
    stop: Arc<AtomicBool>,
    waker: Waker,
}

impl Handle {
    pub(crate) fn new(waker: Waker) -> Self {
        Self { stop: Arc::new(AtomicBool::new(false)), waker }
    }

    /// Asks the reactor to stop: it listens no more, answers what is in flight within its drain time, closes everything
    /// and returns from [`run`](crate::reactor::Reactor::run). Asking twice is asking once.
    pub fn shutdown(&self) {
        // ORDERING: Release pairs with the Acquire in `is_asked`: the reactor sees what was done before asking.
        self.stop.store(true, Ordering::Release);
        (self.waker)();
    }

    /// Whether somebody has asked.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("is_asked", &self.is_asked()).finish_non_exhaustive()
    }
}
