//! The seam between the loop and the kernel: all that differs between epoll, io_uring and a simulated network.
//!
//! The seam has the shape of *completions*, because readiness can imitate completion and not the reverse: the loop says
//! "accept", "receive", "send", and the backend answers "accepted", "received n octets", "sent n". An epoll backend does
//! the system call when the socket is ready and reports the result; a ring submits it; a simulator decides by its seed.

use std::io;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use crate::buffer::Buffer;
use crate::datagrams::{Datagrams, ReplyTo};
use crate::token::Token;

/// One kernel interface, seen by one reactor thread.
///
/// Rules that every backend keeps:
///
/// - Each `accept`, `receive`, `send`, `send_last` and `receive_datagrams` is answered by exactly one completion, unless the
///   token is closed first. At most one of them is in flight per token, per listener and per datagram socket.
/// - No call blocks except [`wait`](Self::wait).
/// - Completions come in a fair order: a source that is always ready cannot keep another from being reported.
pub trait Backend {
    /// An accepted connection that has no slot yet. Dropping it closes the connection.
    type Socket;

    /// A handle that ends [`wait`](Self::wait) early, from any thread; the loop then sees [`Completion::Woken`].
    fn waker(&self) -> Waker;

    /// How many stream listeners there are; they are numbered from 0.
    fn listeners(&self) -> usize;

    /// How many datagram sockets there are; they are numbered from 0.
    fn datagram_sockets(&self) -> usize;

    /// Waits for one more connection on `listener`.
    fn accept(&mut self, listener: usize);

    /// Gives an accepted connection its name. From here on it is `token`'s until [`close`](Self::close).
    fn adopt(&mut self, token: Token, socket: Self::Socket);

    /// Takes whatever octets have come, or waits for some.
    fn receive(&mut self, token: Token);

    /// Writes `buffer[range]`, or as much of it as goes. The buffer comes back with [`Completion::Sent`], or with
    /// [`Completion::Returned`] where the token is closed first.
    fn send(&mut self, token: Token, buffer: Buffer, range: Range<usize>);

    /// As [`send`](Self::send), for a response behind which the loop will close, without a reset, once all of the range has
    /// gone out. A backend may close at the same time. It still reports [`Completion::Sent`], and the loop still calls
    /// [`close`](Self::close). Where not all goes out the connection stays open, and nothing is different from `send`.
    fn send_last(&mut self, token: Token, buffer: Buffer, range: Range<usize>) {
        self.send(token, buffer, range);
    }

    /// Asks to be told by [`Completion::Gone`] if the peer resets while nothing is in flight for it.
    fn watch(&mut self, token: Token);

    /// Whether octets of the peer's have come that no `receive` has brought yet, as far as can be told at this moment.
    fn has_unread(&mut self, token: Token) -> bool;

    /// Whether what is in flight for a connection has come about and only was not reported yet, or would come about at this
    /// moment, or whether a peer that leaves no room for a send has at least taken octets since it was last asked about.
    ///
    /// The loop asks before it holds a deadline against a peer: whoever has done his part while this thread stood still has
    /// kept it, and so has who reads, be it too slowly for the kernel to call it room. A backend that cannot tell says no.
    fn has_news(&mut self, token: Token) -> bool {
        let _ = token;
        false
    }

    /// Shuts down the sending side. No completion follows; the caller goes on with `receive`.
    fn shut_down_sending(&mut self, token: Token);

    /// Closes and forgets. `reset` drops unsent octets and tells the peer so (`SO_LINGER` 0). No completion with this
    /// token follows, except that a buffer still held comes back with [`Completion::Returned`].
    fn close(&mut self, token: Token, reset: bool);

    /// Waits for the next batch on datagram socket `socket`. While a batch cannot be answered because the kernel's
    /// buffer is full, no further batch is reported: datagrams wait, and overflow, in the kernel.
    fn receive_datagrams(&mut self, socket: usize);

