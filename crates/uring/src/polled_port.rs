//! A datagram port that the ring waits for.

use raida_sockets::{DatagramPort, Lack};

use crate::sys::{Interest, Ring, Tag};

/// A datagram port and what the ring has been asked to tell about it.
pub(crate) struct PolledPort {
    pub(crate) port: DatagramPort,
    number: u32,
    for_datagrams: bool,
    for_room: bool,
}

impl PolledPort {
    pub(crate) fn new(port: DatagramPort, number: u32) -> Self {
        Self { port, number, for_datagrams: false, for_room: false }
    }

    pub(crate) fn note_datagrams(&mut self) {
        self.for_datagrams = false;
        self.port.note_readable();
    }

    pub(crate) fn note_room(&mut self) {
        self.for_room = false;
        self.port.note_writable();
    }

    /// Asks for what the port lacks by now, unless that has been asked for.
    pub(crate) fn poll(&mut self, ring: &mut Ring) {
        match self.port.lacks() {
            Some(Lack::Datagrams) if !self.for_datagrams => {
                self.for_datagrams = true;
                ring.poll(self.port.socket(), Interest::Incoming, Tag::Datagrams(self.number));
            }
            Some(Lack::Room) if !self.for_room => {
                self.for_room = true;
                ring.poll(self.port.socket(), Interest::Outgoing, Tag::Room(self.number));
            }
            Some(Lack::Datagrams | Lack::Room) | None => {}
        }
    }
}
