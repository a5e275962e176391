//! One datagram socket: batches in, answers out.

use std::io;
use std::ops::Range;

use raida_reactor::backend::Losses;
use raida_reactor::buffer::{self, Buffer};
use raida_reactor::datagrams::{Datagram, Datagrams, ReplyTo};

use crate::counts::SyscallCounts;
use crate::ready::Place;
use crate::sys::{DatagramSocket, Envelopes, Event};

/// A datagram socket, its one batch, and what is known of it.
pub(crate) struct DatagramPort {
    socket: DatagramSocket,
    envelopes: Envelopes,
    batch: Datagrams,
    /// Octets of a datagram that count.
    limit: usize,
    pub(crate) place: Place,
    /// The loop waits for a batch.
    asked: bool,
    /// No batch will be asked for any more.
    closed: bool,
    /// Answers in the batch wait for room in the kernel.
    held: bool,
    readable: bool,
    writable: bool,
    /// The kernel's own count of lost datagrams: cumulative, modulo 2^32.
    overflowed: u32,
}

impl DatagramPort {
    /// Over `socket`, which is number `number`, with room for `batch` datagrams of `limit` octets.
    pub(crate) fn new(socket: DatagramSocket, number: usize, batch: usize, limit: usize) -> Self {
        Self {
            socket,
            envelopes: Envelopes::new(batch),
            batch: Datagrams::new(number, batch, limit, buffer::SMALL),
            limit,
            place: Place::default(),
            asked: false,
            closed: false,
            held: false,
            readable: true,
            writable: true,
            overflowed: 0,
        }
    }

    pub(crate) fn ask(&mut self) {
        self.asked = !self.closed;
    }

    /// Receives no more. Answers still leave.
    pub(crate) fn close(&mut self) {
        self.asked = false;
        self.closed = true;
    }

    pub(crate) fn note_edge(&mut self, event: Event) {
        self.readable |= event.readable();
        self.writable |= event.writable();
    }

    /// Whether a turn would be of use. Answers come first: what they wait for would fill up behind them.
    pub(crate) fn has_work(&self) -> bool {
        if self.held { self.writable } else { self.asked && self.readable }
    }

    /// Sends what is held, or receives one batch. Says whether there is a batch to report.
    pub(crate) fn turn(&mut self, losses: &mut Losses, counts: &mut SyscallCounts) -> bool {
        if self.held && self.writable {
            self.answer(losses, counts);
        }
        if self.held || !self.asked || !self.readable {
            return false;
        }
        self.receive(losses, counts)
    }

    /// The batch reported last.
    pub(crate) fn batch(&mut self) -> &mut Datagrams {
        &mut self.batch
    }

    /// Sends the answers in the batch, and holds those for which the kernel has no room.
    pub(crate) fn answer(&mut self, losses: &mut Losses, counts: &mut SyscallCounts) {
        self.held = false;
        while self.batch.iter_mut().any(|datagram| answer(datagram).is_some()) {
            counts.send_datagrams += 1;
            let letters = self.batch.iter_mut().filter_map(|datagram| answer(datagram));
            let settled = match self.envelopes.send(&self.socket, letters) {
                Ok(sent) => sent,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    (self.held, self.writable) = (true, false);
                    return;
                }
                Err(_) => {
                    losses.unsent += 1;
                    1
                }
            };
            let settle = |datagram: &mut Datagram| datagram.answer_range = 0..0;
            self.batch.iter_mut().filter(|datagram| answer(datagram).is_some()).take(settled.max(1)).for_each(settle);
        }
    }

    /// Sends one answer, or drops it.
    pub(crate) fn send(
        &mut self,
        to: ReplyTo,
        buffer: &Buffer,
        range: Range<usize>,
        losses: &mut Losses,
        counts: &mut SyscallCounts,
    ) {
        counts.send_datagrams += 1;
        let letter = buffer.as_ref().get(range).map(|octets| (to, octets));
        match self.envelopes.send(&self.socket, letter.into_iter()) {
            Ok(1..) => {}
            Ok(0) | Err(_) => losses.unsent += 1,
        }
    }

    fn receive(&mut self, losses: &mut Losses, counts: &mut SyscallCounts) -> bool {
        let before = self.overflowed;
        let filled = match self.fill(counts) {
            // An error other than "nothing here" is an old one that the socket passes on once.
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => self.fill(counts),
            outcome => outcome,
        };
        losses.overflowed += u64::from(self.overflowed.wrapping_sub(before));
        let filled = filled.unwrap_or(0);
        // A batch that is not full has emptied the queue: there will be an edge.
        self.readable = filled == self.batch.slots_mut().len();
        self.asked = filled == 0;
        self.batch.set_filled(filled);
        filled > 0
    }

    fn fill(&mut self, counts: &mut SyscallCounts) -> io::Result<usize> {
        counts.receive_datagrams += 1;
        self.envelopes.receive(&self.socket, self.batch.slots_mut(), self.limit, &mut self.overflowed)
    }
}

/// The answer that a slot of the batch still has to send.
fn answer(datagram: &Datagram) -> Option<(ReplyTo, &[u8])> {
    let octets = datagram.answer.as_ref().get(datagram.answer_range.clone())?;
    (!octets.is_empty()).then_some((datagram.reply_to, octets))
}
