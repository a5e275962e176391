//! How other threads end the wait.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::sys::Eventfd;

/// An eventfd and whether it has been written already. Calls between two wakings cost one write.
#[derive(Debug)]
pub struct Wake {
    eventfd: Eventfd,
    pending: AtomicBool,
}

impl Wake {
    /// With an eventfd of its own.
    ///
    /// # Errors
    /// What the system said.
    pub fn new() -> io::Result<Self> {
        Ok(Self { eventfd: Eventfd::new()?, pending: AtomicBool::new(false) })
    }

    /// What has an edge with every call that counts.
    #[must_use]
    pub fn eventfd(&self) -> &Eventfd {
        &self.eventfd
    }

    /// Makes the loop see what the caller has done before, soon.
    pub fn wake(&self) {
        // ORDERING: pairs with the swap in `answer`. Either the loop's swap comes later, acquires what happened before
        // this call and the loop looks at it; or it came earlier, and then this thread writes a new edge.
        if !self.pending.swap(true, Ordering::AcqRel) && self.eventfd.signal().is_err() {
            // Only a full counter refuses, and that edge has been made.
            self.pending.store(false, Ordering::Release);
        }
    }

    /// The loop has seen the edge and will now look at everything that others may have done.
    pub fn answer(&self) {
        // ORDERING: pairs with the swap in `wake`.
        self.pending.swap(false, Ordering::AcqRel);
    }
}
