//! Honest clients: they ask, wait as long as clients do, ask again as clients do, and take notes.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use hdrhistogram::Histogram;
use raida_behaviour::request::{answer, echo_answer, echo_request, plain, without_time};
use serde_json::{Value, json};
use socket2::{Domain, Socket, Type};

/// Two clients, one over TCP and one over UDP.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Honest {
    pub(crate) node: SocketAddr,
    /// The loopback address that they ask from.
    pub(crate) source: Ipv4Addr,
    /// Whether the one over TCP asks about thousands of coins, in pieces that the node has to put together.
    pub(crate) is_long: bool,
}

/// How long an answer may take before a client asks again.
const PATIENCE: [Duration; 3] = [Duration::from_secs(2), Duration::from_secs(4), Duration::from_secs(4)];

/// From one request to the next.
const PACE: Duration = Duration::from_millis(5);

impl Honest {
    /// From 127.0.0.1.
    pub(crate) fn at(node: SocketAddr) -> Self {
        Self { node, source: Ipv4Addr::LOCALHOST, is_long: false }
    }

    /// Asks until it `is_over`, over both transports side by side.
    pub(crate) fn ask(self, is_over: &(dyn Fn() -> bool + Sync)) -> Seen {
        thread::scope(|scope| {
            let tcp = scope.spawn(|| Lane::run(is_over, |number| self.tcp_once(number, PATIENCE[0])));
            let udp = scope.spawn(|| Lane::run(is_over, |number| self.udp_once(number, PATIENCE[0])));
            Seen { tcp: tcp.join().unwrap_or_default(), udp: udp.join().unwrap_or_default() }
        })
    }

    /// Asks for so long.
    pub(crate) fn ask_for(self, span: Duration) -> Seen {
        let start = Instant::now();
        self.ask(&|| start.elapsed() >= span)
    }

    /// How long it takes from now on until one exchange has succeeded over each transport; `None` after 10 seconds.
    pub(crate) fn first_success(self) -> Option<Duration> {
        let start = Instant::now();
        let wait = Duration::from_millis(200);
        let within = |ask: &dyn Fn() -> Result<bool>| {
            while start.elapsed() < Duration::from_secs(10) {
                if ask().unwrap_or(false) {
                    return true;
                }
                thread::sleep(Duration::from_millis(1));
            }
            false
        };
        let all = within(&|| self.tcp_once(number(), wait)) && within(&|| self.udp_once(number(), wait));
        all.then(|| start.elapsed())
    }

    /// One exchange over TCP. `Ok(false)`: an answer, and not the right one.
    pub(crate) fn tcp_once(self, number: u32, patience: Duration) -> Result<bool> {
        let mut stream = self.connected(patience)?;
        let (request, expected) = if self.is_long {
            (plain(1, 10, &[0; 21 * 3000], number), answer(242, 1, number))
        } else {
            (echo_request(number), echo_answer(number))
        };
        let pieces = if self.is_long { request.chunks(request.len() / 4 + 1) } else { request.chunks(request.len()) };
        for piece in pieces {
            stream.write_all(piece).context("asking")?;
            // So that the pieces come one by one.
            thread::sleep(Duration::from_millis(u64::from(self.is_long)));
        }
        let mut answer = vec![0; 32];
        stream.read_exact(&mut answer).context("waiting for the answer")?;
        Ok(without_time(answer) == expected)
    }

    /// One exchange over TCP, whatever is asked.
    pub(crate) fn exchange(self, request: &[u8]) -> Result<Vec<u8>> {
        let mut stream = self.connected(PATIENCE[0])?;
        stream.write_all(request).context("asking")?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).context("waiting for the answer")?;
        Ok(answer)
    }

    fn connected(self, patience: Duration) -> Result<TcpStream> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        bind(&socket, self.source)?;
        socket.connect_timeout(&self.node.into(), patience).context("connecting")?;
        let stream = TcpStream::from(socket);
        stream.set_read_timeout(Some(patience))?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    /// One exchange over UDP.
    pub(crate) fn udp_once(self, number: u32, patience: Duration) -> Result<bool> {
        let socket = UdpSocket::bind((self.source, 0))?;
        socket.connect(self.node)?;
        socket.set_read_timeout(Some(patience))?;
        socket.send(&echo_request(number)).context("asking")?;
        let mut room = [0; 2048];
        let length = socket.recv(&mut room).context("waiting for the answer")?;
        Ok(without_time(room[..length].to_vec()) == echo_answer(number))
    }
}

