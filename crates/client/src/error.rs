//! What can go wrong, at which node, and what to try then.

use std::error::Error;
use std::time::Duration;
use std::{fmt, io};

use raida_wire::audit::AuditError;
use raida_wire::stats::StatsError;
use raida_wire::status::Retry;
use raida_wire::{BuildError, ResponseError, Status};

use crate::address::Address;
use crate::target::Target;

/// A question that was not answered, or not answered well. `Display` says which node, what happened and what to try.
///
/// ```
/// use raida_client::{Options, Target, Trouble, echo};
/// use std::time::Duration;
///
/// let nowhere = Target::new("127.0.0.1:1".parse()?);
/// let error = echo(&nowhere, &Options { timeout: Duration::from_secs(1), ..Options::default() }).unwrap_err();
/// assert!(matches!(error.trouble(), Trouble::Connect(_)));
/// assert!(error.to_string().starts_with("127.0.0.1:1 (RAIDA 0): "));
/// # Ok::<(), raida_client::AddressError>(())
/// ```
#[derive(Debug)]
pub struct AskError {
    address: Address,
    raida_id: u8,
    attempts: u32,
    waited: Duration,
    trouble: Trouble,
}

/// What happened.
#[derive(Debug)]
pub enum Trouble {
    /// The host name has no address.
    Resolve(io::Error),
    /// Nobody takes questions at the address.
    Connect(io::Error),
    /// The question could not be sent.
    Send(io::Error),
    /// The answer could not be received.
    Receive(io::Error),
    /// It took too long.
    Timeout {
        /// What was being waited for.
        stage: Stage,
        /// How many datagrams were ignored meanwhile, because they do not answer the question.
        strays: u32,
    },
    /// The node closed the connection before its answer was complete.
    Cut {
        /// How many octets of it arrived.
        received: usize,
        /// How many it must have at least.
        needed: usize,
    },
    /// What came is not the node's answer to the question.
    Answer(ResponseError),
    /// The node answered that it will not or can not.
    Refused(Status),
    /// The answer is the node's, but its payload is not what the command gives.
    Payload(PayloadError),
    /// The question does not fit into a request.
    Build(BuildError),
    /// The operating system gave no random octets.
    Random(getrandom::Error),
    /// The command needs an admin key, and there is none for this node.
    NoAdminKey,
}

/// What was being waited for when the time was over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// The address of the host name.
    Resolve,
    /// The connection.
    Connect,
    /// Room for the question.
    Send,
    /// The answer.
    Answer,
}

/// Why a payload is not what the command gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayloadError {
    /// A version that has not 8 octets, but so many.
    Version(usize),
    /// See there.
    Stats(StatsError),
    /// See there.
    Audit(AuditError),
    /// Another number of octets than the command gives.
    Length {
        /// How many there are.
        found: usize,
        /// How many there should be.
        expected: usize,
    },
    /// A ticket with the number 0.
    Ticket,
    /// A word of Find that is neither 0, 1 nor 2.
    Found(u8),
    /// Free serial numbers that can not be read, or can not be.
    FreeNumbers,
    /// A bitmap of issued serial numbers that is of another denomination or size.
    IssuedNumbers,
    /// A list of coins that can not be read, or can not be.
    Coins,
    /// A status and a bitfield that contradict each other.
    Contradiction,
}

impl AskError {
    pub(crate) fn new(target: &Target, attempts: u32, waited: Duration, trouble: Trouble) -> Self {
        Self { address: target.address.clone(), raida_id: target.raida_id, attempts, waited, trouble }
    }

    /// The address that was asked.
    #[must_use]
    pub const fn address(&self) -> &Address {
        &self.address
    }

    /// The RAIDA id that was asked for.
    #[must_use]
    pub const fn raida_id(&self) -> u8 {
        self.raida_id
    }

    /// How many attempts were made; 0 when the question was never sent.
    #[must_use]
    pub const fn attempts(&self) -> u32 {
        self.attempts
    }

    /// How long it took until the question was given up.
    #[must_use]
    pub const fn waited(&self) -> Duration {
        self.waited
    }

    /// What happened.
    #[must_use]
    pub const fn trouble(&self) -> &Trouble {
        &self.trouble
    }
}

impl AskError {
    /// Whether the node may have got the question and done what it says, although no answer tells: then a change must be
    /// taken for neither made nor not made.
    #[must_use]
    pub const fn may_have_arrived(&self) -> bool {
        match &self.trouble {
            Trouble::Resolve(_)
            | Trouble::Connect(_)
            | Trouble::Build(_)
            | Trouble::Random(_)
            | Trouble::NoAdminKey => false,
            Trouble::Timeout { stage, .. } => !matches!(stage, Stage::Resolve | Stage::Connect),
            // These two say that something went wrong in the middle of it.
            Trouble::Refused(status) => matches!(*status, Status::FILESYSTEM | Status::INTERNAL),
            Trouble::Send(_) | Trouble::Receive(_) | Trouble::Cut { .. } | Trouble::Answer(_) | Trouble::Payload(_) => {
                self.attempts > 0
            }
        }
    }
}

