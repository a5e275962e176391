//! The bounds of one reactor, each with its name.

use std::time::Duration;

use raida_conn::Policy;

/// Everything a reactor can be told. All memory follows from it, and is bounded by it.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What the node is, and the deadlines of a connection.
    pub policy: Policy,
    /// Connections open at once. One more is closed at once.
    pub connections_max: u32,
    /// Connections that one source (/24, /64) may hold at once.
    pub source_connections_max: u32,
    /// Places in the table of sources, about 16 octets each.
    pub source_places: usize,
    /// Whether loopback addresses may hold any number of connections.
    pub loopback_exempt: bool,
    /// Octets of pooled buffers, used and free. A request that would need more is answered with 254.
    pub buffer_octets_max: usize,
    /// Requests with the workers at once, over TCP and UDP, and as many again with the batch. More wait in their
    /// connections.
    pub completions_max: usize,
    /// How long a request may wait in its connection for a worker or the batch before it is refused with 160.
    pub wait_for_worker: Duration,
    /// Requests from datagrams with the workers at once, and as many again with the batch. More are refused with 160.
    pub datagrams_in_flight_max: usize,
    /// Longest answer in a datagram, in octets; a longer one becomes 15, "use TCP".
    pub datagram_octets_max: usize,
    /// Longest time without looking up, where no deadline is nearer.
    pub wait_max: Duration,
    /// Completions handled before timers and workers get their turn; each datagram of a batch counts as one.
    pub completions_per_turn: usize,
    /// How long a shutdown waits for what is in flight.
    pub drain: Duration,
}

impl Settings {
    /// Settings for everyday: 65 535 connections, 1 024 requests with the workers, 64 MiB of buffers.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self {
            policy,
            connections_max: 65_535,
            source_connections_max: 1024,
            source_places: 16_384,
            loopback_exempt: true,
            buffer_octets_max: 64 << 20,
            completions_max: 1024,
            wait_for_worker: Duration::from_millis(1500),
            datagrams_in_flight_max: 256,
            datagram_octets_max: 1440,
            wait_max: Duration::from_secs(10),
            completions_per_turn: 256,
            drain: Duration::from_secs(5),
        }
    }
}