    /// Sends every answer that the loop wrote into the batch reported last for `socket`.
    fn answer_datagrams(&mut self, socket: usize);

    /// Sends one late answer. The buffer comes back with [`Completion::Returned`]; an answer that the kernel has no room
    /// for is dropped and counted, as the network would have done.
    fn send_datagram(&mut self, to: ReplyTo, buffer: Buffer, range: Range<usize>);

    /// Blocks until something can be reported, for at most `timeout` (`None`: without bound). Returns at once where
    /// something is already known.
    ///
    /// # Errors
    ///
    /// Only when the backend itself is broken. A peer's failure is a completion; an interrupted wait is retried.
    fn wait(&mut self, timeout: Option<Duration>) -> io::Result<()>;

    /// The next thing that has come about, or `None` when it is time to [`wait`](Self::wait) again.
    fn next(&mut self) -> Option<Completion<'_, Self::Socket>>;

    /// Ends listening, for a drain: connections that wait already are still reported, as they are asked for, and then the
    /// listeners close; no further datagram is received. Late answers to datagrams may still be sent until the backend
    /// is dropped.
    fn stop_listening(&mut self);

    /// Whether a connection may still be reported.
    fn is_listening(&self) -> bool;

    /// Datagrams lost so far, for the statistics. Asked after every batch.
    fn losses(&self) -> Losses {
        Losses::default()
    }
}

/// Datagrams lost since the start, over all datagram sockets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Losses {
    /// Requests that the kernel dropped because its receive buffer was full.
    pub overflowed: u64,
    /// Answers, prompt and late, that the kernel had no room for or could not route.
    pub unsent: u64,
}

/// Ends a reactor's wait early. Cheap to clone and to call; calls between two waits count as one.
pub type Waker = Arc<dyn Fn() + Send + Sync>;

/// What came of an operation, or what the kernel tells unasked.
#[derive(Debug)]
pub enum Completion<'a, S> {
    /// A new connection. Answer with [`Backend::adopt`], or drop the socket to refuse.
    Accepted {
        /// Which listener it came to.
        listener: usize,
        /// The connection.
        socket: S,
        /// Who connected.
        peer: SocketAddr,
    },
    /// No connection could be accepted, usually for want of descriptors or memory. Nothing is in flight on the listener
    /// now; the caller decides when to try again.
    AcceptFailed {
        /// Which listener.
        listener: usize,
        /// What the system said.
        error: io::Error,
        /// How many waiting connections were closed unserved with the help of the reserve descriptor.
        shed: u32,
    },
    /// Octets came. They are lent until the next call and may be overwritten in place.
    Received {
        /// Whose.
        token: Token,
        /// At least one octet.
        octets: &'a mut [u8],
        /// The kernel may hold more already: the receive filled all the room it had.
        more: bool,
    },
    /// The peer has shut down its sending side.
    Ended {
        /// Whose.
        token: Token,
    },
    /// The connection is broken (reset, unreachable, ...). The caller still closes it.
    Failed {
        /// Whose.
        token: Token,
        /// What the system said.
        error: io::Error,
        /// The buffer of a send that failed.
        buffer: Option<Buffer>,
    },
    /// Octets went out: `sent` of the range, at least one.
    Sent {
        /// Whose.
        token: Token,
        /// The buffer lent with the send.
        buffer: Buffer,
        /// How many octets of its range went out.
        sent: usize,
    },
    /// The peer of a watched connection has reset it.
    Gone {
        /// Whose.
        token: Token,
    },
    /// Datagrams came. Write the answers into the batch, then call [`Backend::answer_datagrams`] and
    /// [`Backend::receive_datagrams`].
    Datagrams {
        /// Which datagram socket.
        socket: usize,
        /// What came, with room for the answers.
        batch: &'a mut Datagrams,
    },
    /// A buffer that the backend needs no longer.
    Returned(Buffer),
    /// Somebody called the [`Waker`].
    Woken,
}
