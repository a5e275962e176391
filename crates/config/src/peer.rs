//! Where another node of the network is reached.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

/// A host, by name or address, and a port. Not resolved: that is done when it is dialled.
///
/// ```
/// let peer: raida_config::Peer = "raida7.example.com:50007".parse().unwrap();
/// assert_eq!((peer.host(), peer.port()), ("raida7.example.com", 50007));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Peer {
    host: String,
    port: u16,
}

impl Peer {
    /// Name or address; an IPv6 address without its brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Port, never 0.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }
}

/// A text that is not `HOST:PORT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerError;

impl fmt::Display for PeerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected HOST:PORT with a port from 1 to 65535")
    }
}

impl std::error::Error for PeerError {}

impl FromStr for Peer {
    type Err = PeerError;

    fn from_str(text: &str) -> Result<Self, PeerError> {
        let (host, port) = text.rsplit_once(':').ok_or(PeerError)?;
        if port.is_empty() || !port.bytes().all(|octet| octet.is_ascii_digit()) {
            return Err(PeerError);
        }
        let port = port.parse().ok().filter(|port| *port != 0).ok_or(PeerError)?;
        let host = match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            Some(inner) => inner.parse::<Ipv6Addr>().map_err(|_| PeerError)?.to_string(),
            None if is_name(host) => host.to_owned(),
            None => return Err(PeerError),
        };
        Ok(Self { host, port })
    }
}

/// Whether a resolver could be asked for it: an IPv4 address looks like a name, too.
fn is_name(host: &str) -> bool {
    let plain = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_' | b'.');
    (1..=253).contains(&host.len()) && host.bytes().all(plain)
}

/// The text that reads back as the same peer.
impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_of_both_kinds_print_as_they_read() {
        for text in ["raida0.example.com:50000", "192.0.2.7:1", "[2001:db8::1]:65535"] {
            assert_eq!(text.parse::<Peer>().map(|peer| peer.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn what_cannot_be_dialled_is_refused() {
        for text in ["", ":", "host", "host:", ":50000", "host:0", "host:65536", "host:+5", "ho st:5", "::1:5", "[x]:5"]
        {
            assert_eq!(text.parse::<Peer>(), Err(PeerError), "{text:?}");
        }
    }
}
