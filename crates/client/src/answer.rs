//! What comes back.

use std::net::SocketAddr;
use std::time::Duration;

use raida_wire::Status;

/// A verified answer to any question, its payload not yet understood.
///
/// Holding one proves that the node which was asked answered this very question. It does not prove success: that is for
/// [`status`](Self::status) to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// How the request fared.
    pub status: Status,
    /// Whether signature or HMAC show that the node knew the key. Errors decided before the body was opened have neither.
    pub is_verified: bool,
    /// The clear payload, often empty.
    pub payload: Vec<u8>,
    /// How the exchange went.
    pub trip: Trip,
}

/// The understood answer to one command that succeeded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer<T> {
    /// What the node said.
    pub value: T,
    /// How the exchange went.
    pub trip: Trip,
}

impl<T> Answer<T> {
    /// Makes something else of what the node said.
    pub fn map<U>(self, make: impl FnOnce(T) -> U) -> Answer<U> {
        Answer { value: make(self.value), trip: self.trip }
    }
}

/// How an exchange went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trip {
    /// The socket address that answered.
    pub peer: SocketAddr,
    /// From the first octet sent (TCP: from the start of the first connect) to the last octet received, resends and
    /// what was waited before them included. Looking the name up is not.
    pub latency: Duration,
    /// How long the node says that it worked. A vote does not tell.
    pub execution: Option<Duration>,
    /// How often the question was sent, at least once.
    pub attempts: u32,
}
