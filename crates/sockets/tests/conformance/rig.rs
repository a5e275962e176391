//! A loop of a few lines over a backend, so that a test can say what it expects next.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "a test may panic, also in its shared parts"
)]

use std::io::{self, Read};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use raida_reactor::backend::{Backend, Completion};
use raida_reactor::buffer::Buffer;
use raida_reactor::datagrams::ReplyTo;
use raida_reactor::token::Token;
use raida_sockets::{Setup, SocketBackend, Stream};

use crate::Tested;

/// No test waits longer for anything; only a broken one waits so long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A backend on ports of the system's choice, and what it reports, one completion at a time.
pub(crate) struct Rig {
    pub(crate) backend: Tested,
}

/// A [`Completion`] that lends nothing.
#[derive(Debug)]
pub(crate) enum Seen {
    Accepted { listener: usize, socket: Stream, peer: SocketAddr },
    AcceptFailed { listener: usize, error: io::Error, shed: u32 },
    Received { token: Token, octets: Vec<u8>, more: bool },
    Ended { token: Token },
    Failed { token: Token, error: io::Error, buffer: Option<Buffer> },
    Sent { token: Token, buffer: Buffer, sent: usize },
    Gone { token: Token },
    Datagrams { socket: usize, came: Vec<Came> },
    Returned(Buffer),
    Woken,
}

/// A datagram that came. Its answer says the same again.
#[derive(Debug)]
pub(crate) struct Came {
    pub(crate) reply_to: ReplyTo,
    pub(crate) octets: Vec<u8>,
    pub(crate) truncated: bool,
}

impl Rig {
    pub(crate) fn new() -> Self {
        Self::with(local_setup())
    }

    pub(crate) fn with(setup: Setup) -> Self {
        Self { backend: Tested::bind(&setup).expect("loopback has ports") }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.backend.local_addrs()[0]
    }

    /// The next completion. Fails the test when there is none for too long.
    pub(crate) fn next(&mut self) -> Seen {
        self.next_within(PATIENCE).expect("something is reported")
    }

    /// The next completion, if there is one in time. Datagrams are answered with themselves.
    pub(crate) fn next_within(&mut self, span: Duration) -> Option<Seen> {
        let end = Instant::now() + span;
        loop {
            if let Some(completion) = self.backend.next() {
                return Some(Seen::from(completion));
            }
            let left = end.saturating_duration_since(Instant::now());
            self.backend.wait(Some(left)).expect("the backend works");
            if left.is_zero() {
                return self.backend.next().map(Seen::from);
            }
        }
    }

    /// Does what is to be done now, which must not bring anything to report.
    pub(crate) fn settle(&mut self) {
        if let Some(seen) = self.next_within(Duration::ZERO) {
            panic!("nothing should be reported yet, not {seen:?}");
        }
    }

    /// Lets the kernel tell what it has to tell, which must not be of interest to anybody: a waking, which comes after
    /// it, has been told.
    pub(crate) fn let_pass(&mut self) {
        (self.backend.waker())();
        assert!(matches!(self.next(), Seen::Woken));
        self.settle();
    }

    /// A client that is connected and has been accepted into `slot`.
    pub(crate) fn connect(&mut self, slot: u32) -> (TcpStream, Token) {
        self.backend.accept(0);
        let client = connect(self.address());
        let Seen::Accepted { socket, peer, .. } = self.next() else { panic!("a connection comes first") };
        assert_eq!(peer, client.local_addr().unwrap());
        let token = Token::new(slot, 1);
        self.backend.adopt(token, socket);
        (client, token)
    }

    /// A client for whose octets the backend has had to wait once already.
    pub(crate) fn connect_listed(&mut self, slot: u32) -> (TcpStream, Token) {
        let (client, token) = self.connect(slot);
        self.backend.receive(token);
        self.settle();
        io::Write::write_all(&mut &client, b"x").unwrap();
        match self.next() {
            Seen::Received { .. } => (client, token),
            other => panic!("octets come next, not {other:?}"),
        }
    }

    /// Closes, and lets it happen: a backend may leave that for the next wait.
    pub(crate) fn close(&mut self, token: Token, reset: bool) {
        self.backend.close(token, reset);
        self.backend.wait(Some(Duration::ZERO)).expect("the backend works");
    }

    pub(crate) fn send(&mut self, token: Token, octets: &[u8]) {
        self.backend.send(token, buffer(octets), 0..octets.len());
    }

    pub(crate) fn send_last(&mut self, token: Token, octets: &[u8]) {
        self.backend.send_last(token, buffer(octets), 0..octets.len());
    }

    /// Asks for datagrams and returns those of the next batch, not answered yet.
    pub(crate) fn datagrams(&mut self, socket: usize) -> Vec<Came> {
        self.backend.receive_datagrams(socket);
        match self.next() {
            Seen::Datagrams { socket: found, came } if found == socket => came,
            other => panic!("datagrams come next, not {other:?}"),
        }
    }
}

impl From<Completion<'_, Stream>> for Seen {
    fn from(completion: Completion<'_, Stream>) -> Self {
        match completion {
            Completion::Accepted { listener, socket, peer } => Self::Accepted { listener, socket, peer },
            Completion::AcceptFailed { listener, error, shed } => Self::AcceptFailed { listener, error, shed },
            Completion::Received { token, octets, more } => Self::Received { token, octets: octets.to_vec(), more },
            Completion::Ended { token } => Self::Ended { token },
            Completion::Failed { token, error, buffer } => Self::Failed { token, error, buffer },
            Completion::Sent { token, buffer, sent } => Self::Sent { token, buffer, sent },
            Completion::Gone { token } => Self::Gone { token },
            Completion::Returned(buffer) => Self::Returned(buffer),
            Completion::Woken => Self::Woken,
            Completion::Datagrams { socket, batch } => {
                let came = batch.iter_mut().map(|datagram| {
                    let octets = datagram.octets.as_ref()[..datagram.len].to_vec();
                    datagram.answer.as_mut()[..octets.len()].copy_from_slice(&octets);
                    datagram.answer_range = 0..octets.len();
                    Came { reply_to: datagram.reply_to, octets, truncated: datagram.truncated }
                });
                Self::Datagrams { socket, came: came.collect() }
            }
        }
    }
}

/// IPv4 loopback, a port of the system's choice, a small table.
pub(crate) fn local_setup() -> Setup {
    Setup { addresses: vec![([127, 0, 0, 1], 0).into()], connections_max: 64, ..Setup::default() }
}

pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    let client = TcpStream::connect_timeout(&address, PATIENCE).unwrap();
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    client.set_write_timeout(Some(PATIENCE)).unwrap();
    client
}

/// Closes with a reset instead of an end.
pub(crate) fn reset(client: TcpStream) {
    socket2::SockRef::from(&client).set_linger(Some(Duration::ZERO)).unwrap();
}

pub(crate) fn datagram_client(ip: &str) -> UdpSocket {
    let client = UdpSocket::bind((ip, 0)).unwrap();
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    client
}

pub(crate) fn buffer(octets: &[u8]) -> Buffer {
    let mut buffer = Buffer::zeroed(octets.len());
    buffer.as_mut().copy_from_slice(octets);
    buffer
}

/// Everything until the server ends its sending.
pub(crate) fn read_to_end(mut client: &TcpStream) -> Vec<u8> {
    let mut octets = Vec::new();
    client.read_to_end(&mut octets).unwrap();
    octets
}

/// How many descriptors this process has open.
pub(crate) fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}
