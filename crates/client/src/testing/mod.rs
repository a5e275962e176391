//! Nodes for tests: they listen on loopback, on a port that the system picks, and do as they are told.
//!
//! [`Honest`] answers as a real node does, with the server side of `raida-wire`; with a [`Bank`] it also has coins.
//! [`Listener`] hands every connection or datagram to a script, which may use an [`Honest`] and then spoil what it made.

mod bank;
mod moody;

use std::any::Any;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use raida_wire::audit::{self, Counts};
use raida_wire::stats::{self, Stats};
use raida_wire::{
    AuthenticityNumber, CoinId, Command, HEADROOM, Head, Key, KeyName, LONG, Refusal, Rules, Status, TAILROOM, open,
    vote,
};

use crate::address::Address;
use crate::envelope::KeyCoin;
use crate::target::Target;

pub use self::bank::{Bank, Books};
pub use self::moody::{Mood, MoodyNode};

/// The version that an [`Honest`] node tells.
pub const VERSION: &[u8; 8] = b"20250323";
/// The admin key that an [`Honest`] node takes.
pub const ADMIN_KEY: [u8; 16] = [0xAD; 16];
/// The counters of an [`Honest`] node.
pub const STATS: Stats = Stats { echoes: 1, coins_powned: 2, value_powned: 300_000_000, udp_datagrams: 4 };
/// The roots of an [`Honest`] node.
pub const ROOTS: [u8; vote::ROOTS_LEN] = [0x52; vote::ROOTS_LEN];

/// A node that plays by the rules, without sockets.
#[derive(Clone, Debug)]
pub struct Honest {
    /// Who it is.
    pub rules: Rules,
    /// The coins it knows.
    pub coins: Vec<KeyCoin>,
    /// The lockers it knows.
    pub lockers: Vec<AuthenticityNumber>,
    /// Coins that commands can change. Without a bank it does not know these commands.
    pub bank: Option<Bank>,
}

impl Honest {
    /// The node of this id, on coin network 6, knowing no key.
    #[must_use]
    pub const fn new(raida_id: u8) -> Self {
        let rules = Rules { raida_id, coin_id: Target::COIN_ID, body_max: u16::MAX };
        Self { rules, coins: Vec::new(), lockers: Vec::new(), bank: None }
    }

    /// The answer to what has arrived; `None` while it is not whole.
    #[must_use]
    pub fn answer(&self, request: &[u8]) -> Option<Vec<u8>> {
        match self.judge(request) {
            Ok(answer) => answer,
            Err(refusal) => {
                let mut octets = [0; LONG];
                let len = refusal.write(&mut octets, self.rules.raida_id, 23, &[0x5A; 24]);
                octets.get(..len).map(<[u8]>::to_vec)
            }
        }
    }

    /// The answer to a datagram: votes too, and nothing larger than the question.
    #[must_use]
    pub fn answer_datagram(&self, datagram: &[u8]) -> Option<Vec<u8>> {
        if let Some(question) = vote::Request::parse(datagram) {
            return Some(vote::answer(&question, &ROOTS).to_vec());
        }
        self.answer(datagram).filter(|answer| answer.len() <= datagram.len())
    }

