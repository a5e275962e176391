//! The limits that a connection keeps.

use core::time::Duration;

use raida_wire::Rules;

/// What the node is, and how long and how often a peer may make it wait. One for all connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// What request headers are judged by.
    pub rules: Rules,
    /// Longest wait for the next octet of a request.
    pub progress: Duration,
    /// Longest time for a whole request: the first one from accept, a later one from its first octet.
    pub request: Duration,
    /// Longest wait for room for the next octet of the answer.
    pub write_progress: Duration,
    /// Longest time for a whole answer.
    pub write: Duration,
    /// Longest farewell: reading and discarding, so that the peer can still read its answer.
    pub linger: Duration,
    /// Octets that end a farewell.
    pub linger_octets: usize,
    /// Requests answered on one connection. At 1 the connection closes after its answer, as older clients expect; 0 is
    /// taken for 1.
    pub requests_max: u32,
    /// Longest silence between two requests, where `requests_max` is above 1.
    pub idle: Duration,
}

impl Policy {
    /// The limits of the protocol: 2 s without progress, 30 s for a whole request or answer, a farewell of 1 s or
    /// 64 KiB, and one request.
    ///
    /// Source: protocol §1.10, §1.12
    #[must_use]
    pub const fn new(rules: Rules) -> Self {
        Self {
            rules,
            progress: Duration::from_secs(2),
            request: Duration::from_secs(30),
            write_progress: Duration::from_secs(2),
            write: Duration::from_secs(30),
            linger: Duration::from_secs(1),
            linger_octets: 64 << 10,
            requests_max: 1,
            idle: Duration::from_secs(2),
        }
    }
}
