//! How to ask.

use std::iter;
use std::time::Duration;

/// What carries the octets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Transport {
    /// One connection per question. No limit on the size of the answer but the format's.
    #[default]
    Tcp,
    /// One datagram each way. Quicker; large answers do not fit.
    Udp,
}

/// How to ask: the transport, and how long to wait.
///
/// ```
/// use raida_client::Options;
/// use std::time::Duration;
///
/// let options = Options { timeout: Duration::from_secs(1), retries: 2, ..Options::default() };
/// assert_eq!(options.total(), Duration::from_secs(1 + 2 + 4));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// TCP unless said otherwise.
    pub transport: Transport,
    /// How long the first attempt may take. Every further one gets twice as long as the one before. A question that is
    /// sent only once has the time of all of them.
    pub timeout: Duration,
    /// How many further attempts there are when there is no answer. What a second run would change
    /// ([`Question::is_repeatable`](crate::Question::is_repeatable)) is not sent twice.
    pub retries: u32,
}

impl Options {
    /// The longest that a question can take, looking the name up included.
    #[must_use]
    pub fn total(&self) -> Duration {
        // After so many doublings the sum has long been saturated or is zero: the rest of the attempts adds nothing.
        self.spans().take(128).fold(Duration::ZERO, Duration::saturating_add)
    }

    /// How long each attempt may take.
    pub(crate) fn spans(&self) -> impl Iterator<Item = Duration> + use<> {
        let doubled = |span: &Duration| Some(span.saturating_mul(2));
        let attempts = usize::try_from(self.retries).unwrap_or(usize::MAX).saturating_add(1);
        iter::successors(Some(self.timeout), doubled).take(attempts)
    }
}

impl Default for Options {
    /// TCP; 2, 4 and 8 seconds.
    fn default() -> Self {
        Self { transport: Transport::Tcp, timeout: Duration::from_secs(2), retries: 2 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_attempt_gets_twice_as_long() {
        let options = Options { timeout: Duration::from_millis(300), retries: 2, ..Options::default() };
        let spans: Vec<_> = options.spans().map(|span| span.as_millis()).collect();
        assert_eq!(spans, [300, 600, 1200]);
    }

    #[test]
    fn absurd_numbers_saturate() {
        for timeout in [Duration::from_nanos(1), Duration::MAX] {
            assert_eq!(Options { timeout, retries: u32::MAX, ..Options::default() }.total(), Duration::MAX);
        }
        let never = Options { timeout: Duration::ZERO, retries: u32::MAX, ..Options::default() };
        assert_eq!(never.total(), Duration::ZERO);
    }
}
