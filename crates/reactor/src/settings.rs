//! The bounds of one reactor, each with its name.

use std::time::Duration;

use raida_conn::Policy;

use crate::bucket::Rate;
use crate::{connection_limits, datagram_limits};

/// Everything a reactor can be told. All memory follows from it, and is bounded by it.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What the node is, and the deadlines of a connection.
    pub policy: Policy,
    /// Connections open at once. One more is closed at once.
    pub connections_max: u32,
    /// Connections that one source (/24, /64) may hold at once.
    pub source_connections_max: u32,
    /// Connections that the network around a source (/16, /48) may hold at once.
    pub network_connections_max: u32,
    /// Requests over connections that one source may make; a new connection counts as its first. `None`: any number.
    /// What is over it is refused with 160, up to as often again; the connections that are left are closed at once.
    pub source_requests: Option<Rate>,
    /// Octets of pooled buffers that one source may keep by sending only a part of its requests. A request that would
    /// need more is answered with 254.
    pub source_buffer_octets_max: usize,
    /// Answers in datagrams that one source gets, those to votes and echoes aside. `None`: any number.
    pub source_datagrams: Option<Rate>,
    /// Answers to votes and echoes in datagrams that one source gets. `None`: any number.
    pub source_votes: Option<Rate>,
    /// Of the datagrams over these rates, one in so many is answered with 15, "use TCP"; the others are dropped. 0: all.
    pub datagram_slip: u32,
    /// Places in each of the three tables: of sources over TCP, of networks over TCP, of sources over UDP.
    pub source_places: usize,
    /// Whether no limit on one source is for loopback addresses.
    pub loopback_exempt: bool,
    /// Octets of pooled buffers, used and free. A request that would need more is answered with 254.
    pub buffer_octets_max: usize,
    /// Requests with the workers at once, over TCP and UDP, and as many again with the batch. More wait in their
    /// connections.
    pub completions_max: usize,
    /// How long a request may wait for a worker or the batch, in its connection and in their queues, before it is
    /// refused with 160.
    pub wait_for_worker: Duration,
    /// Requests from datagrams with the workers at once, and as many again with the batch. More are refused with 160.
    pub datagrams_in_flight_max: usize,
    /// Longest answer in a datagram, in octets; a longer one becomes 15, "use TCP".
    pub datagram_octets_max: usize,
    /// Longest time without looking up, where no deadline is nearer.
    pub wait_max: Duration,
    /// Completions handled before timers and workers get their turn; each datagram of a batch counts as one.
    pub completions_per_turn: usize,
    /// Octets of long requests that are served on the I/O thread in one turn. What is over that goes to the workers, where
    /// the service allows it; requests of up to [`SHORT_MAX`](Self::SHORT_MAX) octets never do.
    pub inline_octets_per_turn: usize,
    /// How long a shutdown waits for what is in flight.
    pub drain: Duration,
}

impl Settings {
    /// Longest request that counts as short, in octets.
    pub const SHORT_MAX: usize = 512;

    /// Settings for everyday: 65 535 connections, 1 024 requests with the workers, 64 MiB of buffers, and no limit on how
    /// often one source may ask and on what a network may hold.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self {
            policy,
            connections_max: 65_535,
            source_connections_max: 1024,
            network_connections_max: u32::MAX,
            source_requests: None,
            source_buffer_octets_max: 8 << 20,
            source_datagrams: None,
            source_votes: None,
            datagram_slip: 2,
            source_places: 16_384,
            loopback_exempt: true,
            buffer_octets_max: 64 << 20,
            completions_max: 1024,
            wait_for_worker: Duration::from_millis(1500),
            datagrams_in_flight_max: 256,
            datagram_octets_max: 1440,
            wait_max: Duration::from_secs(10),
            completions_per_turn: 256,
            inline_octets_per_turn: 128 << 10,
            drain: Duration::from_secs(5),
        }
    }

    /// What one source may have over connections.
    pub(crate) fn of_guests(&self) -> connection_limits::Limits {
        let (connections, requests) = (self.source_connections_max, self.source_requests);
        let (network, buffers) = (self.network_connections_max, self.source_buffer_octets_max);
        connection_limits::Limits { connections, network, requests, buffers }
    }

    /// What one source may have over datagrams.
    pub(crate) fn of_askers(&self) -> datagram_limits::Limits {
        let (light, heavy) = (self.source_votes, self.source_datagrams);
        datagram_limits::Limits { light, heavy, slip: self.datagram_slip }
    }
}
