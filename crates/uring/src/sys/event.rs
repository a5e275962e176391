//! What the kernel has to tell of the operations.

use std::io;

use raida_reactor::token::Token;
use raida_sockets::Stream;

use super::pool::Loan;

/// One completion, made safe to hold.
#[derive(Debug)]
pub(crate) enum Event {
    /// The waker has been called. Without `armed`, the ring no longer listens to it.
    Woken { armed: bool },
    /// A connection came to a listener, or accepting failed. Without `armed`, nothing is in flight on the listener.
    Accepted { listener: u32, outcome: io::Result<Stream>, armed: bool },
    /// There may be datagrams on this port.
    Datagrams(u32),
    /// There may be room for datagrams on this port.
    Room(u32),
    /// Octets came, or `None`: the end of them.
    Received { token: Token, outcome: io::Result<Option<Loan>> },
    /// Octets went out.
    Sent { token: Token, outcome: io::Result<usize>, last: Last },
    /// Something happened to a watched connection: it broke, or not. Without `armed`, nobody watches it any more.
    Watched { token: Token, broken: bool, armed: bool },
    /// Of no interest.
    Nothing,
}

/// Proof that the kernel needs the memory of an operation no longer. Only a completion makes one.
#[derive(Debug)]
pub(crate) struct Last(());

impl Last {
    /// # Safety
    /// The completion that this is made for is the only one still to come of its operation.
    pub(super) unsafe fn new() -> Self {
        Self(())
    }
}
