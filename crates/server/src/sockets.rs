//! The sockets, one backend for each I/O thread.

use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use raida_config::Config;
use raida_sockets::{Setup, SetupError, SocketBackend};
use tracing::{info, warn};

/// How long a port may stay taken. Where a node on io_uring was killed, the kernel closes what its ring holds only when the
/// process is gone already: 7 to 24 ms later, as measured, and later on a busy machine.
const PATIENCE: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(5);

/// Binds every address for every I/O thread, and listens. Where nobody said where to listen, a host without IPv6 serves
/// IPv4 only, and says so.
pub(crate) fn open<B: SocketBackend>(config: &Config, setup: Setup) -> Result<Vec<B>, SetupError> {
    let reactors = config.network.reactors.get();
    let backends = match when_free(PATIENCE, || B::bind_group(&setup, reactors)) {
        // Another reason than that somebody has its port.
        Err(error @ SetupError::System { address: Some(SocketAddr::V6(_)), .. }) if config.listen_is_default() => {
            warn!(%error, "this host has no IPv6: serving IPv4 only");
            let addresses = setup.addresses.iter().copied().filter(SocketAddr::is_ipv4).collect();
            let setup = Setup { addresses, ..setup };
            when_free(PATIENCE, || B::bind_group(&setup, reactors))?
        }
        outcome => outcome?,
    };
    let granted = backends.iter().flat_map(B::datagram_receive_buffers).min().copied().unwrap_or(0);
    info!(asked = config.network.udp_receive_buffer, granted, "UDP receive buffer, bounded by net.core.rmem_max");
    Ok(backends)
}

/// Tries again while somebody has the port, for so long at most.
fn when_free<T>(patience: Duration, mut bind: impl FnMut() -> Result<T, SetupError>) -> Result<T, SetupError> {
    let start = Instant::now();
    loop {
        match bind() {
            Err(SetupError::PortTaken { .. }) if start.elapsed() < patience => thread::sleep(PAUSE),
            outcome => return outcome,
        }
    }
}

/// Where a backend listens, as text for the log.
pub(crate) fn addresses<B: SocketBackend>(backends: &[B]) -> String {
    let addresses = backends.first().map_or(&[][..], B::local_addrs);
    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use std::io;

    use raida_sockets::Step;

    use super::*;

    fn refused(kind: io::ErrorKind) -> SetupError {
        SetupError::at(Step::BindListener, ([127, 0, 0, 1], 25_000).into())(kind.into())
    }

    #[test]
    fn a_port_that_is_given_back_in_time_is_had() {
        let mut taken = 3;
        let outcome = when_free(Duration::from_secs(3600), || {
            taken -= 1;
            if taken == 0 { Ok("bound") } else { Err(refused(io::ErrorKind::AddrInUse)) }
        });
        assert_eq!(outcome.unwrap(), "bound");
    }

    #[test]
    fn nobody_waits_for_ever_nor_for_anything_else() {
        let taken = when_free(Duration::ZERO, || Err::<(), _>(refused(io::ErrorKind::AddrInUse)));
        assert!(matches!(taken, Err(SetupError::PortTaken { .. })));
        let mut tried = 0;
        let denied = when_free(Duration::from_secs(3600), || {
            tried += 1;
            Err::<(), _>(refused(io::ErrorKind::PermissionDenied))
        });
        assert!(matches!((denied, tried), (Err(SetupError::System { .. }), 1)));
    }
}
