//! How long requests took, in a histogram that one thread writes.

use crate::counters::Counter;

/// Counts by powers of two: bucket `i` holds what took at most 2^i microseconds and more than 2^(i-1).
#[derive(Debug)]
pub struct Latencies {
    buckets: [Counter; BUCKETS],
    total_us: Counter,
}

/// Buckets: the last holds all that took longer than 2^23 microseconds, about 8 seconds.
pub const BUCKETS: usize = 25;

/// The histogram at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LatencySnapshot {
    /// How many fell into each bucket.
    pub buckets: [u64; BUCKETS],
    /// All of them together, in microseconds.
    pub total_us: u64,
}

impl Default for Latencies {
    fn default() -> Self {
        Self { buckets: std::array::from_fn(|_| Counter::default()), total_us: Counter::default() }
    }
}

impl Latencies {
    /// Counts one. Only the writer calls this.
    pub(crate) fn count(&self, us: u64) {
        if let Some(bucket) = self.buckets.get(bucket(us)) {
            bucket.add(1);
        }
        self.total_us.add(us);
    }

    /// The counts now.
    #[must_use]
    pub fn snapshot(&self) -> LatencySnapshot {
        let read = |bucket| self.buckets.get(bucket).map_or(0, Counter::get);
        LatencySnapshot { buckets: std::array::from_fn(read), total_us: self.total_us.get() }
    }
}

impl LatencySnapshot {
    /// Adds another reactor's.
    pub fn merge(&mut self, other: &Self) {
        self.buckets.iter_mut().zip(other.buckets).for_each(|(own, other)| *own += other);
        self.total_us += other.total_us;
    }
}

/// The most that a bucket holds, in microseconds; `None` for the last, which has no bound.
#[must_use]
pub fn bound_us(bucket: usize) -> Option<u64> {
    (bucket + 1 < BUCKETS).then(|| 1 << bucket)
}

fn bucket(us: u64) -> usize {
    let bits = u64::BITS - us.saturating_sub(1).leading_zeros();
    (bits as usize).min(BUCKETS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_falls_into_the_first_bucket_that_is_large_enough() {
        for us in (0..5000).chain([1 << 22, 1 << 23, (1 << 23) + 1, u64::MAX]) {
            let fits = |bucket: &usize| bound_us(*bucket).is_none_or(|bound| us <= bound);
            assert_eq!(Some(bucket(us)), (0..BUCKETS).find(fits), "{us}");
        }
    }
}
