//! Where a node listens: a host and a port.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::str::FromStr;
use std::sync::mpsc;
use std::{io, thread};

use crate::deadline::Deadline;
use crate::error::{Stage, Trouble};

/// A host (name, IPv4 or IPv6 address) and a port. Names are looked up when the node is asked.
///
/// ```
/// use raida_client::Address;
///
/// let node: Address = "[::1]:50003".parse()?;
/// assert_eq!((node.host(), node.port()), ("::1", 50003));
/// assert_eq!(node.customary_raida_id(), Some(3));
/// assert!("raida3.example".parse::<Address>().is_err(), "the port is missing");
/// # Ok::<(), raida_client::AddressError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    host: String,
    port: u16,
}

impl Address {
    /// The port of RAIDA 0; that of RAIDA `n` is customarily `n` higher.
    const CUSTOMARY_PORT: u16 = 50_000;
    /// The highest RAIDA id.
    const RAIDA_ID_MAX: u8 = 24;

    /// The name or the IP address, without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The RAIDA id that goes with the port: `n` for 50000 + `n`, with `n` from 0 to 24.
    ///
    /// Source: protocol §1.1
    #[must_use]
    pub fn customary_raida_id(&self) -> Option<u8> {
        let id = u8::try_from(self.port.checked_sub(Self::CUSTOMARY_PORT)?).ok()?;
        (id <= Self::RAIDA_ID_MAX).then_some(id)
    }

    /// Every socket address the host has, at least one. An IP address needs no look-up.
    pub(crate) fn resolve(&self, deadline: Deadline) -> Result<Vec<SocketAddr>, Trouble> {
        if let Ok(ip) = self.host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(ip, self.port)]);
        }
        let found = self.look_up(deadline)?.map_err(Trouble::Resolve)?;
        if found.is_empty() {
            return Err(Trouble::Resolve(io::Error::new(io::ErrorKind::NotFound, "the name has no address")));
        }
        Ok(found)
    }

    /// The system's look-up knows no time-out, so it gets a thread that may be left behind.
    fn look_up(&self, deadline: Deadline) -> Result<io::Result<Vec<SocketAddr>>, Trouble> {
        let (sender, receiver) = mpsc::sync_channel(1);
        let (host, port) = (self.host.clone(), self.port);
        let look_up = move || {
            let found = (host.as_str(), port).to_socket_addrs().map(Iterator::collect);
            drop(sender.send(found)); // nobody listens any more after the deadline
        };
        thread::Builder::new().name("raida-resolve".into()).spawn(look_up).map_err(Trouble::Resolve)?;
        let timed_out = || Trouble::Timeout { stage: Stage::Resolve, strays: 0 };
        receiver.recv_timeout(deadline.left().ok_or_else(timed_out)?).map_err(|_| timed_out())
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let refuse = |reason| AddressError { text: text.to_owned(), reason };
        let (host, port) = match (text.strip_prefix('['), text.rsplit_once(':')) {
            (Some(rest), _) => rest
                .split_once("]:")
                .filter(|(host, _)| is_ipv6(host))
                .ok_or_else(|| refuse("[IPv6 ADDRESS]:PORT is expected after a bracket"))?,
            (None, Some((host, _))) if host.contains(':') => {
                return Err(refuse("an IPv6 address stands in brackets: [ADDRESS]:PORT"));
            }
            (None, Some(parts)) => parts,
            (None, None) => return Err(refuse("the port is missing")),
        };
        if host.is_empty() || host.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(refuse("there is no host in front of the port"));
        }
        match port.parse() {
            Ok(0) | Err(_) => Err(refuse("the port is not a number from 1 to 65535")),
            Ok(port) => Ok(Self { host: host.to_owned(), port }),
        }
    }
}

/// Whether it is an IPv6 address, with or without the interface that it belongs to (`fe80::1%eth0`).
fn is_ipv6(host: &str) -> bool {
    let (address, zone) = host.split_once('%').unwrap_or((host, "-"));
    address.parse::<Ipv6Addr>().is_ok() && !zone.is_empty()
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        let host = match address {
            SocketAddr::V6(v6) if v6.scope_id() != 0 => format!("{}%{}", v6.ip(), v6.scope_id()),
            SocketAddr::V4(_) | SocketAddr::V6(_) => address.ip().to_string(),
        };
        Self { host, port: address.port() }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// Text that is no address of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressError {
    text: String,
    reason: &'static str,
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not HOST:PORT: {}", self.text, self.reason)
    }
}

impl std::error::Error for AddressError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_print_as_they_were_written() {
        for text in ["127.0.0.1:50000", "[::1]:50024", "[fe80::1%lo]:50001", "raida7.example.com:443", "localhost:1"] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn text_without_host_or_port_is_refused_with_the_reason() {
        for (text, reason) in [
            ("node", "port is missing"),
            ("node:", "from 1 to 65535"),
            ("node:0", "from 1 to 65535"),
            ("127.0.0.1:0", "from 1 to 65535"),
            ("node:65536", "from 1 to 65535"),
            (":50000", "no host"),
            ("no de:50000", "no host"),
            ("::1:50000", "brackets"),
            ("[::1]", "after a bracket"),
            ("[::1]50000", "after a bracket"),
            ("[node]:50000", "after a bracket"),
            ("[fe80::1%]:50000", "after a bracket"),
        ] {
            let shown = text.parse::<Address>().unwrap_err().to_string();
            assert!(shown.contains(reason) && shown.contains(text), "{shown}");
        }
    }

    #[test]
    fn only_the_25_customary_ports_name_a_node() {
        let id = |port| Address { host: "x".into(), port }.customary_raida_id();
        assert_eq!([id(49_999), id(50_000), id(50_024), id(50_025), id(50_256)], [None, Some(0), Some(24), None, None]);
    }
}
