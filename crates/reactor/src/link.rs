//! One connection's slot: the machine, and what belongs to its connection but not to its protocol.

use std::net::SocketAddr;
use std::ops::Range;

use raida_conn::{Connection, Instant};
use raida_wire::Head;

use crate::buffer::Buffer;
use crate::connection_limits::Guest;
use crate::errand::LiveConnection;
use crate::service::Transport;
use crate::token::Token;
use crate::workers::{Job, Origin, Outcome, Road};

/// A connection between accept and close.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) machine: Connection<Buffer>,
    pub(crate) peer: SocketAddr,
    /// How its source is counted, unless it is exempt.
    pub(crate) guest: Option<Guest>,
    pub(crate) opened: Instant,
    pub(crate) octets_in: u64,
    pub(crate) octets_out: u64,
    /// A finished response, while the backend does not have it.
    pub(crate) response: Option<Buffer>,
    /// Where the response begins in its buffer; the machine counts from there.
    pub(crate) response_start: usize,
    /// A request for another thread that had no room yet. Few connections have one, so it lies elsewhere.
    pub(crate) parked: Option<Box<Parked>>,
}

/// A whole request waiting in its connection for a worker or the batch.
#[derive(Debug)]
pub(crate) struct Parked {
    pub(crate) road: Road,
    pub(crate) head: Head,
    pub(crate) request: Buffer,
    pub(crate) answer: Buffer,
    pub(crate) began: Instant,
}

impl Link {
    /// A connection that has just been accepted.
    pub(crate) fn new(machine: Connection<Buffer>, peer: SocketAddr, guest: Option<Guest>, now: Instant) -> Self {
        Self {
            machine,
            peer,
            guest,
            opened: now,
            octets_in: 0,
            octets_out: 0,
            response: None,
            response_start: 0,
            parked: None,
        }
    }

    /// What an operator may see of it.
    pub(crate) fn live(&self, now: Instant) -> LiveConnection {
        LiveConnection {
            peer: self.peer,
            phase: self.machine.phase(),
            is_waiting: self.parked.is_some(),
            age: now.saturating_duration_since(self.opened),
            octets_in: self.octets_in,
            octets_out: self.octets_out,
        }
    }

    /// Keeps a finished response, and says how long it is.
    pub(crate) fn respond(&mut self, buffer: Buffer, range: Range<usize>) -> usize {
        self.response = Some(buffer);
        self.response_start = range.start;
        range.len()
    }
}

impl Parked {
    /// Ready to leave.
    pub(crate) fn into_job(self, token: Token, peer: SocketAddr) -> Job {
        let Self { road, head, request, answer, began } = self;
        let (origin, transport, outcome) = (Origin::Connection(token), Transport::Tcp, Outcome::Broken);
        Job { road, origin, head, peer, transport, request, answer, began, outcome, claim: None, is_begun: false }
    }

    /// Back from a road that had no room.
    pub(crate) fn from_job(Job { road, head, request, answer, began, .. }: Job) -> Self {
        Self { road, head, request, answer, began }
    }
}

#[cfg(test)]
mod tests {
    use crate::footprint::SLOT;

    #[test]
    fn a_connection_without_its_buffers_takes_less_than_half_a_kilobyte() {
        const { assert!(SLOT <= 512) };
    }
}
