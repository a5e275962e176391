//! One datagram socket: batches in, answers out.

use std::io;
use std::ops::Range;

use raida_reactor::backend::Losses;
use raida_reactor::buffer::{self, Buffer};
use raida_reactor::datagrams::{Datagram, Datagrams, ReplyTo};

use crate::counts::SyscallCounts;
use crate::ready::Place;
use crate::source::Source;
use crate::sys::{DatagramSocket, Edges, Envelopes, Event, Interest};

/// A datagram socket, its one batch, and what is known of it.
///
/// Room to send is asked about only while answers wait for it: every answer that leaves makes some.
pub(crate) struct DatagramPort {
    word: u64,
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
    pub(crate) fn new(socket: DatagramSocket, number: u32, batch: usize, limit: usize) -> Self {
        Self {
            word: Source::DatagramPort(number).to_word(),
            socket,
            envelopes: Envelopes::new(batch),
            batch: Datagrams::new(number as usize, batch, limit, buffer::SMALL),
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
    pub(crate) fn turn(&mut self, interest: &Interest, losses: &mut Losses, counts: &mut SyscallCounts) -> bool {
        if self.held && self.writable {
            self.answer(interest, losses, counts);
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
    pub(crate) fn answer(&mut self, interest: &Interest, losses: &mut Losses, counts: &mut SyscallCounts) {
        let (socket, envelopes) = (&self.socket, &mut self.envelopes);
        let held = send_answers(&mut self.batch, losses, |letters| {
            counts.send_datagrams += 1;
            envelopes.send(socket, letters)
        });
        self.writable = !held;
        if self.held == held {
            return;
        }
        counts.epoll_ctl += 1;
        let edges = if held { Edges::Both } else { Edges::Incoming };
        // Cannot fail for what is on the list. If it did, waiting for an edge would be waiting for ever.
        let told = interest.change(&self.socket, self.word, edges).is_ok();
        self.held = held && told;
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

/// Sends all answers in `batch` and takes each out that is settled: sent, or refused by the kernel for a reason of its
/// own. Says whether some are left because the kernel has no room for them.
fn send_answers(
    batch: &mut Datagrams,
    losses: &mut Losses,
    mut send: impl FnMut(&mut dyn Iterator<Item = (ReplyTo, &[u8])>) -> io::Result<usize>,
) -> bool {
    while batch.iter_mut().any(|datagram| answer(datagram).is_some()) {
        let settled = match send(&mut batch.iter_mut().filter_map(|datagram| answer(datagram))) {
            Ok(sent) => sent.max(1),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return true,
            // It concerns the first one; those behind it have not been tried.
            Err(_) => {
                losses.unsent += 1;
                1
            }
        };
        let waiting = batch.iter_mut().filter(|datagram| answer(datagram).is_some());
        waiting.take(settled).for_each(|datagram| datagram.answer_range = 0..0);
    }
    false
}

/// The answer that a slot of the batch still has to send.
fn answer(datagram: &Datagram) -> Option<(ReplyTo, &[u8])> {
    let octets = datagram.answer.as_ref().get(datagram.answer_range.clone())?;
    (!octets.is_empty()).then_some((datagram.reply_to, octets))
}

#[cfg(test)]
mod tests {
    use std::net::{SocketAddr, UdpSocket};

    use super::*;

    /// Four answers and a silence among them.
    fn batch() -> Datagrams {
        let mut batch = Datagrams::new(0, 5, 10, 10);
        batch.set_filled(5);
        for (number, datagram) in (0u8..).zip(batch.iter_mut()) {
            datagram.answer.as_mut().fill(number);
            datagram.answer_range = if number == 2 { 0..0 } else { 0..1 };
        }
        batch
    }

    /// Sends through a kernel that answers with `script` and nothing else. Returns what each call was offered.
    fn send_by(batch: &mut Datagrams, losses: &mut Losses, script: Vec<io::Result<usize>>) -> (bool, Vec<Vec<u8>>) {
        let (mut script, mut offered) = (script.into_iter(), Vec::new());
        let held = send_answers(batch, losses, |letters| {
            offered.push(letters.map(|(_, octets)| octets[0]).collect());
            script.next().expect("no call more than scripted")
        });
        assert!(script.next().is_none(), "no call less than scripted");
        (held, offered)
    }

    fn error(kind: io::ErrorKind) -> io::Result<usize> {
        Err(kind.into())
    }

    #[test]
    fn what_the_kernel_has_no_room_for_is_held_and_sent_later() {
        let (mut batch, mut losses) = (batch(), Losses::default());
        let script = vec![Ok(1), error(io::ErrorKind::WouldBlock)];
        assert_eq!(send_by(&mut batch, &mut losses, script), (true, vec![vec![0, 1, 3, 4], vec![1, 3, 4]]));
        let script = vec![error(io::ErrorKind::WouldBlock)];
        assert_eq!(send_by(&mut batch, &mut losses, script), (true, vec![vec![1, 3, 4]]));
        assert_eq!(send_by(&mut batch, &mut losses, vec![Ok(3)]), (false, vec![vec![1, 3, 4]]));
        assert_eq!(losses, Losses::default());
    }

    #[test]
    fn an_error_costs_one_answer_and_no_other() {
        let (mut batch, mut losses) = (batch(), Losses::default());
        let refused = || error(io::ErrorKind::ConnectionRefused);
        let script = vec![Ok(1), refused(), Ok(1), error(io::ErrorKind::PermissionDenied)];
        let offered = vec![vec![0, 1, 3, 4], vec![1, 3, 4], vec![3, 4], vec![4]];
        assert_eq!(send_by(&mut batch, &mut losses, script), (false, offered));
        assert_eq!(losses.unsent, 2);
    }

    #[test]
    fn nothing_is_received_while_answers_are_held() {
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let (socket, client) = (DatagramSocket::open(nowhere).unwrap(), UdpSocket::bind(nowhere).unwrap());
        socket.bind(nowhere).unwrap();
        let address = socket.local_address().unwrap();
        let interest = Interest::new().unwrap();
        let mut port = DatagramPort::new(socket, 0, 5, 10);
        interest.add(&port.socket, port.word, Edges::Incoming).unwrap();
        let (mut losses, mut counts) = (Losses::default(), SyscallCounts::default());
        // As after a kernel that took the first answer and had no room for the others.
        port.batch = batch();
        for datagram in port.batch.iter_mut() {
            datagram.reply_to.peer = client.local_addr().unwrap();
        }
        (port.held, port.writable) = (true, false);

        client.send_to(b"next", address).unwrap();
        port.ask();
        assert!(!port.has_work() && !port.turn(&interest, &mut losses, &mut counts));
        assert_eq!(counts, SyscallCounts::default());

        port.writable = true;
        assert!(port.has_work() && port.turn(&interest, &mut losses, &mut counts));
        for expected in [0, 1, 3, 4] {
            let mut octets = [9; 4];
            assert_eq!((client.recv(&mut octets).unwrap(), octets[0]), (1, expected));
        }
        assert!(!port.held && port.batch().filled() == 1);
        assert_eq!((counts.send_datagrams, counts.receive_datagrams, counts.epoll_ctl), (1, 1, 1));
    }
}
