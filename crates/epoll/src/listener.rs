//! One stream listener: accepts while somebody waits, sheds when there are no descriptors left.

use std::io;
use std::net::SocketAddr;

use raida_sockets::{ListeningSocket, Place, Relief, Reserve, Source, Stream, is_of_one_connection, is_want, shed};

use crate::counts::SyscallCounts;
use crate::crowd::Crowd;
use crate::sys::{Edges, Interest};

/// A listening socket and what is known of it. It stands on the interest list by its level, so that it need not be asked
/// in vain after each connection. Where it tells of somebody whom nobody wants it falls silent: it would end every wait.
#[derive(Debug)]
pub(crate) struct Listener {
    socket: Option<ListeningSocket>,
    word: u64,
    pub(crate) place: Place,
    /// The loop waits for a connection.
    asked: bool,
    /// Somebody may be waiting: nothing has been tried yet, or the interest list said so, or there is a crowd.
    ready: bool,
    silent: bool,
    crowd: Crowd,
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
    /// Over `socket`, which is number `number` and on the interest list.
    pub(crate) fn new(socket: ListeningSocket, number: u32) -> Self {
        Self {
            socket: Some(socket),
            word: Source::Listener(number).to_word(),
            place: Place::default(),
            asked: false,
            ready: true,
            silent: false,
            crowd: Crowd::new(),
            stopping: false,
        }
    }

    pub(crate) fn ask(&mut self) {
        self.asked = self.socket.is_some();
    }

    pub(crate) fn note_report(&mut self) {
        self.ready = true;
        self.crowd.reported();
    }

    /// Is told of those who wait while it wants one, and only then. Adds the call that this may take to `calls`.
    pub(crate) fn watch(&mut self, interest: &Interest, calls: &mut u64) {
        let Some(socket) = self.socket.as_ref().filter(|_| self.silent == self.asked) else { return };
        *calls += 1;
        let edges = if self.asked { Edges::WhileIncoming } else { Edges::Silence };
        // Cannot fail for what is on the list. If it did, waits would end early, or the next attempt would ask again.
        if interest.change(socket, self.word, edges).is_ok() {
            self.silent = !self.asked;
        }
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
                self.ready = self.crowd.took_one() || self.stopping;
                Turn::Accepted(stream, peer)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.ready = false;
                self.crowd.took_all();
                if self.stopping {
                    self.close();
                }
                Turn::Nobody
            }
            Err(error) if is_of_one_connection(&error) => Turn::Again,
            Err(error) => {
                self.asked = false;
                let relief = if is_want(&error) { shed(socket, reserve, &mut counts.accept) } else { Relief::Shed(0) };
                match relief {
                    Relief::Accepted(stream, peer) => Turn::Accepted(stream, peer),
                    Relief::Shed(shed) => {
                        if self.stopping {
                            self.close();
                        }
                        Turn::Failed { error, shed }
                    }
                }
            }
        }
    }
}
