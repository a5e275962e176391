//! One stream listener: takes in who comes, hands them out as they are asked for, sheds when there are no descriptors.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;

use raida_sockets::{ListeningSocket, Place, Relief, Reserve, Stream, is_of_one_connection, is_want, shed};

use crate::sys::{Ring, Tag};

/// A listening socket and what is known of it.
#[derive(Debug)]
pub(crate) struct Listener {
    number: u32,
    socket: Option<ListeningSocket>,
    pub(crate) place: Place,
    /// The loop waits for a connection.
    asked: bool,
    /// The kernel accepts on its own.
    armed: bool,
    /// It has been told to stop that.
    cancelled: bool,
    /// Accepted, and not asked for yet.
    ahead: VecDeque<Stream>,
    /// How many of them there may be before the kernel is told to stop.
    ahead_max: usize,
    /// Why accepting has ended.
    failure: Option<io::Error>,
    /// Those who wait are still accepted, then the socket closes.
    stopping: bool,
}

/// What came of one turn.
#[derive(Debug)]
pub(crate) enum Turn {
    /// Somebody connected.
    Accepted(Stream, SocketAddr),
    /// One connection was lost before it could be reported; others may wait.
    Again,
    /// Nobody is waiting.
    Nobody,
    /// No connection can be accepted now.
    Failed { error: io::Error, shed: u32 },
}

impl Listener {
    pub(crate) fn new(socket: ListeningSocket, number: u32, ahead_max: usize) -> Self {
        Self {
            number,
            socket: Some(socket),
            place: Place::default(),
            asked: false,
            armed: false,
            cancelled: false,
            ahead: VecDeque::with_capacity(ahead_max),
            ahead_max,
            failure: None,
            stopping: false,
        }
    }

    pub(crate) fn ask(&mut self, ring: &mut Ring) {
        self.asked = self.socket.is_some();
        self.arm(ring);
    }

    /// Takes in a connection, or the reason why there is none. Every answer without "more to come" is one after which
    /// the kernel has to be told again.
    pub(crate) fn note(&mut self, outcome: io::Result<Stream>, armed: bool, ring: &mut Ring) {
        self.armed = armed;
        self.cancelled &= armed;
        match outcome {
            Ok(stream) => self.ahead.push_back(stream),
            Err(error) if is_of_one_connection(&error) || is_end(&error) => {}
            Err(error) => self.failure = Some(error),
        }
        if self.ahead.len() >= self.ahead_max && self.armed && !self.cancelled {
            self.cancelled = true;
            ring.cancel(Tag::Accept(self.number));
        }
        self.arm(ring);
    }

    /// Whether a turn would be of use.
    pub(crate) fn has_work(&self) -> bool {
        self.asked && (!self.ahead.is_empty() || self.failure.is_some() || (self.stopping && !self.armed))
    }

    /// Makes the next turn that finds nobody waiting the last. A plain close would reset those who wait.
    pub(crate) fn stop(&mut self, ring: &mut Ring) {
        // From here on the kernel lets at most one more wait; that it may refuse to only makes the last round longer.
        let _ = self.socket.as_ref().map(|socket| socket.listen(0));
        self.stopping = true;
        self.asked = self.socket.is_some();
        if self.armed && !self.cancelled {
            self.cancelled = true;
            ring.cancel(Tag::Accept(self.number));
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.socket.is_some()
    }

    /// Hands out one connection.
    pub(crate) fn turn(&mut self, ring: &mut Ring, reserve: &mut Reserve) -> Turn {
        if !self.asked {
            return Turn::Nobody;
        }
        let turn = match (self.ahead.pop_front(), self.failure.take()) {
            (Some(stream), failure) => {
                self.failure = failure;
                // Nobody is at the other end any more: as if the connection had been lost before.
                stream.peer_address().map_or(Turn::Again, |peer| Turn::Accepted(stream, peer))
            }
            (None, Some(error)) => self.fail(error, reserve),
            (None, None) if self.stopping && !self.armed => self.accept_last(reserve),
            (None, None) => Turn::Nobody,
        };
        self.asked &= !matches!(turn, Turn::Accepted(..) | Turn::Failed { .. });
        self.arm(ring);
        turn
    }

    /// Lets the kernel accept, where that is wanted and not so already.
    fn arm(&mut self, ring: &mut Ring) {
        let idle = self.ahead.is_empty() && self.failure.is_none();
        let Some(socket) = self.socket.as_ref().filter(|_| self.asked && idle && !self.armed && !self.stopping) else {
            return;
        };
        ring.accept(socket, self.number);
        self.armed = true;
    }

    /// Accepts those who wait, without the ring.
    fn accept_last(&mut self, reserve: &mut Reserve) -> Turn {
        let Some(socket) = &self.socket else { return Turn::Nobody };
        match socket.accept() {
            Ok((stream, peer)) => Turn::Accepted(stream, peer),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.close();
                Turn::Nobody
            }
            Err(error) if is_of_one_connection(&error) => Turn::Again,
            Err(error) => self.fail(error, reserve),
        }
    }

    fn fail(&mut self, error: io::Error, reserve: &mut Reserve) -> Turn {
        let relief = match &self.socket {
            Some(socket) if is_want(&error) => shed(socket, reserve, &mut 0),
            Some(_) | None => Relief::Shed(0),
        };
        match relief {
            Relief::Accepted(stream, peer) => Turn::Accepted(stream, peer),
            Relief::Shed(shed) => {
                if self.stopping {
                    self.close();
                }
                Turn::Failed { error, shed }
            }
        }
    }

    fn close(&mut self) {
        self.socket = None;
        self.asked = false;
    }
}

/// Whether accepting has ended because it was told to, or because of nothing at all.
fn is_end(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ECANCELED | libc::EAGAIN | libc::EINTR))
}
