//! One connection: its socket, what the loop waits for, what is with the kernel, and what has come back.

use std::io;
use std::ops::Range;

use raida_reactor::backend::Completion;
use raida_reactor::buffer::Buffer;
use raida_reactor::token::Token;
use raida_sockets::{Stream, Tenant, Uptake};

use crate::counts::SyscallCounts;
use crate::sys::{Interest, Last, Lent, Loan, Ring, Room, Tag};

/// A connection that has a slot.
#[derive(Debug)]
pub(crate) struct Connection {
    token: Token,
    stream: Stream,
    wish: Wish,
    /// A receive is with the kernel.
    receiving: bool,
    /// The kernel has been asked to tell of the connection's end.
    watched: bool,
    broken: bool,
    /// Where the next receive takes its buffer from.
    room: Room,
    /// What a receive has brought.
    arrival: Option<Arrival>,
    sending: Sending,
    /// How many octets the send in flight, or the last one, was to send.
    wanted: usize,
    /// Looked at whenever a send finds too little room.
    uptake: Uptake,
}

/// What the loop waits for, sends aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    Nothing,
    Receive,
    Watch,
}

/// What came of a receive.
#[derive(Debug)]
enum Arrival {
    Octets(Loan),
    Ended,
    Failed(io::Error),
}

#[derive(Debug)]
enum Sending {
    Nothing,
    /// With the kernel.
    Lent(Lent),
    Done(Buffer, io::Result<usize>),
}

/// What came of one turn.
#[derive(Debug)]
pub(crate) enum Turn {
    /// These octets.
    Received(Loan),
    /// Anything else there is to report.
    Told(Completion<'static, Stream>),
    /// Nothing.
    Waiting,
}

/// What is left of a connection that the loop has closed.
#[derive(Debug, Default)]
pub(crate) struct Remains {
    /// To be returned.
    pub(crate) buffer: Option<Buffer>,
    /// To be returned when the kernel has said its last word.
    pub(crate) leaving: Option<Lent>,
}

impl Connection {
    pub(crate) fn new(token: Token, stream: Stream) -> Self {
        Self {
            token,
            stream,
            wish: Wish::Nothing,
            receiving: false,
            watched: false,
            broken: false,
            room: Room::Short,
            arrival: None,
            sending: Sending::Nothing,
            wanted: 0,
            uptake: Uptake::default(),
        }
    }

    pub(crate) fn stream(&self) -> &Stream {
        &self.stream
    }

    /// Whether octets lie here that have not been reported.
    pub(crate) fn has_arrival(&self) -> bool {
        matches!(self.arrival, Some(Arrival::Octets(_)))
    }

    /// Whether what is in flight has come back, or could be done now, or whether the peer has at least taken octets.
    pub(crate) fn has_news(&mut self, counts: &mut SyscallCounts) -> bool {
        let is_sending = matches!(self.sending, Sending::Lent(_));
        if self.has_work() || is_sending && self.has_taken(counts) {
            return true;
        }
        let ready = match self.wish {
            _ if is_sending => self.stream.is_writable(),
            Wish::Receive => self.stream.is_readable(),
            Wish::Nothing | Wish::Watch => return false,
        };
        counts.poll += 1;
        // Where the system cannot tell, nothing speaks for the peer.
        ready.unwrap_or(false)
    }

    /// Whether the peer has taken octets since this was last asked.
    fn has_taken(&mut self, counts: &mut SyscallCounts) -> bool {
        counts.untaken += 1;
        self.uptake.look(&self.stream)
    }

    pub(crate) fn receive(&mut self, ring: &mut Ring) {
        self.wish = Wish::Receive;
        if !self.receiving && self.arrival.is_none() {
            ring.receive(&self.stream, self.token, self.room);
            self.receiving = true;
        }
    }

    pub(crate) fn watch(&mut self, ring: &mut Ring) {
        self.wish = Wish::Watch;
        if !self.watched && !self.broken {
            // Once and for all: a poll that tells once would be used up by the end of the peer's sending.
            ring.poll_always(&self.stream, Interest::Broken, Tag::Watch(self.token));
            self.watched = true;
        }
    }

    /// Begins to send. Gives back a buffer that another send has left behind.
    pub(crate) fn send(&mut self, buffer: Buffer, range: Range<usize>, ring: &mut Ring) -> Option<Buffer> {
        self.wanted = range.len();
        let begun = match ring.send(&self.stream, self.token, buffer, range) {
            Ok(lent) => Sending::Lent(lent),
            Err(buffer) => Sending::Done(buffer, Err(io::ErrorKind::InvalidInput.into())),
        };
        self.begin(begun)
    }

