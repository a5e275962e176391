//! Warnings at a bounded rate.

use std::time::Duration;

use raida_conn::Instant;

/// Lets one event through per interval and counts the rest, so that a flood fills counters and not the log.
#[derive(Debug)]
pub(crate) struct Pace {
    next: Instant,
    held_back: u64,
}

/// How often one kind of warning may appear.
const INTERVAL: Duration = Duration::from_secs(1);

impl Pace {
    /// Lets the first event through.
    pub(crate) const fn new() -> Self {
        Self { next: Instant::from_micros(0), held_back: 0 }
    }

    /// Whether to speak now, and for how many events since the last time, this one included.
    pub(crate) fn speak(&mut self, now: Instant) -> Option<u64> {
        self.held_back += 1;
        if now < self.next {
            return None;
        }
        self.next = now + INTERVAL;
        Some(std::mem::take(&mut self.held_back))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_speaks_once_a_second_and_loses_no_count() {
        let mut pace = Pace::new();
        let spoken: Vec<u64> = (0..5000).filter_map(|ms| pace.speak(Instant::from_micros(ms * 1000))).collect();
        assert_eq!(spoken, [1, 1000, 1000, 1000, 1000]);
    }
}
