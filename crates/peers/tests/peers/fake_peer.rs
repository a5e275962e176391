//! A peer on loopback that does as its script says.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use raida_peers::Address;
use raida_wire::{
    AuthenticityNumber, CoinId, Command, Encryption, HEADROOM, Head, Key, KeyName, Rules, Status, TAILROOM, open, vote,
};

/// One request as a script sees it.
pub(crate) struct Asked<'a> {
    pub(crate) command: Command,
    pub(crate) encryption: Encryption,
    pub(crate) payload: &'a [u8],
}

/// What a peer does about a request.
pub(crate) enum Deed {
    /// Answers well.
    Answer(Status, Vec<u8>),
    /// Answers in the name of another node.
    AnswerAs(u8, Vec<u8>),
    /// Writes these octets and closes.
    Raw(Vec<u8>),
    /// Says that this many octets follow, and sends one after the other.
    Drip(u32),
    /// Says that this many octets follow, and sends as many as it can, without end.
    Flood(u32),
    /// Says nothing until the asker goes.
    Silence,
    /// Closes without a word.
    Close,
}

/// What a peer does.
pub(crate) trait Script: Send + Sync + 'static {
    /// For a request by TCP.
    fn answer(&self, asked: &Asked<'_>) -> Deed;

    /// For a vote by UDP; `None`: silence.
    fn vote(&self, _request: &vote::Request<'_>) -> Option<Vec<u8>> {
        None
    }

    /// The number of a key coin.
    fn number(&self, _coin: CoinId) -> Option<AuthenticityNumber> {
        None
    }
}

impl<F: Fn(&Asked<'_>) -> Deed + Send + Sync + 'static> Script for F {
    fn answer(&self, asked: &Asked<'_>) -> Deed {
        self(asked)
    }
}

/// Two threads on the TCP and the UDP socket of one port, until it is dropped.
pub(crate) struct FakePeer {
    address: SocketAddr,
    log: Arc<Log>,
    is_over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

/// What a peer has seen.
#[derive(Default)]
struct Log {
    connections: AtomicUsize,
    /// Every request, whatever came behind it included.
    requests: Mutex<Vec<Vec<u8>>>,
}

impl FakePeer {
    /// The peer of this id.
    pub(crate) fn start(raida_id: u8, script: impl Script) -> Self {
        let (script, log) = (Arc::new(script), Arc::new(Log::default()));
        let (by_tcp, by_udp, seen) = (Arc::clone(&script), script, Arc::clone(&log));
        Self::serve(
            log,
            move |stream| drop(serve(stream, raida_id, &*by_tcp, &seen)),
            move |datagram| vote::Request::parse(datagram).and_then(|request| by_udp.vote(&request)),
        )
    }

    /// A peer that does this with connections, each on a thread of its own, and this with datagrams.
    pub(crate) fn with(
        on_stream: impl Fn(TcpStream) + Send + Sync + 'static,
        on_datagram: impl Fn(&[u8]) -> Option<Vec<u8>> + Send + 'static,
    ) -> Self {
        Self::serve(Arc::default(), on_stream, on_datagram)
    }

    fn serve(
        log: Arc<Log>,
        on_stream: impl Fn(TcpStream) + Send + Sync + 'static,
        on_datagram: impl Fn(&[u8]) -> Option<Vec<u8>> + Send + 'static,
    ) -> Self {
        let (tcp, udp) = sockets();
        let address = tcp.local_addr().unwrap();
        let is_over = Arc::new(AtomicBool::new(false));
        let (streams_over, datagrams_over, seen) = (Arc::clone(&is_over), Arc::clone(&is_over), Arc::clone(&log));
        let by_tcp = thread::spawn(move || serve_streams(&tcp, Arc::new(on_stream), &seen, &streams_over));
        let by_udp = thread::spawn(move || serve_datagrams(&udp, on_datagram, &datagrams_over));
        Self { address, log, is_over, threads: vec![by_tcp, by_udp] }
    }

    pub(crate) fn address(&self) -> Address {
        self.address.into()
    }

    /// How many connections there were.
    pub(crate) fn connections(&self) -> usize {
        self.log.connections.load(Ordering::SeqCst)
    }

    /// The requests, each with whatever came behind it.
    pub(crate) fn requests(&self) -> Vec<Vec<u8>> {
        self.log.requests.lock().unwrap().clone()
    }
}

impl Drop for FakePeer {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
        drop(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|socket| socket.send_to(&[], self.address)));
        self.threads.drain(..).for_each(|thread| thread.join().unwrap());
    }
}

