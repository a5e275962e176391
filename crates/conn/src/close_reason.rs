//! Why a connection was closed.

use core::fmt;
use core::time::Duration;

use crate::deadline::Deadline;

/// Why a connection was closed, with the limit that tripped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// Every request was answered, be it by a refusal, and the farewell was orderly.
    Served,
    /// The peer went before the first octet of a request.
    PeerClosed,
    /// The peer reset the connection, or it broke.
    PeerGone,
    /// The peer ended in the middle of a request, which gets no answer.
    CutRequest,
    /// A deadline passed.
    Timeout {
        /// Which.
        what: Deadline,
        /// How long it allowed.
        limit: Duration,
    },
    /// The peer sent so much during the farewell that it was cut short.
    LingerOctets {
        /// How many octets were allowed.
        limit: usize,
    },
    /// The node stopped.
    Stopped,
}

impl CloseReason {
    /// How many kinds there are; each deadline is one.
    pub const COUNT: usize = Self::NAMES.len();

    /// The name of each kind, by [`index`](Self::index).
    pub const NAMES: [&str; 12] = [
        "served",
        "peer_closed",
        "peer_gone",
        "cut_request",
        "linger_octets",
        "stopped",
        "timeout_idle",
        "timeout_progress",
        "timeout_request",
        "timeout_write_progress",
        "timeout_write",
        "timeout_linger",
    ];

    /// The kind as a number below [`COUNT`](Self::COUNT), for counters.
    #[must_use]
    pub const fn index(self) -> usize {
        match self {
            Self::Served => 0,
            Self::PeerClosed => 1,
            Self::PeerGone => 2,
            Self::CutRequest => 3,
            Self::LingerOctets { .. } => 4,
            Self::Stopped => 5,
            Self::Timeout { what: Deadline::Idle, .. } => 6,
            Self::Timeout { what: Deadline::Progress, .. } => 7,
            Self::Timeout { what: Deadline::Request, .. } => 8,
            Self::Timeout { what: Deadline::WriteProgress, .. } => 9,
            Self::Timeout { what: Deadline::Write, .. } => 10,
            Self::Timeout { what: Deadline::Linger, .. } => 11,
        }
    }

    /// The name of the kind, for logs and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::NAMES.get(self.index()).copied().unwrap_or_default()
    }

    /// Whether to drop unsent octets and reset (`SO_LINGER` 0): only where the peer did not take its answer. Otherwise
    /// its full buffer would keep the closed connection in the kernel for minutes.
    #[must_use]
    pub const fn reset(self) -> bool {
        matches!(self, Self::Timeout { what: Deadline::WriteProgress | Deadline::Write, .. })
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Served => f.write_str("served"),
            Self::PeerClosed => f.write_str("closed by the peer before a request"),
            Self::PeerGone => f.write_str("reset by the peer or broken"),
            Self::CutRequest => f.write_str("ended by the peer within a request"),
            Self::Timeout { what, limit } => write!(f, "{what} within {limit:?}"),
            Self::LingerOctets { limit } => write!(f, "more than {limit} octets discarded after the answer"),
            Self::Stopped => f.write_str("stopped by the node"),
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::collections::BTreeSet;
    use std::string::ToString;

    use super::*;

    fn all() -> impl Iterator<Item = CloseReason> {
        let limit = Duration::from_secs(2);
        let timeouts = Deadline::ALL.into_iter().map(move |what| CloseReason::Timeout { what, limit });
        [
            CloseReason::Served,
            CloseReason::PeerClosed,
            CloseReason::PeerGone,
            CloseReason::CutRequest,
            CloseReason::LingerOctets { limit: 65_536 },
            CloseReason::Stopped,
        ]
        .into_iter()
        .chain(timeouts)
    }

    #[test]
    fn every_reason_has_a_number_and_a_name_of_its_own() {
        let numbers: BTreeSet<usize> = all().map(CloseReason::index).collect();
        assert!(numbers.into_iter().eq(0..CloseReason::COUNT));
        let names: BTreeSet<&str> = all().map(CloseReason::as_str).collect();
        assert_eq!(names.len(), CloseReason::COUNT);
    }

    #[test]
    fn a_limit_that_tripped_is_told_with_its_number() {
        for reason in all() {
            let text = reason.to_string();
            match reason {
                CloseReason::Timeout { .. } => assert!(text.ends_with("within 2s"), "{text}"),
                CloseReason::LingerOctets { .. } => assert!(text.contains("65536"), "{text}"),
                CloseReason::Served
                | CloseReason::PeerClosed
                | CloseReason::PeerGone
                | CloseReason::CutRequest
                | CloseReason::Stopped => assert!(!text.contains(char::is_numeric), "{text}"),
            }
        }
    }

    #[test]
    fn only_a_peer_that_does_not_take_its_answer_is_reset() {
        let resets: std::vec::Vec<&str> = all().filter(|reason| reason.reset()).map(CloseReason::as_str).collect();
        assert_eq!(resets, ["timeout_write_progress", "timeout_write"]);
    }
}
