//! What can be asked of the faulty node: the payload of an Echo says it.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use crate::{ask, request};

/// A misdeed, or a look behind the scenes. An Echo without one is an Echo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Panics on the I/O thread.
    PanicInline,
    /// Panics on a worker.
    PanicOnWorker,
    /// Panics over the whole batch that it is in.
    PanicInBatch,
    /// Is answered by a worker, otherwise like any Echo.
    Defer,
    /// Is answered by a worker after so many milliseconds.
    Sleep(u64),
    /// Keeps its worker until somebody asks for [`Release`](Self::Release).
    Hold,
    /// Lets every worker go that is or will be held.
    Release,
    /// Is answered by a worker with [`long_payload`] of so many octets.
    Answer(usize),
    /// Is answered at once with two numbers, see [`Tally`].
    Count,
}

/// The answer to [`Fault::Count`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally {
    /// Requests deferred to workers since the start.
    pub deferred: u32,
    /// Workers held at this moment.
    pub held: u32,
}

impl Fault {
    /// The request with this number that asks for it.
    #[must_use]
    pub fn request(self, number: u32) -> Vec<u8> {
        request::plain(0, 0, self.to_string().as_bytes(), number)
    }

    /// What the payload of an Echo asks for, if anything.
    #[must_use]
    pub fn asked_by(payload: &[u8]) -> Option<Self> {
        std::str::from_utf8(payload).ok()?.parse().ok()
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PanicInline => f.write_str("fault: panic inline"),
            Self::PanicOnWorker => f.write_str("fault: panic on worker"),
            Self::PanicInBatch => f.write_str("fault: panic in batch"),
            Self::Defer => f.write_str("fault: defer"),
            Self::Sleep(millis) => write!(f, "fault: sleep {millis}"),
            Self::Hold => f.write_str("fault: hold"),
            Self::Release => f.write_str("fault: release"),
            Self::Answer(len) => write!(f, "fault: answer {len}"),
            Self::Count => f.write_str("fault: count"),
        }
    }
}

impl FromStr for Fault {
    type Err = NoFault;

    fn from_str(text: &str) -> Result<Self, NoFault> {
        let asked = text.strip_prefix("fault: ").ok_or(NoFault)?;
        let number = || asked.rsplit(' ').next().and_then(|number| number.parse().ok()).ok_or(NoFault);
        match asked {
            "panic inline" => Ok(Self::PanicInline),
            "panic on worker" => Ok(Self::PanicOnWorker),
            "panic in batch" => Ok(Self::PanicInBatch),
            "defer" => Ok(Self::Defer),
            "hold" => Ok(Self::Hold),
            "release" => Ok(Self::Release),
            "count" => Ok(Self::Count),
            _ if asked.starts_with("sleep ") => Ok(Self::Sleep(number()?)),
            _ if asked.starts_with("answer ") => Ok(Self::Answer(usize::try_from(number()?).map_err(|_| NoFault)?)),
            _ => Err(NoFault),
        }
    }
}

/// A text that asks for no fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoFault;

impl Tally {
    /// The eight octets that travel.
    #[must_use]
    pub fn octets(self) -> [u8; 8] {
        let mut octets = [0; 8];
        octets[..4].copy_from_slice(&self.deferred.to_be_bytes());
        octets[4..].copy_from_slice(&self.held.to_be_bytes());
        octets
    }

    /// From the eight octets.
    #[must_use]
    pub fn read(octets: [u8; 8]) -> Self {
        let [a, b, c, d, e, f, g, h] = octets;
        Self { deferred: u32::from_be_bytes([a, b, c, d]), held: u32::from_be_bytes([e, f, g, h]) }
    }
}

/// What the faulty node has counted so far.
#[must_use]
pub fn tally(node: SocketAddr) -> Tally {
    let answer = ask::tcp(node, &Fault::Count.request(0));
    Tally::read(*answer[32..].first_chunk().unwrap())
}

/// Octets of which none can go missing or change places unnoticed.
#[must_use]
pub fn long_payload(len: usize) -> Vec<u8> {
    let mut octets = Vec::with_capacity(len + 4);
    let mut word = 0u32;
    while octets.len() < len {
        octets.extend_from_slice(&word.wrapping_mul(2_654_435_761).to_be_bytes());
        word += 1;
    }
    octets.truncate(len);
    octets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_understood_as_it_is_asked_for() {
        for fault in [
            Fault::PanicInline,
            Fault::PanicOnWorker,
            Fault::PanicInBatch,
            Fault::Defer,
            Fault::Sleep(12),
            Fault::Hold,
            Fault::Release,
            Fault::Answer(3_000_000),
            Fault::Count,
        ] {
            assert_eq!(Fault::asked_by(fault.to_string().as_bytes()), Some(fault));
        }
        for other in ["", "defer", "fault: ", "fault: sleep", "fault: sleep x", "fault: answer -1"] {
            assert_eq!(Fault::asked_by(other.as_bytes()), None, "{other}");
        }
    }
}