impl Trouble {
    /// What to try.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Resolve(_) | Self::Timeout { stage: Stage::Resolve, .. } => "check the host name and the name server",
            Self::Connect(_) => "check that a node runs there and that the port is right",
            Self::Timeout { stage: Stage::Connect, .. } => "check the address, the network and firewalls",
            Self::Timeout { stage: Stage::Send | Stage::Answer, .. } => {
                "check the address, wait longer, or try the other transport"
            }
            Self::Send(_) | Self::Receive(_) | Self::Cut { .. } => "try again, and look into the node's log",
            Self::Answer(ResponseError::Raida { .. }) => "ask the node by its own RAIDA id",
            Self::Answer(ResponseError::Signature | ResponseError::Hmac) => {
                "check the key, and what stands between here and the node"
            }
            Self::Answer(_) | Self::Payload(_) => "check that a RAIDA node of this protocol listens there",
            Self::Refused(status) => advice_on(*status),
            Self::Build(_) => "send fewer records in one request",
            Self::Random(_) => "check the operating system's random number generator",
            Self::NoAdminKey => "give the node's admin key",
        }
    }

    /// One word for machines, stable: `resolve`, `connect`, `send`, `receive`, `timeout`, `cut`, `answer`, `refused`,
    /// `payload`, `build`, `random` or `admin_key`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Resolve(_) => "resolve",
            Self::Connect(_) => "connect",
            Self::Send(_) => "send",
            Self::Receive(_) => "receive",
            Self::Timeout { .. } => "timeout",
            Self::Cut { .. } => "cut",
            Self::Answer(_) => "answer",
            Self::Refused(_) => "refused",
            Self::Payload(_) => "payload",
            Self::Build(_) => "build",
            Self::Random(_) => "random",
            Self::NoAdminKey => "admin_key",
        }
    }

    /// Whether another attempt may go better.
    pub(crate) const fn is_transient(&self) -> bool {
        matches!(self, Self::Send(_) | Self::Receive(_) | Self::Timeout { .. } | Self::Cut { .. })
    }
}

/// What to try after a status other than success.
fn advice_on(status: Status) -> &'static str {
    match status {
        Status::INVALID_RAIDA_ID => "ask the node by its own RAIDA id",
        Status::INVALID_COIN_ID => "ask for the coin id that the node serves",
        Status::INVALID_UDP_FRAME_COUNT => "use TCP",
        Status::INVALID_ENCRYPTION | Status::ENCRYPTION_COIN_NOT_FOUND => {
            "check that the key coin is issued at this node, or ask in clear"
        }
        Status::INVALID_CRC | Status::INVALID_HMAC => "check the authenticity number that this node has for the coin",
        Status::ADMIN_AUTH => "check the admin key; from another computer it must be encrypted",
        Status::NOT_IMPLEMENTED => "ask a node that offers the command",
        other => match other.retry() {
            Retry::Soon => "try again",
            Retry::Later => "wait, then try again",
            Retry::Never | Retry::Pointless => "the same request will fail again: change it",
        },
    }
}

impl fmt::Display for AskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (RAIDA {}): {}", self.address, self.raida_id, self.trouble)?;
        if matches!(self.trouble, Trouble::Timeout { .. }) {
            write!(f, " within {:.1?}", self.waited)?;
        }
        if self.attempts > 1 {
            write!(f, " in {} attempts", self.attempts)?;
        }
        write!(f, "; {}", self.trouble.advice())
    }
}

impl Error for AskError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.trouble.source()
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resolve(error) => write!(f, "host name not found: {error}"),
            Self::Connect(error) => write!(f, "not reachable: {error}"),
            Self::Send(error) => write!(f, "sending failed: {error}"),
            Self::Receive(error) => write!(f, "receiving failed: {error}"),
            Self::Timeout { stage, strays: 0 } => stage.fmt(f),
            Self::Timeout { stage, strays } => {
                write!(f, "{stage} (but {strays} datagrams that do not fit the question)")
            }
            Self::Cut { received: 0, .. } => f.write_str("connection closed without an answer"),
            Self::Cut { received, needed } => {
                write!(f, "connection closed after {received} octets of the answer, expected at least {needed}")
            }
            Self::Answer(error) => error.fmt(f),
            Self::Refused(status) => write!(f, "{status}, {}", status.meaning()),
            Self::Payload(error) => error.fmt(f),
            Self::Build(error) => error.fmt(f),
            Self::Random(error) => write!(f, "no random octets: {error}"),
            Self::NoAdminKey => f.write_str("no admin key for this node"),
        }
    }
}

impl Error for Trouble {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Resolve(error) | Self::Connect(error) | Self::Send(error) | Self::Receive(error) => Some(error),
            Self::Answer(error) => Some(error),
            Self::Payload(error) => Some(error),
            Self::Build(error) => Some(error),
            Self::Random(error) => Some(error),
            Self::Timeout { .. } | Self::Cut { .. } | Self::Refused(_) | Self::NoAdminKey => None,
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Resolve => "host name not resolved",
            Self::Connect => "no connection",
            Self::Send => "question not taken",
            Self::Answer => "no answer",
        })
    }
}

impl fmt::Display for PayloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(found) => write!(f, "version payload has {found} octets, expected 8"),
            Self::Stats(error) => error.fmt(f),
            Self::Audit(error) => error.fmt(f),
            Self::Length { found, expected } => write!(f, "payload has {found} octets, expected {expected}"),
            Self::Ticket => f.write_str("ticket has the number 0"),
            Self::Found(found) => write!(f, "node found number {found} of a coin, expected 0, 1 or 2"),
            Self::FreeNumbers => f.write_str("list of free serial numbers makes no sense"),
            Self::IssuedNumbers => f.write_str("bitmap of issued serial numbers is of another denomination or size"),
            Self::Coins => f.write_str("list of coins makes no sense"),
            Self::Contradiction => f.write_str("status and bitfield contradict each other"),
        }
    }
}

impl Error for PayloadError {}

impl From<BuildError> for Trouble {
    fn from(error: BuildError) -> Self {
        Self::Build(error)
    }
}

impl From<getrandom::Error> for Trouble {
    fn from(error: getrandom::Error) -> Self {
        Self::Random(error)
    }
}
