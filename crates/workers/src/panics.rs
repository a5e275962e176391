//! Panics of the caller's code, which cost a job its result at most.

use crate::sync::atomic::{AtomicU64, Ordering};
use std::any::Any;
use tracing::error;

/// Logs panics and counts them.
pub(crate) struct Panics(AtomicU64);

impl Panics {
    pub(crate) fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Takes note of a caught panic.
    pub(crate) fn note(&self, payload: &(dyn Any + Send), event: &'static str) {
        // ORDERING: Relaxed, here and below: a number for statistics.
        self.0.fetch_add(1, Ordering::Relaxed);
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let panic = text.or_else(|| payload.downcast_ref::<&str>().copied());
        error!(panic = panic.unwrap_or("(no message)"), "{event}");
    }

    pub(crate) fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
