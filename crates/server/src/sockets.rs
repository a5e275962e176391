//! The sockets, one backend for each I/O thread.

use std::net::SocketAddr;

use raida_config::Config;
use raida_config::limits::DescriptorPlan;
use raida_epoll::{Epoll, Keepalive, Setup, SetupError};
use tracing::{info, warn};

use crate::reactors::share;

/// Binds every address, for every I/O thread, and listens.
pub(crate) fn open(config: &Config, plan: &DescriptorPlan) -> Result<Vec<Epoll>, SetupError> {
    let reactors = config.network.reactors.get();
    let setup = setup(config, plan);
    let backends = match Epoll::bind_group(&setup, reactors) {
        Err(error) if config.listen_is_default() && lacks_ipv6(&error) => {
            warn!(%error, "this host has no IPv6: serving IPv4 only");
            let addresses = setup.addresses.iter().copied().filter(SocketAddr::is_ipv4).collect();
            Epoll::bind_group(&Setup { addresses, ..setup }, reactors)
        }
        outcome => outcome,
    }?;
    let granted = backends.iter().flat_map(Epoll::datagram_receive_buffers).min().copied().unwrap_or(0);
    let asked = config.network.udp_receive_buffer;
    if granted < asked {
        warn!(asked, granted, "UDP receive buffer smaller than asked for: raise net.core.rmem_max");
    } else {
        info!(asked, granted, "UDP receive buffer");
    }
    Ok(backends)
}

/// Whether an IPv6 address failed for another reason than that somebody has its port.
fn lacks_ipv6(error: &SetupError) -> bool {
    matches!(error, SetupError::System { address: Some(SocketAddr::V6(_)), .. })
}

fn setup(config: &Config, plan: &DescriptorPlan) -> Setup {
    let network = &config.network;
    Setup {
        addresses: config.listen_addresses(),
        backlog: network.backlog.get(),
        keepalive: Some(Keepalive {
            idle: network.keepalive_idle,
            interval: network.keepalive_interval,
            probes: network.keepalive_probes.get(),
        }),
        send_buffer: None,
        connections_max: share(plan.connections_max, config).max(1),
        events_max: network.events_max.get(),
        datagram_limit: config.server.udp_payload_max,
        datagram_batch: network.udp_batch.get(),
        datagram_receive_buffer: network.udp_receive_buffer,
    }
}
