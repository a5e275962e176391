//! Points in time.

use core::ops::Add;
use core::time::Duration;

/// Microseconds since an origin that the caller chose. All arithmetic saturates.
///
/// ```
/// use core::time::Duration;
/// use raida_conn::Instant;
///
/// let accepted = Instant::from_micros(1_000);
/// assert_eq!((accepted + Duration::from_millis(2)).as_micros(), 3_000);
/// assert_eq!(accepted.saturating_duration_since(Instant::from_micros(4_000)), Duration::ZERO);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64);

impl Instant {
    /// So many microseconds after the origin.
    #[must_use]
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// Microseconds after the origin.
    #[must_use]
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// How long ago `earlier` was; zero where it lies in the future.
    #[must_use]
    pub const fn saturating_duration_since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    /// Nanoseconds that do not fill a microsecond are dropped.
    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(span.as_micros()).unwrap_or(u64::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_without_end_saturates() {
        assert_eq!(Instant::from_micros(5) + Duration::MAX, Instant::from_micros(u64::MAX));
    }
}
