//! The addresses that a node listens on.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::tables::Config;

impl Config {
    /// Whether nobody said where to listen. Then the IPv6 half of [`listen_addresses`](Self::listen_addresses) is a wish:
    /// a host without IPv6 goes without.
    #[must_use]
    pub const fn listen_is_default(&self) -> bool {
        self.network.listen.is_empty()
    }

    /// Where to listen, TCP and UDP alike: what was asked for, or else all interfaces on `server.port`, IPv4 first. Every
    /// IPv6 socket has to be for IPv6 alone, or it takes the port from its IPv4 neighbour.
    #[must_use]
    pub fn listen_addresses(&self) -> Vec<SocketAddr> {
        if self.listen_is_default() {
            let port = self.server.port;
            return vec![(Ipv4Addr::UNSPECIFIED, port).into(), (Ipv6Addr::UNSPECIFIED, port).into()];
        }
        self.network.listen.clone()
    }
}
