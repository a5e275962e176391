//! How long one peer is waited for.

use std::time::Duration;

/// How long one peer is waited for, never longer than the protocol allows.
///
/// ```
/// use raida_peers::Patience;
/// use std::time::Duration;
///
/// let patience = Patience::new(Duration::from_secs(60), Duration::from_secs(60));
/// assert_eq!(patience, Patience::MAX);
/// ```
///
/// Source: protocol §5.4
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    connect: Duration,
    total: Duration,
}

impl Patience {
    /// 2 seconds for the connection, 32 for everything.
    pub const MAX: Self = Self { connect: Duration::from_secs(2), total: Duration::from_secs(32) };

    /// So long for the connection, so long for everything, connecting included. What is above [`MAX`](Self::MAX) is cut.
    #[must_use]
    pub fn new(connect: Duration, total: Duration) -> Self {
        Self { connect: connect.min(Self::MAX.connect), total: total.min(Self::MAX.total) }
    }

    /// For the connection.
    #[must_use]
    pub const fn connect(&self) -> Duration {
        self.connect
    }

    /// For everything.
    #[must_use]
    pub const fn total(&self) -> Duration {
        self.total
    }
}

impl Default for Patience {
    /// 2 and 8 seconds.
    fn default() -> Self {
        Self { total: Duration::from_secs(8), ..Self::MAX }
    }
}
