//! One connection's slot: the machine, and what belongs to its connection but not to its protocol.

use std::mem;
use std::net::SocketAddr;
use std::ops::Range;

use raida_conn::{Connection, Instant};
use raida_wire::Head;

use crate::buffer::{Buffer, SMALL};
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
    /// How often the deadline that has passed was not held against the peer.
    pub(crate) spared: u8,
    /// Finished responses, while the backend does not have them.
    pub(crate) response: Option<Buffer>,
    /// Where they lie in the buffer; the machine counts from there.
    pub(crate) response_at: Range<usize>,
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
            spared: 0,
            response: None,
            response_at: 0..0,
            parked: None,
        }
    }

    /// Forgets that the peer was spared, where it is not late any more. What comes beyond the time for a whole request or
    /// answer makes it no less late.
    pub(crate) fn forgive(&mut self, now: Instant) {
        if self.machine.deadline().is_none_or(|deadline| deadline > now) {
            self.spared = 0;
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

    /// The buffer in which answers wait to be sent together, if there is one with room for more: the next one may be
    /// written behind the end of [`response_at`](Self::response_at). [`rejoin`](Self::rejoin) puts it back.
    pub(crate) fn take_waiting(&mut self) -> Option<Buffer> {
        self.response.take_if(|waiting| waiting.len() >= SMALL)
    }

    /// Puts back the buffer in which answers wait, with one more in the range `added` behind them, or none.
    pub(crate) fn rejoin(&mut self, mut waiting: Buffer, added: Range<usize>) {
        let (end, len) = (self.response_at.end, added.len());
        if added.start > end {
            waiting.front_mut(added.end).copy_within(added, end);
        }
        self.response_at.end = end + len;
        self.response = Some(waiting);
    }

    /// Keeps a finished response, behind those that wait to be sent with it. Gives back a buffer that is needed no longer.
    pub(crate) fn respond(&mut self, mut buffer: Buffer, range: Range<usize>) -> Option<Buffer> {
        let Some(earlier) = &mut self.response else {
            self.response = Some(buffer);
            self.response_at = range;
            return None;
        };
        let Range { start, end } = self.response_at;
        let (before, added) = (end - start, range.len());
        if earlier.len() < buffer.len() {
            // The longer one has room for both.
            let room = buffer.front_mut(range.end.max(before + added));
            room.copy_within(range, before);
            copy(room, 0, earlier.as_ref().get(start..end).unwrap_or_default());
            self.response_at = 0..before + added;
            mem::swap(earlier, &mut buffer);
        } else {
            copy(earlier.front_mut(end + added), end, buffer.as_ref().get(range).unwrap_or_default());
            self.response_at = start..end + added;
        }
        Some(buffer)
    }
}

/// Copies `from` to where `to` has room for it.
fn copy(to: &mut [u8], at: usize, from: &[u8]) {
    if let Some(room) = to.get_mut(at..at + from.len()) {
        room.copy_from_slice(from);
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
    use std::net::Ipv4Addr;

    use raida_conn::{Connection, Instant, Policy};
    use raida_wire::Rules;

    use super::Link;
    use crate::buffer::Buffer;
    use crate::footprint::SLOT;

    #[test]
    fn responses_that_leave_together_lie_behind_each_other_whatever_their_buffers() {
        let policy = Policy::new(Rules { raida_id: 0, coin_id: 6, body_max: 100 });
        for lens in [[64, 128, 64], [128, 64, 64], [16, 16, 128], [128, 128, 8]] {
            let machine = Connection::new(Instant::from_micros(0), &policy);
            let mut link = Link::new(machine, (Ipv4Addr::LOCALHOST, 1).into(), None, Instant::from_micros(0));
            for (octet, len) in (1_u8..).zip(lens) {
                let mut buffer = Buffer::zeroed(len);
                buffer.as_mut()[3..8].fill(octet);
                assert_eq!(link.respond(buffer, 3..8).is_some(), octet > 1);
            }
            let all = link.response.unwrap();
            assert_eq!(all.as_ref()[link.response_at], [1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3], "{lens:?}");
        }
    }

    #[test]
    fn a_connection_without_its_buffers_takes_less_than_half_a_kilobyte() {
        const { assert!(SLOT <= 512) };
    }
}
