//! One connection: its socket, what is in flight on it, and what the kernel has said about it.

use std::io;
use std::mem;
use std::ops::Range;

use raida_reactor::backend::Completion;
use raida_reactor::buffer::Buffer;
use raida_reactor::token::Token;
use raida_sockets::{Source, Stream, Tenant, Uptake};

use crate::counts::SyscallCounts;
use crate::sys::{Edges, Event, Interest};

/// A connection that has a slot.
///
/// Optimistic: it counts as readable and writable until a system call says otherwise, and only then does it go on the
/// interest list, once, for all edges. Adding it reports what it is ready for at that moment, so nothing that happens
/// between the refusal and the adding is lost. Once it is on the list, a receive that leaves room has emptied it too.
#[derive(Debug)]
pub(crate) struct Connection {
    token: Token,
    stream: Stream,
    operation: Operation,
    listed: bool,
    readable: bool,
    writable: bool,
    /// The peer's end has made its edge: no other will come for it.
    ended: bool,
    broken: bool,
    /// Looked at whenever a send finds no room.
    uptake: Uptake,
}

/// What the loop waits for.
#[derive(Debug, Default)]
pub(crate) enum Operation {
    #[default]
    Idle,
    Receive,
    Send {
        buffer: Buffer,
        range: Range<usize>,
        /// Nothing follows this but the close.
        last: bool,
    },
    Watch,
}

/// What came of one turn.
#[derive(Debug)]
pub(crate) enum Turn {
    /// So many octets lie at the front of the scratch buffer.
    Received(usize),
    /// Anything else there is to report.
    Told(Completion<'static, Stream>),
    /// Nothing; an edge will tell.
    Waiting,
}

impl Connection {
    pub(crate) fn new(token: Token, stream: Stream) -> Self {
        let operation = Operation::Idle;
        Self {
            token,
            stream,
            operation,
            listed: false,
            readable: true,
            writable: true,
            ended: false,
            broken: false,
            uptake: Uptake::default(),
        }
    }

    pub(crate) fn stream(&self) -> &Stream {
        &self.stream
    }

    /// Puts an operation in the place of whatever was there, and gives back the buffer of a send.
    pub(crate) fn start(&mut self, operation: Operation) -> Option<Buffer> {
        match mem::replace(&mut self.operation, operation) {
            Operation::Send { buffer, .. } => Some(buffer),
            Operation::Idle | Operation::Receive | Operation::Watch => None,
        }
    }

    /// Whether what is in flight could be done now, or whether the peer has at least taken octets.
    pub(crate) fn has_news(&mut self, counts: &mut SyscallCounts) -> bool {
        let is_sending = matches!(self.operation, Operation::Send { .. });
        if self.has_work() || is_sending && self.has_taken(counts) {
            return true;
        }
        let ready = match self.operation {
            Operation::Receive => self.stream.is_readable(),
            Operation::Send { .. } => self.stream.is_writable(),
            Operation::Idle | Operation::Watch => return false,
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

    pub(crate) fn note_edge(&mut self, event: Event) {
        self.readable |= event.readable();
        self.writable |= event.writable();
        self.ended |= event.ended();
        self.broken |= event.broken();
    }

    /// Makes one attempt at what is in flight.
    pub(crate) fn turn(&mut self, scratch: &mut [u8], interest: &Interest, counts: &mut SyscallCounts) -> Turn {
        if !self.has_work() {
            return Turn::Waiting;
        }
        match mem::take(&mut self.operation) {
            Operation::Idle => Turn::Waiting,
            Operation::Receive => self.receive(scratch, interest, counts),
            Operation::Send { buffer, range, last } => self.send(buffer, range, last, interest, counts),
            Operation::Watch if self.broken => Turn::Told(Completion::Gone { token: self.token }),
            Operation::Watch => self.wait(Operation::Watch, interest, counts),
        }
    }

    fn receive(&mut self, scratch: &mut [u8], interest: &Interest, counts: &mut SyscallCounts) -> Turn {
        counts.receive += 1;
        match self.stream.receive(scratch) {
            Ok(0) => Turn::Told(Completion::Ended { token: self.token }),
            Ok(len) => {
                // Where there was room for more, there is no more: what comes from here on makes an edge of its own.
                self.readable = !self.listed || self.ended || len == scratch.len();
                Turn::Received(len)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.readable = false;
                self.wait(Operation::Receive, interest, counts)
            }
            Err(error) => self.fail(error, None),
        }
    }

    fn send(
        &mut self,
        buffer: Buffer,
        range: Range<usize>,
        last: bool,
        interest: &Interest,
        counts: &mut SyscallCounts,
    ) -> Turn {
        let Some(octets) = buffer.as_ref().get(range.clone()) else {
            return self.fail(io::ErrorKind::InvalidInput.into(), Some(buffer));
        };
        counts.send += 1;
        match if last { self.stream.send_last(octets) } else { self.stream.send(octets) } {
            Ok(sent) => {
                counts.shutdown += u64::from(last && sent == octets.len());
                Turn::Told(Completion::Sent { token: self.token, buffer, sent })
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.writable = false;
                self.has_taken(counts);
                self.wait(Operation::Send { buffer, range, last }, interest, counts)
            }
            Err(error) => self.fail(error, Some(buffer)),
        }
    }

    /// Leaves `operation` in flight until an edge comes.
    fn wait(&mut self, operation: Operation, interest: &Interest, counts: &mut SyscallCounts) -> Turn {
        self.operation = operation;
        if self.listed {
            return Turn::Waiting;
        }
        counts.epoll_ctl += 1;
        match interest.add(&self.stream, Source::Connection(self.token).to_word(), Edges::Both) {
            Ok(()) => {
                self.listed = true;
                Turn::Waiting
            }
            Err(error) => {
                let buffer = self.start(Operation::Idle);
                self.fail(error, buffer)
            }
        }
    }

    fn fail(&self, error: io::Error, buffer: Option<Buffer>) -> Turn {
        Turn::Told(Completion::Failed { token: self.token, error, buffer })
    }
}

impl Tenant for Connection {
    fn token(&self) -> Token {
        self.token
    }

    fn has_work(&self) -> bool {
        match self.operation {
            Operation::Idle => false,
            Operation::Receive => self.readable,
            Operation::Send { .. } => self.writable,
            Operation::Watch => self.broken || !self.listed,
        }
    }
}
