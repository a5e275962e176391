//! Where the node stands in its life.

use std::sync::atomic::{AtomicU8, Ordering};

/// Where the node stands in its life: starting, then serving, then stopping.
#[derive(Debug, Default)]
pub struct Stage(AtomicU8);

const NAMES: [&str; 3] = ["starting", "serving", "stopping"];

impl Stage {
    /// From now on it serves.
    pub fn serve(&self) {
        self.set(1);
    }

    /// From now on it stops. There is no way back.
    pub fn stop(&self) {
        self.set(2);
    }

    /// Whether it serves.
    #[must_use]
    pub fn is_serving(&self) -> bool {
        self.number() == 1
    }

    /// The name of the stage.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        NAMES.get(usize::from(self.number())).copied().unwrap_or_default()
    }

    // ORDERING: Relaxed: the number stands alone and publishes nothing.
    fn set(&self, number: u8) {
        self.0.fetch_max(number, Ordering::Relaxed);
    }

    fn number(&self) -> u8 {
        self.0.load(Ordering::Relaxed)
    }
}
