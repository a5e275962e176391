//! One connection: its socket, what the loop waits for, what is with the kernel, and what has come back.

use std::io;
use std::ops::Range;

use raida_reactor::backend::Completion;
use raida_reactor::buffer::Buffer;
use raida_reactor::token::Token;
use raida_sockets::{Stream, Tenant};

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
    /// With the kernel. `Some` where a close is linked to it: so many octets must go out for that.
    Lent(Lent, Option<usize>),
    Done(Buffer, io::Result<usize>),
    /// Done in full, and the connection closed behind it: the descriptor is not ours any more.
    Closed(Buffer, usize),
    /// Closed, and told.
    Over,
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
    pub(crate) leaving: Option<Leaving>,
}

/// A send that has outlived its connection.
#[derive(Debug)]
pub(crate) struct Leaving {
    lent: Lent,
    /// The connection itself, where the kernel may be about to close it.
    linked: Option<(Stream, usize)>,
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
        }
    }

    /// Nothing where the kernel has closed it already: then nobody may touch the descriptor.
    pub(crate) fn stream(&self) -> Option<&Stream> {
        match self.sending {
            Sending::Nothing | Sending::Lent(_, None) | Sending::Done(..) => Some(&self.stream),
            Sending::Lent(_, Some(_)) | Sending::Closed(..) | Sending::Over => None,
        }
    }

    /// Whether octets lie here that have not been reported.
    pub(crate) fn has_arrival(&self) -> bool {
        matches!(self.arrival, Some(Arrival::Octets(_)))
    }

    pub(crate) fn receive(&mut self, ring: &mut Ring) {
        self.wish = Wish::Receive;
        if self.receiving || self.arrival.is_some() {
            return;
        }
        match self.stream() {
            Some(stream) => {
                ring.receive(stream, self.token, self.room);
                self.receiving = true;
            }
            None => self.arrival = Some(Arrival::Ended),
        }
    }

    pub(crate) fn watch(&mut self, ring: &mut Ring) {
        self.wish = Wish::Watch;
        if self.watched || self.broken {
            return;
        }
        match self.stream() {
            Some(stream) => {
                // Once and for all: a poll that tells once would be used up by the end of the peer's sending.
                ring.poll_always(stream, Interest::Broken, Tag::Watch(self.token));
                self.watched = true;
            }
            None => self.broken = true,
        }
    }

    /// Begins to send; with `last`, closes behind it. Gives back a buffer that another send has left behind.
    pub(crate) fn send(&mut self, buffer: Buffer, range: Range<usize>, last: bool, ring: &mut Ring) -> Option<Buffer> {
        self.wish = Wish::Nothing;
        let len = range.len();
        // A receive that is still with the kernel would keep the socket open beyond the close.
        let linked = last && !self.receiving && !self.watched;
        let lent = if linked {
            ring.send_then_close(&self.stream, self.token, buffer, range)
        } else {
            ring.send(&self.stream, self.token, buffer, range)
        };
        let begun = match lent {
            Ok(lent) => Sending::Lent(lent, linked.then_some(len)),
            Err(buffer) => Sending::Done(buffer, Err(io::ErrorKind::InvalidInput.into())),
        };
        match std::mem::replace(&mut self.sending, begun) {
            Sending::Done(buffer, _) => Some(buffer),
            Sending::Nothing | Sending::Lent(..) | Sending::Closed(..) | Sending::Over => None,
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
    pub(crate) fn note_sent(&mut self, outcome: io::Result<usize>, last: Last) {
        self.sending = match std::mem::replace(&mut self.sending, Sending::Nothing) {
            Sending::Lent(lent, linked) => {
                let buffer = lent.take_back(last);
                match (outcome, linked) {
                    (Ok(sent), Some(all)) if sent == all => Sending::Closed(buffer, sent),
                    (outcome, _) => Sending::Done(buffer, outcome),
                }
            }
            other @ (Sending::Nothing | Sending::Done(..) | Sending::Closed(..) | Sending::Over) => other,
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
            Sending::Closed(buffer, sent) => {
                self.sending = Sending::Over;
                return Turn::Told(Completion::Sent { token, buffer, sent });
            }
            other @ (Sending::Nothing | Sending::Lent(..) | Sending::Over) => self.sending = other,
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

    /// Ends everything in flight and closes, or leaves that to the kernel where it has been told to already.
    pub(crate) fn close(self, reset: bool, ring: &mut Ring) -> Remains {
        if let Some(Arrival::Octets(loan)) = self.arrival {
            ring.give_back(loan);
        }
        let (mut remains, stream) = (Remains::default(), self.stream);
        let busy = self.receiving || self.watched;
        match self.sending {
            Sending::Nothing => shut(stream, reset, busy, ring),
            Sending::Done(buffer, _) => {
                remains.buffer = Some(buffer);
                shut(stream, reset, busy, ring);
            }
            Sending::Lent(lent, None) => {
                remains.leaving = Some(Leaving { lent, linked: None });
                shut(stream, reset, true, ring);
            }
            Sending::Lent(lent, Some(all)) => {
                remains.leaving = Some(Leaving { lent, linked: Some((stream, all)) });
                ring.cancel(Tag::Send(self.token));
            }
            Sending::Closed(buffer, _) => {
                remains.buffer = Some(buffer);
                abandon(stream);
            }
            Sending::Over => abandon(stream),
        }
        remains
    }
}

impl Leaving {
    /// The kernel has said its last word: gives the buffer back, and closes what the kernel has not. The loop closed it
    /// because its time was up, so what is unsent is dropped.
    pub(crate) fn settle(self, outcome: &io::Result<usize>, last: Last, ring: &mut Ring) -> Buffer {
        if let Some((stream, all)) = self.linked {
            match outcome {
                Ok(sent) if *sent == all => abandon(stream),
                Ok(_) | Err(_) => shut(stream, true, false, ring),
            }
        }
        self.lent.take_back(last)
    }
}

impl Tenant for Connection {
    fn token(&self) -> Token {
        self.token
    }

    fn has_work(&self) -> bool {
        let sent = matches!(self.sending, Sending::Done(..) | Sending::Closed(..));
        sent || match self.wish {
            Wish::Nothing => false,
            Wish::Receive => self.arrival.is_some(),
            Wish::Watch => self.broken,
        }
    }
}

/// Closes a connection that is ours, after what is in flight on it has been ended.
fn shut(stream: Stream, reset: bool, busy: bool, ring: &mut Ring) {
    if reset {
        // Where it fails the peer is gone, and there is nobody to tell.
        let _ = stream.reset_on_close();
    }
    if busy {
        ring.cancel_all(&stream);
    }
    ring.close(stream);
}

/// Forgets a descriptor that the kernel has closed. By now it may be somebody else's.
fn abandon(stream: Stream) {
    let _ = std::os::fd::IntoRawFd::into_raw_fd(std::os::fd::OwnedFd::from(stream));
}
