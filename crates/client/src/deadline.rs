//! A point in time after which nobody waits any more. The only place that reads the clock.

use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

/// When something began, and how long it may take: for those who wait with a socket of their own.
///
/// ```
/// use std::net::TcpListener;
/// use std::time::Duration;
///
/// use raida_client::Deadline;
///
/// let socket = TcpListener::bind("127.0.0.1:0")?; // and nobody connects
/// socket.set_nonblocking(true)?;
/// let deadline = Deadline::after(Duration::from_millis(20));
/// while let Some(left) = deadline.left() {
///     match socket.accept() {
///         Err(error) if Deadline::judges(&error) => std::thread::sleep(left.min(Duration::from_millis(5))),
///         other => panic!("{other:?}"),
///     }
/// }
/// assert!(deadline.elapsed() >= deadline.span());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    start: Instant,
    span: Duration,
}

impl Deadline {
    /// `span` from now.
    #[must_use]
    pub fn after(span: Duration) -> Self {
        Self { start: Instant::now(), span }
    }

    /// `span` from now, but not later than this deadline.
    #[must_use]
    pub fn within(self, span: Duration) -> Self {
        Self::after(span.min(self.left().unwrap_or_default()))
    }

    /// How long there is; `None` when it has passed. Never zero, which sockets take for "no limit".
    #[must_use]
    pub fn left(self) -> Option<Duration> {
        self.span.checked_sub(self.elapsed()).filter(|left| !left.is_zero())
    }

    /// How long it has been.
    #[must_use]
    pub fn elapsed(self) -> Duration {
        self.start.elapsed()
    }

    /// How long there was in the beginning.
    #[must_use]
    pub const fn span(self) -> Duration {
        self.span
    }

    /// Whether a system call ended without effect, by a signal or by its own time-out: how much time is left says whether
    /// to call again.
    #[must_use]
    pub fn judges(error: &io::Error) -> bool {
        matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock | ErrorKind::TimedOut)
    }
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
