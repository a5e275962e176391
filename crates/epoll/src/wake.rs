//! How other threads end the wait.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::sys::Eventfd;

/// An eventfd and whether it has been written already. Calls between two wakings cost one write.
#[derive(Debug)]
pub(crate) struct Wake {
    eventfd: Eventfd,
    pending: AtomicBool,
}

impl Wake {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self { eventfd: Eventfd::new()?, pending: AtomicBool::new(false) })
    }

    pub(crate) fn eventfd(&self) -> &Eventfd {
        &self.eventfd
    }

    /// Makes the loop see what the caller has done before, soon.
    pub(crate) fn wake(&self) {
        // ORDERING: pairs with the swap in `answer`. Either the loop's swap comes later, acquires what happened before
        // this call and the loop looks at it; or it came earlier, and then this thread writes a new edge.
        if !self.pending.swap(true, Ordering::AcqRel) && self.eventfd.signal().is_err() {
            // Only a full counter refuses, and that edge has been made.
            self.pending.store(false, Ordering::Release);
        }
    }

    /// The loop has seen the edge and will now look at everything that others may have done.
    pub(crate) fn answer(&self) {
        // ORDERING: pairs with the swap in `wake`.
        self.pending.swap(false, Ordering::AcqRel);
    }
}