/// Makes a socket call from a loopback address. From 127.0.0.1 it does anyway, and the system picks the port when it knows who
/// is called: picked before, it has to be one that nobody uses, and the search takes milliseconds after some thousand others.
pub(crate) fn bind(socket: &Socket, source: Ipv4Addr) -> io::Result<()> {
    if source == Ipv4Addr::LOCALHOST { Ok(()) } else { socket.bind(&SocketAddr::from((source, 0)).into()) }
}

/// A number that no other request of this process has.
pub(crate) fn number() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// What two honest clients saw.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) tcp: Lane,
    pub(crate) udp: Lane,
}

/// What one of them saw.
#[derive(Clone, Debug)]
pub(crate) struct Lane {
    pub(crate) asked: u64,
    pub(crate) answered: u64,
    /// Asked again, because no right answer came in time.
    pub(crate) again: u64,
    /// Why the first failure was one.
    pub(crate) first_failure: Option<String>,
    /// From the first asking to the right answer, in microseconds.
    micros: Histogram<u64>,
}

impl Default for Lane {
    fn default() -> Self {
        // One microsecond to one minute, at three digits.
        let micros = Histogram::new_with_bounds(1, 60_000_000, 3).unwrap_or_else(|_| unreachable!("right bounds"));
        Self { asked: 0, answered: 0, again: 0, first_failure: None, micros }
    }
}

impl Lane {
    fn run(is_over: &(dyn Fn() -> bool + Sync), ask: impl Fn(u32) -> Result<bool>) -> Self {
        let mut lane = Self::default();
        while !is_over() {
            lane.exchange(&ask);
            thread::sleep(PACE);
        }
        lane
    }

    fn exchange(&mut self, ask: impl Fn(u32) -> Result<bool>) {
        let start = Instant::now();
        self.asked += 1;
        for attempt in 0..PATIENCE.len() {
            let failure = match ask(number()) {
                Ok(true) => {
                    self.answered += 1;
                    self.micros.saturating_record(u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX));
                    return;
                }
                Ok(false) => "an answer that is not the right one".to_owned(),
                Err(error) => format!("{error:#}"),
            };
            self.first_failure.get_or_insert(failure);
            if attempt + 1 < PATIENCE.len() {
                self.again += 1;
                thread::sleep(Duration::from_millis(50));
            }
        }
    }

    /// At this share of all answers, in microseconds.
    pub(crate) fn at(&self, share: f64) -> u64 {
        self.micros.value_at_quantile(share)
    }

    fn json(&self) -> Value {
        let Self { asked, answered, again, first_failure, .. } = self;
        json!({
            "asked": asked, "answered": answered, "asked_again": again, "first_failure": first_failure,
            "p50_us": self.at(0.5), "p99_us": self.at(0.99), "max_us": self.micros.max(),
        })
    }
}

impl Seen {
    /// Whether every request got its right answer.
    pub(crate) fn is_complete(&self) -> bool {
        self.tcp.asked == self.tcp.answered && self.udp.asked == self.udp.answered
    }

    pub(crate) fn json(&self) -> Value {
        json!({ "tcp": self.tcp.json(), "udp": self.udp.json() })
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TCP {}; UDP {}", self.tcp, self.udp)
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { asked, answered, again, .. } = self;
        let millis = |share| Duration::from_micros(self.at(share)).as_secs_f64() * 1000.0;
        write!(f, "{answered} of {asked}, p50 {:.2} ms, p99 {:.2} ms", millis(0.5), millis(0.99))?;
        if *again > 0 { write!(f, ", {again} asked again") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_server_that_answers_wrongly_is_found_out() {
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let udp = UdpSocket::bind(tcp.local_addr().unwrap()).unwrap();
        let honest = Honest::at(tcp.local_addr().unwrap());
        thread::spawn(move || {
            for stream in tcp.incoming() {
                let mut stream = stream.unwrap();
                stream.read_exact(&mut [0; 50]).unwrap();
                stream.write_all(&[0; 32]).unwrap();
            }
        });
        thread::spawn(move || {
            let mut room = [0; 50];
            while let Ok((length, from)) = udp.recv_from(&mut room) {
                udp.send_to(&room[..length], from).unwrap();
            }
        });
        let seen = honest.ask_for(Duration::from_millis(200));
        assert!(!seen.is_complete(), "{seen}");
        assert_eq!((seen.tcp.answered, seen.udp.answered), (0, 0));
        assert!(seen.tcp.again > 0 && seen.tcp.first_failure.is_some());
    }
}
