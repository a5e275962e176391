//! One question in a datagram.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::mem;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use raida_wire::ResponseError;

use crate::answer::Trip;
use crate::deadline::Deadline;
use crate::error::{Stage, Trouble};

/// What a datagram turned out to be.
pub(crate) enum Verdict<T> {
    /// The answer.
    Answer(T),
    /// The node's word that there will be no answer.
    Failure(Trouble),
    /// Neither; the wait goes on. Why it looked like the answer, if it did.
    Stray(Option<ResponseError>),
}

/// Sends `datagram` once per span, and waits that long for one that `judge` takes for the answer. A late answer to an
/// earlier sending is as good.
///
/// Only what comes from the very address that was asked gets to `judge` at all.
pub(crate) fn exchange<T>(
    datagram: &[u8],
    addresses: &[SocketAddr],
    spans: impl Iterator<Item = Duration>,
    deadline: Deadline,
    attempts: &mut u32,
    mut judge: impl FnMut(&mut [u8], Trip) -> Verdict<T>,
) -> Result<T, Trouble> {
    let begun = Deadline::after(deadline.span());
    let mut route = Route::open(addresses)?;
    let mut strays = Strays::default();
    let mut buffer = vec![0; DATAGRAM_MAX];
    for span in spans {
        if *attempts > 0 && deadline.left().is_none() {
            break;
        }
        let attempt = deadline.within(span);
        *attempts += 1;
        route.send(datagram)?;
        while let Some(left) = attempt.left() {
            let Some(octets) = route.receive(datagram, &mut buffer, left)? else { continue };
            let trip =
                Trip { peer: route.current.peer, latency: begun.elapsed(), execution: None, attempts: *attempts };
            match judge(octets, trip) {
                Verdict::Answer(answer) => return Ok(answer),
                Verdict::Failure(trouble) => return Err(trouble),
                Verdict::Stray(reason) => strays.count(reason),
            }
        }
        route.turn();
    }
    Err(strays.into_trouble())
}

/// Room for any datagram.
const DATAGRAM_MAX: usize = 65_535;

/// One connected socket per address of the node. Connected, so that the kernel drops what comes from elsewhere and tells
/// when nobody listens.
struct Route {
    current: Path,
    others: VecDeque<Path>,
}

struct Path {
    socket: UdpSocket,
    peer: SocketAddr,
}

impl Route {
    fn open(addresses: &[SocketAddr]) -> Result<Self, Trouble> {
        let mut last = io::Error::from(ErrorKind::AddrNotAvailable);
        let mut paths = VecDeque::new();
        for address in addresses {
            match Path::open(*address) {
                Ok(path) => paths.push_back(path),
                Err(error) => last = error,
            }
        }
        let current = paths.pop_front().ok_or(Trouble::Connect(last))?;
        Ok(Self { current, others: paths })
    }

    /// Sends on the current path, or on the next one that works.
    fn send(&mut self, datagram: &[u8]) -> Result<(), Trouble> {
        loop {
            match self.current.socket.send(datagram) {
                Ok(_) => return Ok(()),
                Err(error) if Deadline::judges(&error) => {}
                Err(error) if error.kind() == ErrorKind::ConnectionRefused => self.give_up(Trouble::Connect(error))?,
                Err(error) => self.give_up(Trouble::Send(error))?,
            }
        }
    }

    /// The next datagram; `None` after `left`, or when it was sent again on another path because nobody listens here.
    fn receive<'b>(
        &mut self,
        datagram: &[u8],
        buffer: &'b mut [u8],
        left: Duration,
    ) -> Result<Option<&'b mut [u8]>, Trouble> {
        self.current.socket.set_read_timeout(Some(left)).map_err(Trouble::Receive)?;
        match self.current.socket.recv(buffer) {
            Ok(len) => Ok(buffer.get_mut(..len)),
            Err(error) if Deadline::judges(&error) => Ok(None),
            Err(error) => {
                self.give_up(Trouble::Connect(error))?;
                self.send(datagram)?;
                Ok(None)
            }
        }
    }

    /// Leaves the current path for good. The trouble comes back when it was the last.
    fn give_up(&mut self, trouble: Trouble) -> Result<(), Trouble> {
        self.current = self.others.pop_front().ok_or(trouble)?;
        Ok(())
    }

    /// After silence the next path has its turn.
    fn turn(&mut self) {
        if let Some(next) = self.others.pop_front() {
            self.others.push_back(mem::replace(&mut self.current, next));
        }
    }
}

impl Path {
    fn open(peer: SocketAddr) -> io::Result<Self> {
        let any: IpAddr = if peer.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
        let socket = UdpSocket::bind((any, 0))?;
        socket.connect(peer)?;
        Ok(Self { socket, peer })
    }
}

/// Datagrams that were ignored.
#[derive(Default)]
struct Strays {
    number: u32,
    last_telling: Option<ResponseError>,
}

impl Strays {
    fn count(&mut self, reason: Option<ResponseError>) {
        self.number = self.number.saturating_add(1);
        self.last_telling = reason.or(self.last_telling);
    }

    /// What to say when the time is over.
    fn into_trouble(self) -> Trouble {
        self.last_telling.map_or(Trouble::Timeout { stage: Stage::Answer, strays: self.number }, Trouble::Answer)
    }
}
