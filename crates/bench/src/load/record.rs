//! What a run has measured.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use hdrhistogram::Histogram;

/// Longest latency that is told apart from longer ones, in nanoseconds.
const LONGEST: u64 = 20_000_000_000;

/// What one client thread notes: latencies in nanoseconds, and the first thing that went wrong.
pub(crate) struct Record {
    pub(crate) latencies: Histogram<u64>,
    pub(crate) error: Option<String>,
    pub(crate) errors: u64,
}

impl Record {
    pub(crate) fn new() -> anyhow::Result<Self> {
        Ok(Self { latencies: Histogram::new_with_bounds(100, LONGEST, 3)?, error: None, errors: 0 })
    }

    /// Adds another thread's.
    pub(crate) fn add(&mut self, other: &Self) -> anyhow::Result<()> {
        self.latencies.add(&other.latencies)?;
        self.errors += other.errors;
        self.error = self.error.take().or_else(|| other.error.clone());
        Ok(())
    }

    pub(crate) fn fail(&mut self, error: impl ToString) {
        self.errors += 1;
        self.error.get_or_insert_with(|| error.to_string());
    }
}

/// What a run tells while it goes on, and is told.
#[derive(Default)]
pub(crate) struct Progress {
    answered: AtomicU64,
    measuring: AtomicBool,
    over: AtomicBool,
}

impl Progress {
    pub(crate) fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }

    pub(crate) fn measure(&self, on: bool) {
        self.measuring.store(on, Ordering::Relaxed);
    }

    pub(crate) fn stop(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// One more answer has come.
    pub(crate) fn note(&self, record: &mut Record, latency: Duration) {
        // Relaxed: a figure that is only read as a figure.
        self.answered.fetch_add(1, Ordering::Relaxed);
        if self.measuring.load(Ordering::Relaxed) {
            record.latencies.saturating_record(u64::try_from(latency.as_nanos()).unwrap_or(LONGEST));
        }
    }
}
