//! The one place that reads a clock.

use std::cell::Cell;

use raida_conn::Instant;

/// Tells the time, in microseconds since an origin of its own.
pub trait Clock {
    /// Now. Never goes backwards.
    fn now(&self) -> Instant;
}

/// A clock that is looked at now and then, and what the last look showed.
///
/// One request has a dozen uses for the time and few that differ by a microsecond; each look costs some tens of
/// nanoseconds.
pub(crate) struct Watch<C> {
    clock: C,
    seen: Cell<Instant>,
}

impl<C: Clock> Watch<C> {
    pub(crate) fn new(clock: C) -> Self {
        let seen = Cell::new(clock.now());
        Self { clock, seen }
    }

    /// Looks.
    pub(crate) fn look(&self) -> Instant {
        self.seen.set(self.clock.now());
        self.seen.get()
    }

    /// What the last look showed.
    pub(crate) fn seen(&self) -> Instant {
        self.seen.get()
    }
}

/// The system's monotonic clock, counted from when this value was made.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    origin: std::time::Instant,
}

impl SystemClock {
    /// A clock that starts at 0 now. Reactors that compare times share one.
    #[must_use]
    pub fn new() -> Self {
        Self { origin: std::time::Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        Instant::from_micros(u64::try_from(self.origin.elapsed().as_micros()).unwrap_or(u64::MAX))
    }
}
