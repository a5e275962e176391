//! A point in time after which nobody waits any more. The only place that reads the clock.

use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

/// When something began, and how long it may take.
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
        self.span.checked_sub(self.elapsed()).filter(|left| !left.is_zero())
    }

    /// How long it has been.
    pub(crate) fn elapsed(self) -> Duration {
        self.start.elapsed()
    }

    /// How long there was in the beginning.
    pub(crate) const fn span(self) -> Duration {
        self.span
    }
}

/// Whether the system call ended without effect: a signal, or the time-out, which the deadline judges.
pub(crate) fn is_pause(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_of_no_time() {
        assert_eq!(Deadline::after(Duration::ZERO).left(), None);
        assert_eq!(Deadline::after(Duration::ZERO).within(Duration::MAX).left(), None);
    }

    #[test]
    fn part_of_a_span_ends_no_later_than_the_whole() {
        let whole = Deadline::after(Duration::from_secs(5));
        assert!(whole.within(Duration::MAX).span() <= Duration::from_secs(5));
        assert_eq!(whole.within(Duration::from_secs(1)).span(), Duration::from_secs(1));
        assert!(Deadline::after(Duration::MAX).left().is_some());
    }
}
