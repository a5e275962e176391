//! One stream listener: accepts while somebody waits, sheds when there are no descriptors left.

use std::io;
use std::net::SocketAddr;

use raida_sockets::{ListeningSocket, Place, Reserve, Stream, is_of_one_connection, is_want, shed};

use crate::counts::SyscallCounts;

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
                let shed = if is_want(&error) { shed(socket, reserve, &mut counts.accept) } else { 0 };
                self.asked = false;
                if self.stopping {
                    self.close();
                }
                Turn::Failed { error, shed }
            }
        }
    }
}