/// A port that is free for both.
fn sockets() -> (TcpListener, UdpSocket) {
    let pair = || {
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let udp = UdpSocket::bind(tcp.local_addr()?)?;
        io::Result::Ok((tcp, udp))
    };
    (0..64).find_map(|_| pair().ok()).unwrap()
}

/// A port where nobody listens, and nobody else can begin to: it is that of a socket which was bound and does not listen.
pub(crate) fn closed_port() -> (Address, TcpStream, TcpListener) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (stream.local_addr().unwrap().into(), stream, listener)
}

fn serve_datagrams(socket: &UdpSocket, answer: impl Fn(&[u8]) -> Option<Vec<u8>>, is_over: &AtomicBool) {
    let mut buffer = [0; 2048];
    while !is_over.load(Ordering::SeqCst) {
        let Ok((len, from)) = socket.recv_from(&mut buffer) else { return };
        if let Some(answer) = answer(&buffer[..len]) {
            socket.send_to(&answer, from).unwrap();
        }
    }
}

/// A thread for every connection. It ends when its asker goes.
fn serve_streams(
    listener: &TcpListener,
    serve: Arc<impl Fn(TcpStream) + Send + Sync + 'static>,
    log: &Log,
    is_over: &AtomicBool,
) {
    while let Ok((stream, _)) = listener.accept() {
        if is_over.load(Ordering::SeqCst) {
            return;
        }
        log.connections.fetch_add(1, Ordering::SeqCst);
        let serve = Arc::clone(&serve);
        thread::spawn(move || serve(stream));
    }
}

fn serve(mut stream: TcpStream, raida_id: u8, script: &impl Script, log: &Log) -> io::Result<()> {
    let rules = Rules { raida_id, coin_id: 6, body_max: u16::MAX };
    let mut octets = Vec::new();
    let head = loop {
        let mut chunk = [0; 4096];
        let read = stream.read(&mut chunk)?;
        if read == 0 {
            return Ok(());
        }
        octets.extend_from_slice(&chunk[..read]);
        match Head::judge(&octets, &rules) {
            Ok(Some(head)) if octets.len() >= head.request_len() => break head,
            Ok(_) => {}
            Err(_) => return Ok(()),
        }
    };
    log.requests.lock().unwrap().push(octets.clone());
    let numbers = match head.key() {
        KeyName::Coin(coin) => coin.judge().and_then(|coin| script.number(coin)),
        KeyName::None | KeyName::Locker(_) | KeyName::TwoCoins(..) => None,
    };
    let key = numbers.as_ref().map_or(Key::None, Key::Coin);
    let mut body = octets[head.header_len()..head.request_len()].to_vec();
    let (payload, session) = match open(&head, &mut body, &key) {
        Ok(opened) => opened,
        Err(refusal) => {
            let mut answer = [0; 48];
            let len = refusal.write(&mut answer, raida_id, 23, &[0x5A; 24]);
            return stream.write_all(&answer[..len]);
        }
    };
    let asked = Asked { command: head.command(), encryption: head.encryption(), payload };
    let seal = |raida_id, status, payload: &[u8]| {
        let mut buffer = [&[0; HEADROOM], payload, &[0; TAILROOM]].concat();
        let lies_at = session.seal(&mut buffer, payload.len(), status, raida_id, 23, &[0x5A; 24]);
        buffer[lies_at].to_vec()
    };
    match script.answer(&asked) {
        Deed::Answer(status, payload) => stream.write_all(&seal(raida_id, status, &payload)),
        Deed::AnswerAs(other, payload) => stream.write_all(&seal(other, Status::SUCCESS, &payload)),
        Deed::Raw(octets) => stream.write_all(&octets),
        Deed::Drip(size) => {
            stream.write_all(&announcing(size, seal(raida_id, Status::SUCCESS, &[7])))?;
            loop {
                stream.write_all(&[0])?;
                thread::sleep(Duration::from_millis(20));
            }
        }
        Deed::Flood(size) => {
            stream.write_all(&announcing(size, seal(raida_id, Status::SUCCESS, &[7])))?;
            loop {
                stream.write_all(&[0; 65_536])?;
            }
        }
        Deed::Silence => stream.read(&mut [0]).map(drop),
        Deed::Close => Ok(()),
    }
}

/// The header of an answer, with another body size.
fn announcing(size: u32, mut answer: Vec<u8>) -> Vec<u8> {
    answer.truncate(32);
    answer[9..12].copy_from_slice(&size.to_be_bytes()[1..]);
    answer
}