    fn judge(&self, request: &[u8]) -> Result<Option<Vec<u8>>, Refusal> {
        let Some(head) = Head::judge(request, &self.rules)? else { return Ok(None) };
        let unknown = || head.refuse(head.unknown_key());
        let number = |coin| self.coins.iter().find(|known| known.coin.raw() == coin).map(|known| &known.number);
        let key = match head.key() {
            KeyName::None => Key::None,
            KeyName::Coin(coin) => Key::Coin(number(coin).ok_or_else(unknown)?),
            KeyName::Locker(_) => Key::Lockers(&self.lockers),
            KeyName::TwoCoins(first, second) => {
                Key::TwoCoins(number(first).ok_or_else(unknown)?, number(second).ok_or_else(unknown)?)
            }
        };
        head.check_length(&self.rules)?;
        let Some(body) = request.get(head.header_len()..head.request_len()) else { return Ok(None) };
        let mut body = body.to_vec();
        let (payload, session) = open(&head, &mut body, &key)?;
        let banked = self.bank.as_ref().and_then(|bank| bank.run(head.command(), payload));
        let (status, answer) = banked.unwrap_or_else(|| run(head.command(), payload));
        let mut buffer = [&[0; HEADROOM], answer.as_slice(), &[0; TAILROOM]].concat();
        let lies_at = session.seal(&mut buffer, answer.len(), status, self.rules.raida_id, 23, &[0x5A; 24]);
        Ok(buffer.get(lies_at).map(<[u8]>::to_vec))
    }
}

/// The Status group, and 89 for the rest.
fn run(command: Command, payload: &[u8]) -> (Status, Vec<u8>) {
    match command {
        Command::ECHO => (Status::SUCCESS, Vec::new()),
        Command::VERSION => (Status::SUCCESS, VERSION.to_vec()),
        Command::AUDIT => {
            let mut octets = [0; audit::LEN];
            counts().emit(&mut octets);
            (Status::SUCCESS, octets.to_vec())
        }
        Command::SHOW_STATS if *payload == ADMIN_KEY => {
            let mut octets = [0; stats::LEN];
            STATS.emit(&mut octets);
            (Status::SUCCESS, octets.to_vec())
        }
        Command::SHOW_STATS => (Status::ADMIN_AUTH, Vec::new()),
        _ => (Status::NOT_IMPLEMENTED, Vec::new()),
    }
}

/// What an [`Honest`] node answers to Audit: 1 coin of denomination -8, 2 of -7, up to 15 of 6.
#[must_use]
pub fn counts() -> Counts {
    let mut ascending = 1..;
    Counts([0; 15].map(|_| ascending.next().unwrap_or_default()))
}

/// A coin that an [`Honest`] node may be given, with its authenticity number.
#[must_use]
pub fn key_coin(exponent: i8, number: u8) -> Option<KeyCoin> {
    let coin = CoinId::new(exponent, u32::from(number))?;
    Some(KeyCoin { coin, number: AuthenticityNumber::new([number; 16]) })
}

/// A thread that serves one loopback port until it is dropped. Dropping waits for the script to return, and for it to have
/// seen every datagram that came before.
pub struct Listener {
    address: SocketAddr,
    is_over: Arc<AtomicBool>,
    is_tcp: bool,
    thread: Option<JoinHandle<()>>,
}

impl Listener {
    /// Gives every connection to the script, one after the other.
    ///
    /// # Errors
    ///
    /// When the port can not be had.
    pub fn tcp(mut script: impl FnMut(TcpStream) + Send + 'static) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        Self::start(listener.local_addr()?, true, move |is_over| {
            while let Ok((stream, _)) = listener.accept() {
                if is_over.load(Ordering::SeqCst) {
                    return;
                }
                script(stream);
            }
        })
    }

    /// Gives every datagram to the script, one after the other.
    ///
    /// # Errors
    ///
    /// When the port can not be had.
    pub fn udp(script: impl FnMut(&UdpSocket, &[u8], SocketAddr) + Send + 'static) -> io::Result<Self> {
        Self::udp_at(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), script)
    }

    fn udp_at(
        address: SocketAddr,
        mut script: impl FnMut(&UdpSocket, &[u8], SocketAddr) + Send + 'static,
    ) -> io::Result<Self> {
        let socket = UdpSocket::bind(address)?;
        Self::start(socket.local_addr()?, false, move |is_over| {
            let mut buffer = vec![0; 65_535];
            while let Ok((len, from)) = socket.recv_from(&mut buffer) {
                if len == 0 && is_over.load(Ordering::SeqCst) {
                    return;
                }
                script(&socket, buffer.get(..len).unwrap_or_default(), from);
            }
        })
    }

    /// The address it serves.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The node there, by this id.
    #[must_use]
    pub fn target(&self, raida_id: u8) -> Target {
        Target { raida_id, ..Target::new(Address::from(self.address)) }
    }

    fn start(address: SocketAddr, is_tcp: bool, serve: impl FnOnce(&AtomicBool) + Send + 'static) -> io::Result<Self> {
        let is_over = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&is_over);
        let thread = thread::Builder::new().name("fake-node".into()).spawn(move || serve(&told))?;
        Ok(Self { address, is_over, is_tcp, thread: Some(thread) })
    }

    /// Wakes the thread out of its system call.
    fn knock(&self) -> io::Result<()> {
        if self.is_tcp {
            TcpStream::connect(self.address).map(drop)
        } else {
            UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?.send_to(&[], self.address).map(drop)
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        if self.knock().is_ok() {
            // A script that panicked has said so on standard error, and its test misses the answer.
            drop(self.thread.take().map(JoinHandle::join));
        }
    }
}

