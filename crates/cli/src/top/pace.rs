//! What happened between two looks.

use raida_monitor::{Bucket, percentile};

use crate::top::sample::Sample;

/// Two looks, one after the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace<'s> {
    before: &'s Sample,
    after: &'s Sample,
}

impl<'s> Pace<'s> {
    pub(crate) fn new(before: &'s Sample, after: &'s Sample) -> Self {
        Self { before, after }
    }

    /// How often something happened in a second. A node that was restarted meanwhile begins from nothing.
    pub(crate) fn per_second(&self, count: impl Fn(&Sample) -> u64) -> f64 {
        count(self.after).saturating_sub(count(self.before)) as f64 / self.seconds()
    }

    /// The same for a figure.
    pub(crate) fn figure(&self, name: &str) -> f64 {
        self.per_second(|sample| sample.figure(name))
    }

    /// The time that this share of the answers kept to, in microseconds.
    pub(crate) fn percentile(&self, share: f64) -> Option<u64> {
        percentile(&self.buckets(), share)
    }

    fn buckets(&self) -> Vec<Bucket> {
        let (before, after) = (&self.before.report.latencies, &self.after.report.latencies);
        let earlier = |number: usize| before.get(number).map_or(0, |bucket| bucket.count);
        let since = |(number, bucket): (usize, &Bucket)| Bucket {
            count: bucket.count.saturating_sub(earlier(number)),
            ..*bucket
        };
        after.iter().enumerate().map(since).collect()
    }

    /// Processors in use, in hundredths of one.
    pub(crate) fn cpu_percent(&self) -> f64 {
        self.per_second(|sample| sample.report.process.cpu_ms) / 10.0
    }

    /// The part of what was looked for that was found in memory, in hundredths.
    pub(crate) fn hit_percent(&self) -> Option<f64> {
        let hits = self.per_second(|sample| sample.report.store.hits);
        let all = hits + self.per_second(|sample| sample.report.store.misses);
        (all > 0.0).then(|| 100.0 * hits / all)
    }

    /// Mean time of a write to the disk, in microseconds.
    pub(crate) fn commit_us(&self) -> Option<u64> {
        let (before, after) = (self.before.report.store, self.after.report.store);
        after.commit_us.saturating_sub(before.commit_us).checked_div(after.commits.saturating_sub(before.commits))
    }

    fn seconds(&self) -> f64 {
        self.after.at.saturating_duration_since(self.before.at).as_secs_f64().max(0.001)
    }
}
