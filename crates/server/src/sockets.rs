//! The sockets, one backend for each I/O thread.

use std::net::SocketAddr;

use raida_config::Config;
use raida_sockets::{Setup, SetupError, SocketBackend};
use tracing::{info, warn};

/// Binds every address for every I/O thread, and listens. Where nobody said where to listen, a host without IPv6 serves
/// IPv4 only, and says so.
pub(crate) fn open<B: SocketBackend>(config: &Config, setup: Setup) -> Result<Vec<B>, SetupError> {
    let reactors = config.network.reactors.get();
    let backends = match B::bind_group(&setup, reactors) {
        // Another reason than that somebody has its port.
        Err(error @ SetupError::System { address: Some(SocketAddr::V6(_)), .. }) if config.listen_is_default() => {
            warn!(%error, "this host has no IPv6: serving IPv4 only");
            let addresses = setup.addresses.iter().copied().filter(SocketAddr::is_ipv4).collect();
            B::bind_group(&Setup { addresses, ..setup }, reactors)?
        }
        outcome => outcome?,
    };
    let granted = backends.iter().flat_map(B::datagram_receive_buffers).min().copied().unwrap_or(0);
    info!(asked = config.network.udp_receive_buffer, granted, "UDP receive buffer, bounded by net.core.rmem_max");
    Ok(backends)
}

/// Where a backend listens, as text for the log.
pub(crate) fn addresses<B: SocketBackend>(backends: &[B]) -> String {
    let addresses = backends.first().map_or(&[][..], B::local_addrs);
    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}
