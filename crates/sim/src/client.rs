//! A simulated client and the two ends of its connection.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::ops::Range;

use raida_reactor::Instant;
use raida_reactor::buffer::Buffer;
use raida_reactor::token::Token;

use crate::script::Script;

/// Names a client of one simulation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId {
    pub(crate) index: u32,
    /// Places are used again once their client is forgotten.
    pub(crate) generation: u32,
}

/// How a connection ended, as the client saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The node closed, and everything it had sent could be read.
    Closed,
    /// The connection was reset, by the node or by the client itself. What was unread is lost.
    Reset,
}

/// A client: what it has seen, and the state of its connection at both ends.
#[derive(Debug)]
pub struct Client {
    pub(crate) generation: u32,
    pub(crate) is_forgotten: bool,
    pub(crate) peer: SocketAddr,
    pub(crate) script: Script,
    /// What its program has read.
    pub(crate) received: Vec<u8>,
    pub(crate) end: Option<(End, Instant)>,
    /// What its kernel holds for it.
    pub(crate) unread: VecDeque<u8>,
    /// Octets on their way to it.
    pub(crate) coming: usize,
    /// Octets that the node has ever sent it.
    pub(crate) given: usize,
    pub(crate) end_has_come: bool,
    pub(crate) has_ended: bool,
    /// An `Act` or a `Read` is on the agenda.
    pub(crate) will_act: bool,
    pub(crate) will_read: bool,
    /// Nothing overtakes anything: the latest arrival so far, each way.
    pub(crate) last_to_node: Instant,
    pub(crate) last_to_client: Instant,
    pub(crate) node: NodeEnd,
}

/// The node's end of a connection: its kernel's part.
#[derive(Debug, Default)]
pub(crate) struct NodeEnd {
    pub(crate) token: Option<Token>,
    /// Since when the node has had it.
    pub(crate) accepted: Option<Instant>,
    /// Octets handed to the loop.
    pub(crate) taken: usize,
    /// It failed without the peer's doing.
    pub(crate) is_broken: bool,
    pub(crate) inbox: VecDeque<u8>,
    pub(crate) end_has_come: bool,
    pub(crate) reset_has_come: bool,
    pub(crate) receiving: bool,
    pub(crate) watched: bool,
    pub(crate) sending: Option<(Buffer, Range<usize>)>,
    /// What the peer had read when the loop last asked, or began to send.
    pub(crate) read_before: usize,
    /// A completion for it is ready already.
    pub(crate) reported: bool,
    pub(crate) has_ended: bool,
    pub(crate) closed: bool,
}

impl Client {
    pub(crate) fn new(peer: SocketAddr, script: Script, at: Instant) -> Self {
        Self {
            generation: 0,
            is_forgotten: false,
            peer,
            script,
            received: Vec::new(),
            end: None,
            unread: VecDeque::new(),
            coming: 0,
            given: 0,
            end_has_come: false,
            has_ended: false,
            will_act: false,
            will_read: false,
            last_to_node: at,
            last_to_client: at,
            node: NodeEnd::default(),
        }
    }

    /// Its address.
    #[must_use]
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Everything its program has read.
    #[must_use]
    pub fn received(&self) -> &[u8] {
        &self.received
    }

    /// How the connection ended, and when the client noticed.
    #[must_use]
    pub fn end(&self) -> Option<(End, Instant)> {
        self.end
    }

    /// Whether the node has closed its end.
    #[must_use]
    pub fn is_closed_by_node(&self) -> bool {
        self.node.closed
    }

    /// Since when the node has had its connection, where it was accepted.
    #[must_use]
    pub fn accepted(&self) -> Option<Instant> {
        self.node.accepted
    }

    /// How many octets the loop has received from it.
    #[must_use]
    pub fn taken_by_node(&self) -> usize {
        self.node.taken
    }

    /// How many octets the node has sent it, whatever became of them.
    #[must_use]
    pub fn given_by_node(&self) -> usize {
        self.given
    }

    /// Whether octets of it were in the node's kernel, and were not received, when the node closed; or still are.
    #[must_use]
    pub fn is_unheard(&self) -> bool {
        self.node.token.is_some() && self.node.taken == 0 && !self.node.inbox.is_empty()
    }

    /// Whether the weather broke its connection.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.node.is_broken
    }

    /// How many octets its kernel has room for.
    pub(crate) fn room(&self, window: usize) -> usize {
        window.saturating_sub(self.unread.len() + self.coming)
    }

    /// Whether something that the loop waits for can be reported.
    pub(crate) fn is_due(&self, window: usize) -> bool {
        let node = &self.node;
        let may_receive = node.receiving && (!node.inbox.is_empty() || node.end_has_come);
        let may_send = node.sending.is_some() && self.room(window) > 0;
        let is_in_flight = node.receiving || node.sending.is_some() || node.watched;
        may_receive || may_send || (node.reset_has_come && is_in_flight)
    }

    /// Whether it has read anything since this was last asked, or a send began.
    pub(crate) fn has_taken(&mut self) -> bool {
        let before = std::mem::replace(&mut self.node.read_before, self.received.len());
        self.received.len() > before
    }

    pub(crate) fn is_over(&self) -> bool {
        self.end.is_some()
    }
}
