//! The one place that reads a clock.

use raida_conn::Instant;

/// Tells the time, in microseconds since an origin of its own.
pub trait Clock {
    /// Now. Never goes backwards.
    fn now(&self) -> Instant;
}
