//! How often something may happen: so many times a second, and a few at once.

use std::num::NonZeroU32;

use raida_conn::Instant;

/// So many a second, and so many at once after a pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Time between two, in nanoseconds.
    interval: u64,
    /// How far ahead of time whoever was silent may run, in nanoseconds.
    ahead: u64,
    per_second: NonZeroU32,
}

const SECOND: u64 = 1_000_000_000;

impl Rate {
    /// `per_second` a second (above 1 000 000 000 counts as that), and twice as many at once.
    ///
    /// ```
    /// use std::num::NonZeroU32;
    /// use raida_reactor::{Instant, bucket::{Bucket, Rate}};
    ///
    /// let (rate, mut bucket) = (Rate::new(NonZeroU32::new(2).unwrap()), Bucket::default());
    /// let mut at = |ms: u64| bucket.take(Instant::from_micros(ms * 1000), rate);
    /// assert_eq!([(); 5].map(|()| at(0)), [true, true, true, true, false]);
    /// assert_eq!([499, 500, 501, 1000].map(at), [false, true, false, true]);
    /// ```
    #[must_use]
    pub const fn new(per_second: NonZeroU32) -> Self {
        let interval = SECOND / per_second.get() as u64;
        let interval = if interval == 0 { 1 } else { interval };
        Self { interval, ahead: (2 * per_second.get() as u64 - 1) * interval, per_second }
    }

    /// How many a second.
    #[must_use]
    pub const fn per_second(self) -> u32 {
        self.per_second.get()
    }
}

/// What one source has taken of its [`Rate`]: a single word, the moment at which it will have paid for everything.
///
/// A bucket of which that moment has passed is as good as new, so nothing is lost when it is forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bucket {
    /// In nanoseconds.
    paid: u64,
}

impl Bucket {
    /// Takes one, if there is one left. Only what is taken counts.
    pub fn take(&mut self, now: Instant, rate: Rate) -> bool {
        let now = nanoseconds(now);
        let paid = self.paid.max(now);
        let is_left = paid - now <= rate.ahead;
        if is_left {
            self.paid = paid.saturating_add(rate.interval);
        }
        is_left
    }

    /// How long it takes to pay for everything, in nanoseconds.
    #[must_use]
    pub fn debt(&self, now: Instant) -> u64 {
        self.paid.saturating_sub(nanoseconds(now))
    }
}

const fn nanoseconds(instant: Instant) -> u64 {
    instant.as_micros().saturating_mul(1000)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rate(per_second: u32) -> Rate {
        Rate::new(NonZeroU32::new(per_second).unwrap())
    }

    #[test]
    fn a_bucket_forgets_when_it_is_full_again() {
        let mut bucket = Bucket::default();
        assert!((0..20).all(|_| bucket.take(Instant::from_micros(7), rate(10))));
        assert!(!bucket.take(Instant::from_micros(7), rate(10)));
        assert_eq!(bucket.debt(Instant::from_micros(7)), 2 * SECOND);
        assert_eq!(bucket.debt(Instant::from_micros(2_000_007)), 0);
    }

    #[test]
    fn rates_out_of_proportion_do_no_harm() {
        let (mut bucket, end) = (Bucket::default(), Instant::from_micros(u64::MAX));
        assert!(bucket.take(end, rate(u32::MAX)) && bucket.take(end, rate(1)));
    }

    proptest! {
        /// The model counts what is left, in parts of a nanosecond's worth, as one fills a real bucket.
        #[test]
        fn a_word_is_as_good_as_a_count_of_what_is_left(
            per_second in 1u32..2000,
            pauses in prop::collection::vec(prop_oneof![0u64..10, 0u64..5000, 0u64..3_000_000], 1..300),
        ) {
            let (rate, mut bucket) = (rate(per_second), Bucket::default());
            let one = SECOND / u64::from(per_second);
            let full = one * 2 * u64::from(per_second);
            let (mut left, mut now) = (full, 0);
            let mut taken = Vec::new();
            for pause in pauses {
                now += pause;
                left = (left + pause * 1000).min(full);
                let expected = left >= one;
                prop_assert_eq!(bucket.take(Instant::from_micros(now), rate), expected);
                if expected {
                    left -= one;
                    taken.push(now);
                }
            }
            // And whatever the pauses: no second sees more than is allowed at once and a second's worth.
            for (first, start) in taken.iter().enumerate() {
                let within = taken.iter().skip(first).take_while(|at| *at - start < 1_000_000).count();
                prop_assert!(within <= 3 * per_second as usize + 1);
            }
        }
    }
}