/// An [`Honest`] node on a TCP and a UDP socket of the same port.
pub struct FakeNode {
    tcp: Listener,
    _udp: Listener,
}

impl FakeNode {
    /// How many ports are tried whose other half may be taken.
    const TRIES: usize = 64;

    /// Starts it.
    ///
    /// # Errors
    ///
    /// When there is no port that is free for both.
    pub fn start(node: &Honest) -> io::Result<Self> {
        let mut last = io::ErrorKind::AddrInUse.into();
        for _ in 0..Self::TRIES {
            let (by_tcp, by_udp) = (node.clone(), node.clone());
            let tcp = Listener::tcp(move |stream| drop(serve(&by_tcp, stream)))?;
            let udp = Listener::udp_at(tcp.address(), move |socket, datagram, from| {
                if let Some(answer) = by_udp.answer_datagram(datagram) {
                    drop(socket.send_to(&answer, from));
                }
            });
            match udp {
                Ok(udp) => return Ok(Self { tcp, _udp: udp }),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// The address it serves.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.tcp.address()
    }

    /// The node there, by this id.
    #[must_use]
    pub fn target(&self, raida_id: u8) -> Target {
        self.tcp.target(raida_id)
    }
}

/// A port on loopback where nobody listens, and nobody else can begin to.
///
/// It belongs to a socket that only talks with another socket of its own.
pub struct ClosedPort {
    address: SocketAddr,
    _sockets: Box<dyn Any + Send>,
}

impl ClosedPort {
    /// Closed for TCP.
    ///
    /// # Errors
    ///
    /// When the port can not be had.
    pub fn tcp() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let stream = TcpStream::connect(listener.local_addr()?)?;
        Ok(Self { address: stream.local_addr()?, _sockets: Box::new((listener, stream)) })
    }

    /// Closed for UDP.
    ///
    /// # Errors
    ///
    /// When the port can not be had.
    pub fn udp() -> io::Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        let other = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.connect(other.local_addr()?)?;
        Ok(Self { address: socket.local_addr()?, _sockets: Box::new((socket, other)) })
    }

    /// The address.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Reads one request and writes the honest answer.
///
/// # Errors
///
/// When the connection fails, or ends in the middle of the request.
pub fn serve(node: &Honest, mut stream: TcpStream) -> io::Result<()> {
    let answer = read_request(node, &mut stream)?;
    stream.write_all(&answer)
}

/// Reads one request and gives the honest answer, unsent.
///
/// # Errors
///
/// When the connection fails, or ends in the middle of the request.
pub fn read_request(node: &Honest, stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut request = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        if let Some(answer) = node.answer(&request) {
            return Ok(answer);
        }
        match stream.read(&mut chunk)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => request.extend_from_slice(chunk.get(..read).unwrap_or_default()),
        }
    }
}
