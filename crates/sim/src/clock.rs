//! Time that passes only when the simulation says so.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use raida_reactor::Instant;
use raida_reactor::clock::Clock;

/// A clock of a [`Sim`](crate::Sim). Clones show the same time.
#[derive(Clone, Debug, Default)]
pub struct SimClock {
    micros: Arc<AtomicU64>,
}

impl Clock for SimClock {
    fn now(&self) -> Instant {
        // ORDERING: Relaxed, here and below: one number, which publishes nothing.
        Instant::from_micros(self.micros.load(Ordering::Relaxed))
    }
}

impl SimClock {
    /// Moves on to `to`, never back.
    pub(crate) fn reach(&self, to: Instant) {
        self.micros.fetch_max(to.as_micros(), Ordering::Relaxed);
    }

    /// Lets `span` pass.
    pub(crate) fn pass(&self, span: Duration) {
        self.reach(self.now() + span);
    }
}