    /// Sends at once what there is room for, the end behind it; leaves it to the ring where there is no room at all.
    pub(crate) fn send_last(
        &mut self,
        buffer: Buffer,
        range: Range<usize>,
        ring: &mut Ring,
        counts: &mut SyscallCounts,
    ) -> Option<Buffer> {
        let Some(octets) = buffer.as_ref().get(range.clone()) else { return self.send(buffer, range, ring) };
        counts.send += 1;
        let outcome = self.stream.send_last(octets);
        match outcome {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.has_taken(counts);
                self.send(buffer, range, ring)
            }
            outcome => {
                counts.shutdown += u64::from(outcome.as_ref().is_ok_and(|&sent| sent == range.len()));
                self.begin(Sending::Done(buffer, outcome))
            }
        }
    }

    fn begin(&mut self, sending: Sending) -> Option<Buffer> {
        self.wish = Wish::Nothing;
        match std::mem::replace(&mut self.sending, sending) {
            Sending::Done(buffer, _) => Some(buffer),
            Sending::Nothing | Sending::Lent(_) => None,
        }
    }

    /// Takes in what a receive has brought. Says so where it was a buffer that it lacked.
    pub(crate) fn note_received(&mut self, outcome: io::Result<Option<Loan>>, ring: &mut Ring) -> Option<Room> {
        self.receiving = false;
        let wanted = self.room;
        self.arrival = match outcome {
            Ok(Some(loan)) => {
                // Who fills a buffer has more to say.
                self.room = if ring.is_full(&loan) { Room::Long } else { Room::Short };
                Some(Arrival::Octets(loan))
            }
            Ok(None) => Some(Arrival::Ended),
            Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => return Some(wanted),
            Err(error) => Some(Arrival::Failed(error)),
        };
        None
    }

    /// Takes in what came of the send.
    pub(crate) fn note_sent(&mut self, outcome: io::Result<usize>, last: Last, counts: &mut SyscallCounts) {
        if outcome.as_ref().is_ok_and(|&sent| sent < self.wanted) {
            self.has_taken(counts);
        }
        self.sending = match std::mem::replace(&mut self.sending, Sending::Nothing) {
            Sending::Lent(lent) => Sending::Done(lent.take_back(last), outcome),
            other @ (Sending::Nothing | Sending::Done(..)) => other,
        };
    }

    pub(crate) fn note_watched(&mut self, broken: bool, armed: bool) {
        self.watched = armed;
        self.broken |= broken;
    }

    /// Starts again what only lacked a buffer.
    pub(crate) fn resume(&mut self, ring: &mut Ring) {
        if self.wish == Wish::Receive {
            self.receive(ring);
        }
    }

    /// Reports one thing.
    pub(crate) fn turn(&mut self) -> Turn {
        let token = self.token;
        match std::mem::replace(&mut self.sending, Sending::Nothing) {
            Sending::Done(buffer, Ok(sent)) => return Turn::Told(Completion::Sent { token, buffer, sent }),
            Sending::Done(buffer, Err(error)) => {
                return Turn::Told(Completion::Failed { token, error, buffer: Some(buffer) });
            }
            other @ (Sending::Nothing | Sending::Lent(_)) => self.sending = other,
        }
        if self.wish == Wish::Watch && self.broken {
            self.wish = Wish::Nothing;
            return Turn::Told(Completion::Gone { token });
        }
        if self.wish != Wish::Receive {
            return Turn::Waiting;
        }
        let Some(arrival) = self.arrival.take() else { return Turn::Waiting };
        self.wish = Wish::Nothing;
        match arrival {
            Arrival::Octets(loan) => Turn::Received(loan),
            Arrival::Ended => Turn::Told(Completion::Ended { token }),
            Arrival::Failed(error) => Turn::Told(Completion::Failed { token, error, buffer: None }),
        }
    }

    /// Ends everything in flight and closes.
    pub(crate) fn close(self, reset: bool, ring: &mut Ring, counts: &mut SyscallCounts) -> Remains {
        if let Some(Arrival::Octets(loan)) = self.arrival {
            ring.give_back(loan);
        }
        let mut remains = Remains::default();
        match self.sending {
            Sending::Nothing => {}
            Sending::Done(buffer, _) => remains.buffer = Some(buffer),
            Sending::Lent(lent) => remains.leaving = Some(lent),
        }
        if reset {
            // Where it fails the peer is gone, and there is nobody to tell.
            let _ = self.stream.reset_on_close();
        }
        if self.receiving || self.watched || remains.leaving.is_some() {
            // What is in flight keeps the socket open beyond a close, so it has to end first.
            ring.cancel_all(&self.stream);
            ring.close(self.stream);
        } else {
            counts.close += 1;
            drop(self.stream);
        }
        remains
    }
}

impl Tenant for Connection {
    fn token(&self) -> Token {
        self.token
    }

    fn has_work(&self) -> bool {
        let sent = matches!(self.sending, Sending::Done(..));
        sent || match self.wish {
            Wish::Nothing => false,
            Wish::Receive => self.arrival.is_some(),
            Wish::Watch => self.broken,
        }
    }
}
