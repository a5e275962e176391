//! A point in time after which nobody waits any more. The only place that reads the clock.

use std::time::{Duration, Instant};

/// When a wait ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    start: Instant,
    span: Duration,
}

impl Deadline {
    /// `span` from now.
    pub(crate) fn after(span: Duration) -> Self {
        Self { start: Instant::now(), span }
    }

    /// `span` from now, but not later than this deadline.
    pub(crate) fn within(self, span: Duration) -> Self {
        Self::after(span.min(self.left().unwrap_or_default()))
    }

    /// How long there is; `None` when it has passed. Never zero, which sockets take for "no limit".
    pub(crate) fn left(self) -> Option<Duration> {
        self.span.checked_sub(self.start.elapsed()).filter(|left| !left.is_zero())
    }
}
