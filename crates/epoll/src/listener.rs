//! One stream listener: accepts while somebody waits, sheds when there are no descriptors left.

use std::io;
use std::net::SocketAddr;

use crate::counts::SyscallCounts;
use crate::ready::Place;
use crate::reserve::Reserve;
use crate::sys::{ListeningSocket, Stream};

/// How many waiting connections are closed at most before the loop is told that there are no descriptors.
const SHED_MAX: u32 = 64;

/// A listening socket and what is known of it.
#[derive(Debug)]
pub(crate) struct Listener {
    socket: Option<ListeningSocket>,
    pub(crate) place: Place,
    /// The loop waits for a connection.
    asked: bool,
    /// Somebody may be waiting: the last `accept4` did not say the contrary.
    ready: bool,
    /// Those who wait are still accepted, then the socket closes.
    stopping: bool,
}

/// What came of one turn.
#[derive(Debug)]
pub(crate) enum Turn {
    /// Somebody connected.
    Accepted(Stream, SocketAddr),
    /// One connection was lost before it could be accepted; others may wait.
    Again,
    /// Nobody is waiting; an edge will tell.
    Nobody,
    /// No connection can be accepted now.
    Failed { error: io::Error, shed: u32 },
}

impl Listener {
    pub(crate) fn new(socket: ListeningSocket) -> Self {
        Self { socket: Some(socket), place: Place::default(), asked: false, ready: true, stopping: false }
    }

    pub(crate) fn ask(&mut self) {
        self.asked = self.socket.is_some();
    }

    pub(crate) fn note_edge(&mut self) {
        self.ready = true;
    }

    /// Whether a turn would be of use.
    pub(crate) fn has_work(&self) -> bool {
        self.asked && self.ready
    }

    /// Makes the next turn that finds nobody waiting the last. A plain close would reset those who wait.
    pub(crate) fn stop(&mut self) {
        // From here on the kernel lets at most one more wait; that it may refuse to only makes the last round longer.
        let _ = self.socket.as_ref().map(|socket| socket.listen(0));
        self.stopping = true;
        self.ready = true;
        self.ask();
    }

    pub(crate) fn is_open(&self) -> bool {
        self.socket.is_some()
    }

    fn close(&mut self) {
        self.socket = None;
        self.asked = false;
    }

    /// Makes one attempt to accept.
    pub(crate) fn turn(&mut self, reserve: &mut Reserve, counts: &mut SyscallCounts) -> Turn {
        let Some(socket) = self.socket.as_ref().filter(|_| self.asked) else { return Turn::Nobody };
        counts.accept += 1;
        match socket.accept() {
            Ok((stream, peer)) => {
                self.asked = false;
                Turn::Accepted(stream, peer)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.ready = false;
                if self.stopping {
                    self.close();
                }
                Turn::Nobody
            }
            Err(error) if is_of_one_connection(&error) => Turn::Again,
            Err(error) => {
                let shed = if is_want(&error) { shed(socket, reserve, counts) } else { 0 };
                self.asked = false;
                if self.stopping {
                    self.close();
                }
                Turn::Failed { error, shed }
            }
        }
    }
}

/// Closes some of those who wait. They learn at once that they will not be served, and the listener is quiet again.
fn shed(socket: &ListeningSocket, reserve: &mut Reserve, counts: &mut SyscallCounts) -> u32 {
    reserve.spend();
    let mut shed = 0;
    for _ in 0..SHED_MAX {
        counts.accept += 1;
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
fn is_of_one_connection(error: &io::Error) -> bool {
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
fn is_want(error: &io::Error) -> bool {
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
