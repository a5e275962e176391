//! A batch of datagrams, with room for their answers beside them.

use std::net::{IpAddr, SocketAddr};
use std::ops::Range;

use crate::buffer::Buffer;

/// Where an answer goes, and where it leaves from (protocol §1.11 item 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplyTo {
    /// Which datagram socket the request came to.
    pub socket: usize,
    /// Who asked.
    pub peer: SocketAddr,
    /// Which of our addresses was asked, where the kernel told; the answer leaves from it.
    pub local: Option<IpAddr>,
    /// Index of the interface for link-local addresses; 0 where it does not matter.
    pub interface: u32,
}

/// One datagram and its answer.
#[derive(Debug)]
pub struct Datagram {
    /// Who asked, and on which of our addresses.
    pub reply_to: ReplyTo,
    /// Holds the datagram in its first [`len`](Self::len) octets.
    pub octets: Buffer,
    /// How many octets came, at most the configured payload limit.
    pub len: usize,
    /// The datagram was longer than the limit; the rest does not exist.
    pub truncated: bool,
    /// Where the answer is built.
    pub answer: Buffer,
    /// Which part of `answer` is sent; empty: no answer.
    pub answer_range: Range<usize>,
}

/// Datagrams that came together. All room is allocated once, at start.
#[derive(Debug)]
pub struct Datagrams {
    slots: Box<[Datagram]>,
    filled: usize,
}

impl Datagrams {
    /// Room for `batch` datagrams of at most `limit` octets on socket `socket`, each answer buffer `answer_len` long.
    #[must_use]
    pub fn new(socket: usize, batch: usize, limit: usize, answer_len: usize) -> Self {
        let nobody = SocketAddr::from(([0, 0, 0, 0], 0));
        let slot = || Datagram {
            reply_to: ReplyTo { socket, peer: nobody, local: None, interface: 0 },
            octets: Buffer::zeroed(limit),
            len: 0,
            truncated: false,
            answer: Buffer::zeroed(answer_len),
            answer_range: 0..0,
        };
        Self { slots: (0..batch).map(|_| slot()).collect(), filled: 0 }
    }

    /// The datagrams that came.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Datagram> {
        self.slots.iter_mut().take(self.filled)
    }

    /// Every slot, for a backend to receive into.
    pub fn slots_mut(&mut self) -> &mut [Datagram] {
        &mut self.slots
    }

    /// How many of the first slots hold a datagram.
    #[must_use]
    pub fn filled(&self) -> usize {
        self.filled
    }

    /// For the backend: the first `filled` slots hold datagrams now, and none has an answer yet.
    pub fn set_filled(&mut self, filled: usize) {
        self.filled = filled.min(self.slots.len());
        for slot in self.iter_mut() {
            slot.answer_range = 0..0;
        }
    }
}
