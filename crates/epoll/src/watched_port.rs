//! A datagram port on the interest list.

use raida_sockets::{DatagramPort, Lack, Source};

use crate::sys::{Edges, Event, Interest};

/// A datagram port and what it is watched for: always for what comes, for room only while answers wait for it.
pub(crate) struct WatchedPort {
    pub(crate) port: DatagramPort,
    word: u64,
    for_room: bool,
}

impl WatchedPort {
    /// For port number `number`, which is on the list for what comes.
    pub(crate) fn new(port: DatagramPort, number: u32) -> Self {
        Self { port, word: Source::DatagramPort(number).to_word(), for_room: false }
    }

    pub(crate) fn note_edge(&mut self, event: Event) {
        if event.readable() {
            self.port.note_readable();
        }
        if event.writable() {
            self.port.note_writable();
        }
    }

    /// Watches for what the port lacks by now. Adds the call that this may take to `calls`.
    pub(crate) fn watch(&mut self, interest: &Interest, calls: &mut u64) {
        let for_room = self.port.lacks() == Some(Lack::Room);
        if for_room == self.for_room {
            return;
        }
        *calls += 1;
        let edges = if for_room { Edges::Both } else { Edges::Incoming };
        // Cannot fail for what is on the list. If it did, waiting for an edge would be waiting for ever.
        match interest.change(self.port.socket(), self.word, edges) {
            Ok(()) => self.for_room = for_room,
            Err(_) => self.port.drop_held(),
        }
    }
}
