//! Many connections at once, on one thread.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use socket2::{Domain, SockRef, Socket, Type};

use crate::PATIENCE;

/// Clients that connect, speak and listen side by side. Each sends one request, and is there until the node closes.
#[derive(Debug)]
pub struct Crowd {
    node: SocketAddr,
    epoll: OwnedFd,
    members: Vec<Member>,
    connected: usize,
    ended: usize,
}

/// One client.
#[derive(Debug)]
pub struct Member {
    stream: Option<TcpStream>,
    is_connected: bool,
    unsent: Vec<u8>,
    answer: Vec<u8>,
    end: Option<End>,
}

/// How a connection came to its end.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The node closed it.
    Closed,
    /// It was refused or reset.
    Failed(ErrorKind),
    /// The client left.
    Left,
}

impl Crowd {
    /// Nobody yet.
    #[must_use]
    pub fn of(node: SocketAddr) -> Self {
        let epoll = epoll::create(CreateFlags::CLOEXEC).unwrap();
        Self { node, epoll, members: Vec::new(), connected: 0, ended: 0 }
    }

    /// One more client, who begins to connect and will send `request`. Clients are numbered in order, from 0.
    pub fn join(&mut self, request: &[u8]) {
        let socket = Socket::new(Domain::for_address(self.node), Type::STREAM, None).unwrap();
        socket.set_nonblocking(true).unwrap();
        socket.set_tcp_nodelay(true).unwrap();
        let end = match socket.connect(&self.node.into()) {
            Err(error) if !is_patience(&error) => Some(End::Failed(error.kind())),
            Ok(()) | Err(_) => None,
        };
        let member = EventData::new_u64(self.members.len() as u64);
        let interest = EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET;
        epoll::add(&self.epoll, &socket, member, interest).unwrap();
        let stream = end.is_none().then(|| socket.into());
        self.ended += usize::from(end.is_some());
        self.members.push(Member { stream, is_connected: false, unsent: request.to_vec(), answer: Vec::new(), end });
    }

    /// Client `who` says more.
    pub fn say(&mut self, who: usize, octets: &[u8]) {
        self.members[who].unsent.extend_from_slice(octets);
        self.advance(who);
    }

    /// Client `who` leaves: with a reset, or with an ordinary close.
    pub fn leave(&mut self, who: usize, reset: bool) {
        let Some(stream) = self.members[who].stream.take() else { return };
        if reset {
            SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
        }
        self.members[who].end = Some(End::Left);
        self.ended += 1;
    }

    /// How many have been connected.
    #[must_use]
    pub fn connected(&self) -> usize {
        self.connected
    }

    /// How many connections have come to an end.
    #[must_use]
    pub fn ended(&self) -> usize {
        self.ended
    }

    /// Goes on until `condition` holds.
    ///
    /// # Panics
    ///
    /// After [`PATIENCE`], naming `what`.
    pub fn until(&mut self, what: &str, mut condition: impl FnMut(&Self) -> bool) {
        let start = Instant::now();
        while !condition(self) {
            assert!(start.elapsed() < PATIENCE, "waited {PATIENCE:?} in vain: {what}; {self}");
            self.turn(Duration::from_millis(10));
        }
    }

    /// Goes on for one turn: what has happened, or `timeout`.
    pub fn turn(&mut self, timeout: Duration) {
        let mut events = Vec::with_capacity(1024);
        let timeout = Timespec::try_from(timeout).unwrap();
        match epoll::wait(&self.epoll, spare_capacity(&mut events), Some(&timeout)) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => return,
            Err(error) => panic!("waiting: {error}"),
        }
        for event in events {
            self.advance(usize::try_from(event.data.u64()).unwrap());
        }
    }

    /// Goes on until every connection has come to its end.
    #[must_use]
    pub fn finish(mut self) -> Vec<Member> {
        self.until("every connection comes to an end", |crowd| crowd.ended == crowd.members.len());
        self.members
    }

    fn advance(&mut self, who: usize) {
        let member = &mut self.members[who];
        let was_connected = member.is_connected;
        member.end = member.advance();
        self.connected += usize::from(member.is_connected && !was_connected);
        if member.end.is_some() && member.stream.take().is_some() {
            self.ended += 1;
        }
    }
}

impl fmt::Display for Crowd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { members, connected, ended, .. } = self;
        write!(f, "of {} clients {connected} were connected and {ended} have ended", members.len())
    }
}

impl Member {
    /// All that came from the node.
    #[must_use]
    pub fn answer(&self) -> &[u8] {
        &self.answer
    }

    /// How it ended, if it has.
    #[must_use]
    pub fn end(&self) -> Option<End> {
        self.end
    }

    /// All that came, from a connection that the node closed in good order.
    ///
    /// # Panics
    ///
    /// When it ended otherwise.
    #[must_use]
    pub fn into_answer(self) -> Vec<u8> {
        assert_eq!(self.end, Some(End::Closed), "after {} octets", self.answer.len());
        self.answer
    }

    /// Does everything that can be done without waiting; says how the connection ended, if it has.
    fn advance(&mut self) -> Option<End> {
        let Some(stream) = self.stream.as_mut() else { return self.end };
        if !self.is_connected {
            match stream.take_error().unwrap() {
                Some(error) => return Some(End::Failed(error.kind())),
                None if stream.peer_addr().is_err() => return None,
                None => self.is_connected = true,
            }
        }
        while !self.unsent.is_empty() {
            match stream.write(&self.unsent) {
                Ok(sent) => drop(self.unsent.drain(..sent)),
                Err(error) if is_patience(&error) => break,
                // What the node still said to a peer it had closed is there to be read.
                Err(_) => self.unsent.clear(),
            }
        }
        let mut room = [0; 16_384];
        loop {
            match stream.read(&mut room) {
                Ok(0) => return Some(End::Closed),
                Ok(len) => self.answer.extend_from_slice(&room[..len]),
                Err(error) if is_patience(&error) => return None,
                Err(error) => return Some(End::Failed(error.kind())),
            }
        }
    }
}

impl fmt::Debug for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("closed by the node"),
            Self::Failed(kind) => write!(f, "failed: {kind}"),
            Self::Left => f.write_str("left"),
        }
    }
}

fn is_patience(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
        || error.raw_os_error() == Some(rustix::io::Errno::INPROGRESS.raw_os_error())
}
