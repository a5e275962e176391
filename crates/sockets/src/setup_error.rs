//! Why a backend could not be made.

use std::error::Error;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::ops::RangeInclusive;

/// Why a backend could not be [bound](crate::SocketBackend::bind). The text names the step, the address and what the system said.
#[derive(Debug)]
pub enum SetupError {
    /// A figure is out of its range, which begins with 1.
    OutOfRange {
        /// Which.
        setting: &'static str,
        /// What it was.
        found: usize,
        /// What it may be at most.
        max: usize,
    },
    /// A system call failed.
    System {
        /// What was being done.
        step: Step,
        /// For which address, where it was for one.
        address: Option<SocketAddr>,
        /// What the system said.
        error: io::Error,
    },
    /// Somebody else has the port.
    PortTaken {
        /// What was being done.
        step: Step,
        /// Where.
        address: SocketAddr,
        /// The ports that the system gives to outgoing connections, if this is one of them.
        ephemeral: Option<RangeInclusive<u16>>,
        /// What the system said.
        error: io::Error,
    },
    /// The ports that the system picked for TCP were all taken for UDP.
    NoCommonPort {
        /// Where.
        address: SocketAddr,
        /// How many were tried.
        tried: u32,
    },
}

/// What was being done when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Something of the backend's own, said in its own words: "create the epoll instance".
    Backend(&'static str),
    /// Making the eventfd that ends the wait.
    CreateEventfd,
    /// Making the TCP listener and setting its options.
    CreateListener,
    /// Binding it.
    BindListener,
    /// Listening.
    Listen,
    /// Making the UDP socket and setting its options.
    CreateDatagramSocket,
    /// Binding it.
    BindDatagramSocket,
}

impl SetupError {
    /// For a step that concerns no address.
    pub fn because(step: Step) -> impl FnOnce(io::Error) -> Self {
        move |error| Self::System { step, address: None, error }
    }

    /// For a step that concerns one address.
    pub fn at(step: Step, address: SocketAddr) -> impl FnOnce(io::Error) -> Self {
        move |error| {
            if error.kind() != io::ErrorKind::AddrInUse {
                return Self::System { step, address: Some(address), error };
            }
            let ephemeral = ephemeral_ports().filter(|ports| ports.contains(&address.port()));
            Self::PortTaken { step, address, ephemeral, error }
        }
    }
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfRange { setting, found, max } => write!(f, "{setting} must be 1 to {max}, found {found}"),
            Self::System { step, address: None, error } => write!(f, "cannot {step}: {error}"),
            Self::System { step, address: Some(address), error } => write!(f, "cannot {step} {address}: {error}"),
            Self::PortTaken { step, address, ephemeral: None, error } => write!(f, "cannot {step} {address}: {error}"),
            Self::PortTaken { step, address, ephemeral: Some(ports), error } => write!(
                f,
                "cannot {step} {address}: {error}; port {} is one of those given to outgoing connections ({} to {}), so \
                 it may be held by one of them: add it to net.ipv4.ip_local_reserved_ports",
                address.port(),
                ports.start(),
                ports.end(),
            ),
            Self::NoCommonPort { address, tried } => {
                write!(f, "cannot find a port free for both TCP and UDP at {address}: tried {tried}")
            }
        }
    }
}

impl Error for SetupError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::System { error, .. } | Self::PortTaken { error, .. } => Some(error),
            Self::OutOfRange { .. } | Self::NoCommonPort { .. } => None,
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Backend(what) => what,
            Self::CreateEventfd => "create the eventfd that ends the wait",
            Self::CreateListener => "create the TCP listener for",
            Self::BindListener => "bind the TCP listener to",
            Self::Listen => "listen for TCP connections on",
            Self::CreateDatagramSocket => "create the UDP socket for",
            Self::BindDatagramSocket => "bind the UDP socket to",
        })
    }
}

/// The ports that the system gives to outgoing connections, where it can be told.
fn ephemeral_ports() -> Option<RangeInclusive<u16>> {
    let text = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok()?;
    let mut ports = text.split_whitespace().map(str::parse);
    Some(ports.next()?.ok()?..=ports.next()?.ok()?)
}
