//! What to do when a connection cannot be accepted.

use std::io;
use std::net::SocketAddr;

use crate::reserve::Reserve;
use crate::sys::{ListeningSocket, Stream};

/// How many waiting connections are closed at most before the loop is told that there are no descriptors.
const SHED_MAX: u32 = 64;

/// What became of those who wait.
#[derive(Debug)]
pub enum Relief {
    /// So many of them were closed.
    Shed(u32),
    /// There is a descriptor again after all, and this connection has it.
    Accepted(Stream, SocketAddr),
}

/// Closes some of those who wait, with the help of the reserve descriptor. They learn at once that they will not be served,
/// and the listener is quiet again. Where descriptors have come back in the meantime, nobody is closed. Adds the attempts to
/// `attempts`.
pub fn shed(socket: &ListeningSocket, reserve: &mut Reserve, attempts: &mut u64) -> Relief {
    reserve.spend();
    let mut shed = 0;
    for _ in 0..SHED_MAX {
        *attempts += 1;
        match socket.accept() {
            Ok((stream, peer)) if shed == 0 && reserve.refill() => return Relief::Accepted(stream, peer),
            Ok(_) => shed += 1,
            Err(error) if is_of_one_connection(&error) => {}
            Err(_) => break,
        }
    }
    reserve.refill();
    Relief::Shed(shed)
}

/// Whether an error concerns only the connection that was to be accepted: Linux passes on what the network had to say
/// about it before anybody took it.
pub fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(
            libc::ECONNABORTED
                | libc::EPROTO
                | libc::ENOPROTOOPT
                | libc::EOPNOTSUPP
                | libc::ENETDOWN
                | libc::ENETUNREACH
                | libc::EHOSTDOWN
                | libc::EHOSTUNREACH
                | libc::ENONET
                | libc::ETIMEDOUT
        )
    ) || error.kind() == io::ErrorKind::ConnectionAborted
}

/// Whether it is descriptors or memory that want.
pub fn is_want(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM))
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;
    use std::net::TcpStream;

    use super::*;

    #[test]
    fn nobody_is_closed_where_a_descriptor_has_come_back() {
        let socket = ListeningSocket::open(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        socket.listen(8).unwrap();
        let client = TcpStream::connect(socket.local_address().unwrap()).unwrap();
        let (mut reserve, mut attempts) = (Reserve::new(), 0);
        let Relief::Accepted(_stream, peer) = shed(&socket, &mut reserve, &mut attempts) else { panic!("closed") };
        assert_eq!((peer, attempts), (client.local_addr().unwrap(), 1));
        client.set_nonblocking(true).unwrap();
        assert_eq!(client.peek(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock, "it is open");
        assert!(matches!(shed(&socket, &mut reserve, &mut attempts), Relief::Shed(0)), "nobody waits");
    }

    #[test]
    fn a_lost_connection_is_no_want_of_descriptors() {
        for code in [libc::ECONNABORTED, libc::EPROTO, libc::ENETDOWN] {
            let error = io::Error::from_raw_os_error(code);
            assert!(is_of_one_connection(&error) && !is_want(&error), "{error}");
        }
        for code in [libc::EMFILE, libc::ENFILE, libc::ENOBUFS, libc::ENOMEM] {
            let error = io::Error::from_raw_os_error(code);
            assert!(is_want(&error) && !is_of_one_connection(&error), "{error}");
        }
        let broken = io::Error::from_raw_os_error(libc::EBADF);
        assert!(!is_want(&broken) && !is_of_one_connection(&broken));
    }
}
