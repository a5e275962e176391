//! What the core asks of the backend.

use std::ops::Range;

use crate::buffer::Buffer;
use crate::datagrams::ReplyTo;
use crate::token::Token;

/// The one thing to do after an event. It names the backend's operations, so the core that decides needs no backend and
/// may look at octets that the backend has lent meanwhile.
#[derive(Debug)]
#[must_use]
pub(crate) enum Order {
    /// Nothing: another event will come.
    Nothing,
    Receive(Token),
    Send(Token, Buffer, Range<usize>),
    /// Send what will be followed by a plain close.
    SendLast(Token, Buffer, Range<usize>),
    /// Shut down the sending side, then receive what is left.
    Linger(Token),
    /// Report a reset while the request is with a worker.
    Watch(Token),
    Close {
        token: Token,
        reset: bool,
    },
    SendDatagram(ReplyTo, Buffer, Range<usize>),
}
