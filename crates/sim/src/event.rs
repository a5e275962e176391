//! What happens in a simulated network, in order of time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::SocketAddr;

use raida_reactor::Instant;

use crate::client::ClientId;

/// Something that will happen.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Event {
    /// A client's connection stands in the listener's queue.
    Connect(ClientId),
    /// A client does its next act.
    Act(ClientId),
    /// Something reaches the node.
    ToNode(ClientId, Packet),
    /// Something reaches the client's kernel.
    ToClient(ClientId, Packet),
    /// A client's program reads.
    Read(ClientId),
    /// A datagram reaches the node.
    DatagramToNode(Box<(SocketAddr, Vec<u8>)>),
    /// An answer reaches its asker.
    DatagramToAsker(Box<(SocketAddr, Vec<u8>)>),
    /// An operation that was held up is tried again.
    Stir(ClientId),
    /// The loop hears that it was woken.
    Wake,
    /// Something is reported for a connection of the so-and-so-many-th node, by its token, which is closed.
    Stale(u32, u64),
    /// The caller of the turns wanted to be called, by this number.
    Call(u64),
    /// Nothing; the wait ends.
    Alarm,
}

/// What travels on a connection.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Packet {
    Octets(Vec<u8>),
    End,
    Reset,
}

/// All that will happen. What was scheduled first comes first where the times are equal.
#[derive(Debug, Default)]
pub(crate) struct Agenda {
    heap: BinaryHeap<Reverse<(Instant, u64, Event)>>,
    scheduled: u64,
}

impl Agenda {
    pub(crate) fn schedule(&mut self, at: Instant, event: Event) {
        self.scheduled += 1;
        self.heap.push(Reverse((at, self.scheduled, event)));
    }

    /// When the next thing happens.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.heap.peek().map(|Reverse((at, _, _))| *at)
    }

    /// Takes the next thing that happens until `now`.
    pub(crate) fn pop(&mut self, now: Instant) -> Option<(Instant, Event)> {
        if self.next()? > now {
            return None;
        }
        self.heap.pop().map(|Reverse((at, _, event))| (at, event))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }
}
