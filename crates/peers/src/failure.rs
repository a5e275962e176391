//! Why one peer did not help.

use std::error::Error;
use std::{fmt, io};

use raida_wire::{BuildError, ResponseError, Status};

/// Why one peer did not help. Shows no octet of what it sent.
#[derive(Debug)]
pub enum Failure {
    /// Its host name has no address.
    Name(io::Error),
    /// It takes no connection.
    Connect(io::Error),
    /// The connection broke.
    Broken(io::Error),
    /// Its time was over.
    Late,
    /// It closed the connection before its answer was complete.
    Cut {
        /// How many octets arrived.
        received: usize,
        /// How many there must be at least.
        needed: usize,
    },
    /// It announces more octets than the command can give.
    TooLong {
        /// So many.
        announced: usize,
        /// At most so many are taken.
        most: usize,
    },
    /// What it sent is no answer to what it was asked.
    Answer(ResponseError),
    /// It answered that it will not or can not.
    Refused(Status),
    /// Its payload is not what the command gives, but of so many octets.
    Length(usize),
    /// It names a coin that can not exist.
    NoCoin,
    /// The request could not be built.
    Build(BuildError),
    /// The system gave no random octets.
    Random(getrandom::Error),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(error) => write!(f, "host name not found: {error}"),
            Self::Connect(error) => write!(f, "not reachable: {error}"),
            Self::Broken(error) => write!(f, "connection broke: {error}"),
            Self::Late => f.write_str("time is over"),
            Self::Cut { received, needed } => {
                write!(f, "answer ends after {received} octets, expected at least {needed}")
            }
            Self::TooLong { announced, most } => {
                write!(f, "answer announces {announced} octets, expected {most} at most")
            }
            Self::Answer(error) => error.fmt(f),
            Self::Refused(status) => write!(f, "{status}, {}", status.meaning()),
            Self::Length(found) => write!(f, "payload of {found} octets is not what the command gives"),
            Self::NoCoin => f.write_str("payload names a coin that can not exist"),
            Self::Build(error) => error.fmt(f),
            Self::Random(error) => write!(f, "no random octets: {error}"),
        }
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Name(error) | Self::Connect(error) | Self::Broken(error) => Some(error),
            Self::Answer(error) => Some(error),
            Self::Build(error) => Some(error),
            Self::Random(error) => Some(error),
            Self::Late
            | Self::Cut { .. }
            | Self::TooLong { .. }
            | Self::Refused(_)
            | Self::Length(_)
            | Self::NoCoin => None,
        }
    }
}

impl From<ResponseError> for Failure {
    fn from(error: ResponseError) -> Self {
        Self::Answer(error)
    }
}

impl From<BuildError> for Failure {
    fn from(error: BuildError) -> Self {
        Self::Build(error)
    }
}

impl From<getrandom::Error> for Failure {
    fn from(error: getrandom::Error) -> Self {
        Self::Random(error)
    }
}
