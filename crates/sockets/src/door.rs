//! The way in: a TCP listener and a UDP socket on the same port.

use std::io;
use std::net::SocketAddr;

use crate::setup::Setup;
use crate::setup_error::{SetupError, Step};
use crate::sys::{DatagramSocket, ListeningSocket};

/// How many ports of the system's choice are tried until one is free for TCP and UDP.
const TRIES: u32 = 16;

/// Both sockets of one address, bound; the listener lets connections in.
#[derive(Debug)]
pub struct Door {
    /// Where, with the port that the system picked.
    pub address: SocketAddr,
    /// For connections.
    pub stream: ListeningSocket,
    /// For datagrams.
    pub datagram: DatagramSocket,
    /// Octets granted for waiting datagrams.
    pub receive_buffer: usize,
}

/// With whom a port is shared.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sharing {
    /// Nobody.
    Alone,
    /// Other reactors that come later. The port is bound before it is shared, so nobody else can have it already.
    First,
    /// The reactor that came first.
    Further,
}

impl Door {
    /// For one reactor.
    ///
    /// # Errors
    /// The step that failed, the address, and what the system said.
    pub fn open(setup: &Setup, address: SocketAddr) -> Result<Self, SetupError> {
        pick(address, || Self::make(setup, address, Sharing::Alone))
    }

    /// For the first of several reactors.
    pub(crate) fn claim(setup: &Setup, address: SocketAddr) -> Result<Self, SetupError> {
        pick(address, || Self::make(setup, address, Sharing::First))
    }

    /// For a further reactor, on the same port.
    pub(crate) fn beside(&self, setup: &Setup) -> Result<Self, SetupError> {
        Self::make(setup, self.address, Sharing::Further)
    }

    /// Listens only after both are bound, so that nobody is let in for nothing.
    fn make(setup: &Setup, wish: SocketAddr, sharing: Sharing) -> Result<Self, SetupError> {
        let stream = create_listener(setup, wish, sharing).map_err(SetupError::at(Step::CreateListener, wish))?;
        let address = bind_listener(&stream, wish, sharing).map_err(SetupError::at(Step::BindListener, wish))?;
        let (datagram, receive_buffer) = create_datagram_socket(setup, address, sharing)
            .map_err(SetupError::at(Step::CreateDatagramSocket, address))?;
        bind_datagram_socket(&datagram, address, sharing).map_err(SetupError::at(Step::BindDatagramSocket, address))?;
        stream.listen(setup.backlog).map_err(SetupError::at(Step::Listen, address))?;
        Ok(Self { address, stream, datagram, receive_buffer })
    }
}

/// Tries again where the system picks the port and the one that it picked for TCP is taken for UDP.
fn pick<T>(address: SocketAddr, mut make: impl FnMut() -> Result<T, SetupError>) -> Result<T, SetupError> {
    for _ in 0..TRIES {
        match make() {
            Err(SetupError::PortTaken { .. }) if address.port() == 0 => {}
            outcome => return outcome,
        }
    }
    Err(SetupError::NoCommonPort { address, tried: TRIES })
}

fn create_listener(setup: &Setup, address: SocketAddr, sharing: Sharing) -> io::Result<ListeningSocket> {
    let socket = ListeningSocket::open(address)?;
    if let Some(keepalive) = setup.keepalive {
        socket.set_keepalive(keepalive.idle, keepalive.interval, keepalive.probes)?;
    }
    if let Some(octets) = setup.send_buffer {
        socket.set_send_buffer(octets)?;
    }
    if sharing == Sharing::Further {
        socket.share_port()?;
    }
    Ok(socket)
}

/// Returns the address with the port that it has got.
fn bind_listener(socket: &ListeningSocket, address: SocketAddr, sharing: Sharing) -> io::Result<SocketAddr> {
    socket.bind(address)?;
    if sharing == Sharing::First {
        socket.share_port()?;
    }
    socket.local_address()
}

/// Returns with it what was granted for waiting datagrams.
fn create_datagram_socket(setup: &Setup, address: SocketAddr, sharing: Sharing) -> io::Result<(DatagramSocket, usize)> {
    let socket = DatagramSocket::open(address)?;
    if setup.datagram_receive_buffer > 0 {
        socket.set_receive_buffer(setup.datagram_receive_buffer)?;
    }
    let granted = socket.receive_buffer()?;
    if sharing == Sharing::Further {
        socket.share_port()?;
    }
    Ok((socket, granted))
}

fn bind_datagram_socket(socket: &DatagramSocket, address: SocketAddr, sharing: Sharing) -> io::Result<()> {
    socket.bind(address)?;
    if sharing == Sharing::First {
        socket.share_port()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The outcome and the number of attempts when the first `taken` of them find the port taken.
    fn attempts(port: u16, taken: u32) -> (Result<(), SetupError>, u32) {
        let (address, mut tried) = (SocketAddr::from(([127, 0, 0, 1], port)), 0);
        let outcome = pick(address, || {
            tried += 1;
            let error = io::Error::from(io::ErrorKind::AddrInUse);
            if tried > taken { Ok(()) } else { Err(SetupError::at(Step::BindDatagramSocket, address)(error)) }
        });
        (outcome, tried)
    }

    #[test]
    fn another_port_is_tried_only_where_the_system_picks() {
        assert!(matches!(attempts(0, 0), (Ok(()), 1)));
        assert!(matches!(attempts(0, 3), (Ok(()), 4)));
        assert!(matches!(attempts(25_000, 3), (Err(SetupError::PortTaken { .. }), 1)));
    }

    #[test]
    fn the_search_for_a_common_port_ends() {
        let (outcome, tried) = attempts(0, u32::MAX);
        assert_eq!(tried, 16);
        let text = "cannot find a port free for both TCP and UDP at 127.0.0.1:0: tried 16";
        assert_eq!(outcome.unwrap_err().to_string(), text);
    }
}
