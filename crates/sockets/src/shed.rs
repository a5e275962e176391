//! What to do when a connection cannot be accepted.

use std::io;

use crate::reserve::Reserve;
use crate::sys::ListeningSocket;

/// How many waiting connections are closed at most before the loop is told that there are no descriptors.
const SHED_MAX: u32 = 64;

/// Closes some of those who wait, with the help of the reserve descriptor, and says how many. They learn at once that
/// they will not be served, and the listener is quiet again. Adds the attempts to `attempts`.
pub fn shed(socket: &ListeningSocket, reserve: &mut Reserve, attempts: &mut u64) -> u32 {
    reserve.spend();
    let mut shed = 0;
    for _ in 0..SHED_MAX {
        *attempts += 1;
        match socket.accept() {
            Ok(_) => shed += 1,
            Err(error) if is_of_one_connection(&error) => {}
            Err(_) => break,
        }
    }
    reserve.refill();
    shed
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
    use super::*;

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
