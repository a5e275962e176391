//! What a backend is made of.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use crate::setup_error::SetupError;
use crate::source;

/// Everything that [`SocketBackend::bind`](crate::SocketBackend::bind) has to know. Change what differs:
///
/// ```
/// use raida_sockets::Setup;
///
/// let setup = Setup { addresses: vec![([127, 0, 0, 1], 0).into()], ..Setup::default() };
/// assert_eq!(setup.keepalive.map(|keepalive| keepalive.probes), Some(5));
/// ```
#[derive(Clone, Debug)]
pub struct Setup {
    /// Where to listen, TCP and UDP alike; 1 to 64 of them, IPv4 and IPv6. Port 0 lets the system pick one, for each
    /// address its own. An IPv6 address stands for IPv6 only. Default: port 50 000 on all IPv4 interfaces.
    pub addresses: Vec<SocketAddr>,
    /// How many connections the kernel keeps waiting to be accepted; it cuts what is above `net.core.somaxconn`.
    /// Default: `SOMAXCONN`, 4 096.
    pub backlog: u32,
    /// When to ask a silent peer whether it still lives. Default: after 60 s, every 10 s, 5 times; `None`: never.
    pub keepalive: Option<Keepalive>,
    /// How many octets the kernel holds unsent per connection. Default: `None`, the kernel's own idea.
    pub send_buffer: Option<usize>,
    /// How many slots there are; tokens of slots beyond are not served. 1 to 4 294 967 293, default 65 535.
    pub connections_max: u32,
    /// How many events one wait takes in at most. 1 to 65 536, default 10 000.
    pub events_max: usize,
    /// How many octets of a datagram count; longer ones are cut and marked. 1 to 65 535, default 1 440.
    pub datagram_limit: usize,
    /// How many datagrams are received with one system call at most. 1 to 1 024, default 32.
    pub datagram_batch: usize,
    /// How many octets of datagrams the kernel is asked to hold for each socket. Default 4 MiB; 0: its own idea.
    pub datagram_receive_buffer: usize,
}

/// When the kernel asks a silent peer whether it still lives. Seconds count; what is finer is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keepalive {
    /// Silence before the first question.
    pub idle: Duration,
    /// Time between two questions.
    pub interval: Duration,
    /// Questions without answer before the connection counts as broken.
    pub probes: u32,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            addresses: vec![(Ipv4Addr::UNSPECIFIED, 50_000).into()],
            backlog: 4096,
            keepalive: Some(Keepalive::default()),
            send_buffer: None,
            connections_max: 65_535,
            events_max: 10_000,
            datagram_limit: 1440,
            datagram_batch: 32,
            datagram_receive_buffer: 4 << 20,
        }
    }
}

impl Default for Keepalive {
    fn default() -> Self {
        Self { idle: Duration::from_secs(60), interval: Duration::from_secs(10), probes: 5 }
    }
}

impl Setup {
    /// Whether every figure is in its range.
    ///
    /// # Errors
    /// The first that is not.
    pub fn check(&self) -> Result<(), SetupError> {
        within("addresses", self.addresses.len(), 64)?;
        within("connections_max", self.connections_max as usize, source::SLOTS as usize)?;
        within("events_max", self.events_max, 65_536)?;
        within("datagram_limit", self.datagram_limit, 65_535)?;
        within("datagram_batch", self.datagram_batch, 1024)
    }
}

/// Whether a figure is 1 to `max`.
///
/// # Errors
/// Says which it is, and what it may be.
pub fn within(setting: &'static str, found: usize, max: usize) -> Result<(), SetupError> {
    if (1..=max).contains(&found) { Ok(()) } else { Err(SetupError::OutOfRange { setting, found, max }) }
}
