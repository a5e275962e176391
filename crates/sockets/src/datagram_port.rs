//! One datagram socket: batches in, answers out.

use std::io;
use std::ops::Range;

use raida_reactor::backend::Losses;
use raida_reactor::buffer::{self, Buffer};
use raida_reactor::datagrams::{Datagram, Datagrams, ReplyTo};

use crate::ready::Place;
use crate::sys::{DatagramSocket, Envelopes};

/// How many datagrams are asked for at least.
const FEWEST: usize = 4;

/// A datagram socket, its one batch, and what is known of it.
///
/// It never waits by itself: where the kernel has nothing, or no room, it [says so](Self::lacks), and the backend that
/// waits tells it of the change. Room to send is asked about only while answers wait for it: every answer that leaves
/// makes some.
pub struct DatagramPort {
    socket: DatagramSocket,
    envelopes: Envelopes,
    batch: Datagrams,
    /// Octets of a datagram that count.
    limit: usize,
    /// For how many datagrams room is prepared: it costs something for each, so no more than lately came, and some.
    offer: usize,
    /// Its place in the ready list.
    pub place: Place,
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
    losses: Losses,
    calls: DatagramCalls,
}

/// System calls made for datagrams, retries after a signal not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DatagramCalls {
    /// `recvmmsg`.
    pub receive: u64,
    /// `sendmmsg`.
    pub send: u64,
}

/// What a datagram socket has to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lack {
    /// Datagrams.
    Datagrams,
    /// Room for answers.
    Room,
}

impl DatagramPort {
    /// Over `socket`, which is number `number`, with room for `batch` datagrams of `limit` octets.
    #[must_use]
    pub fn new(socket: DatagramSocket, number: usize, batch: usize, limit: usize) -> Self {
        Self {
            socket,
            envelopes: Envelopes::new(batch),
            batch: Datagrams::new(number, batch, limit, buffer::SMALL),
            limit,
            offer: batch,
            place: Place::default(),
            asked: false,
            closed: false,
            held: false,
            readable: true,
            writable: true,
            overflowed: 0,
            losses: Losses::default(),
            calls: DatagramCalls::default(),
        }
    }

    /// The socket, to wait for it.
    #[must_use]
    pub fn socket(&self) -> &DatagramSocket {
        &self.socket
    }

    /// The loop wants a batch.
    pub fn ask(&mut self) {
        self.asked = !self.closed;
    }

    /// Receives no more. Answers still leave.
    pub fn close(&mut self) {
        self.asked = false;
        self.closed = true;
    }

    /// Datagrams may have come.
    pub fn note_readable(&mut self) {
        self.readable = true;
    }

    /// There may be room for answers.
    pub fn note_writable(&mut self) {
        self.writable = true;
    }

    /// What it has to wait for, if for anything.
    #[must_use]
    pub fn lacks(&self) -> Option<Lack> {
        match (self.held, self.asked) {
            (true, _) => (!self.writable).then_some(Lack::Room),
            (false, true) => (!self.readable).then_some(Lack::Datagrams),
            (false, false) => None,
        }
    }

    /// Gives up answers that are held: nothing would tell of room for them.
    pub fn drop_held(&mut self) {
        if self.held {
            self.held = false;
            let left = self.batch.iter_mut().filter(|datagram| answer(datagram).is_some()).count();
            self.losses.unsent += left as u64;
            self.batch.set_filled(0);
        }
    }

    /// Datagrams lost so far.
    #[must_use]
    pub fn losses(&self) -> Losses {
        self.losses
    }

    /// System calls made so far.
    #[must_use]
    pub fn calls(&self) -> DatagramCalls {
        self.calls
    }

    /// Whether a turn would be of use. Answers come first: what they wait for would fill up behind them.
    pub fn has_work(&self) -> bool {
        if self.held { self.writable } else { self.asked && self.readable }
    }

    /// Sends what is held, or receives one batch. Says whether there is a batch to report.
    pub fn turn(&mut self) -> bool {
        if self.held && self.writable {
            self.answer();
        }
        if self.held || !self.asked || !self.readable {
            return false;
        }
        self.receive()
    }

    /// The batch reported last.
    pub fn batch(&mut self) -> &mut Datagrams {
        &mut self.batch
    }

    /// Sends the answers in the batch, and holds those for which the kernel has no room.
    pub fn answer(&mut self) {
        let Self { socket, envelopes, batch, losses, calls, .. } = self;
        self.held = send_answers(batch, losses, |letters| {
            calls.send += 1;
            envelopes.send(socket, letters)
        });
        self.writable = !self.held;
    }

    /// Sends one answer, or drops it.
    pub fn send(&mut self, to: ReplyTo, buffer: &Buffer, range: Range<usize>) {
        self.calls.send += 1;
        let letter = buffer.as_ref().get(range).map(|octets| (to, octets));
        match self.envelopes.send(&self.socket, letter.into_iter()) {
            Ok(1..) => {}
            Ok(0) | Err(_) => self.losses.unsent += 1,
        }
    }

    fn receive(&mut self) -> bool {
        let before = self.overflowed;
        let filled = match self.fill() {
            // An error other than "nothing here" is an old one that the socket passes on once.
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => self.fill(),
            outcome => outcome,
        };
        self.losses.overflowed += u64::from(self.overflowed.wrapping_sub(before));
        let filled = filled.unwrap_or(0);
        // Room that was left has emptied the queue: there will be an edge.
        self.readable = filled == self.offer;
        self.offer = (2 * filled).max(FEWEST).min(self.batch.slots_mut().len());
        self.asked = filled == 0;
        self.batch.set_filled(filled);
        filled > 0
    }

    fn fill(&mut self) -> io::Result<usize> {
        self.calls.receive += 1;
        let slots = self.batch.slots_mut().get_mut(..self.offer).unwrap_or_default();
        self.envelopes.receive(&self.socket, slots, self.limit, &mut self.overflowed)
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
        let mut port = DatagramPort::new(socket, 0, 5, 10);
        // As after a kernel that took the first answer and had no room for the others.
        port.batch = batch();
        for datagram in port.batch.iter_mut() {
            datagram.reply_to.peer = client.local_addr().unwrap();
        }
        (port.held, port.writable) = (true, false);

        client.send_to(b"next", address).unwrap();
        port.ask();
        assert!(!port.has_work() && !port.turn());
        assert_eq!((port.lacks(), port.calls()), (Some(Lack::Room), DatagramCalls::default()));

        port.note_writable();
        assert!(port.has_work() && port.turn());
        for expected in [0, 1, 3, 4] {
            let mut octets = [9; 4];
            assert_eq!((client.recv(&mut octets).unwrap(), octets[0]), (1, expected));
        }
        assert!(!port.held && port.batch().filled() == 1);
        assert_eq!(port.calls(), DatagramCalls { receive: 1, send: 1 });
    }
}
