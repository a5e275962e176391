//! The real program, in an empty folder, with every wait bounded.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a step that fails is a test that fails")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// How long a test waits for something that must come about.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// An echo request to node 0: in clear, echo `AB CD`.
pub(crate) const ECHO: [u8; 50] = [
    1, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 18, 0, 0, 0, 0, 0, 0, 0xAB, 0xCD, 0, 1, 2, 3,
    4, 5, 6, 7, 8, 9, 10, 11, 0x92, 0x70, 0xC9, 0x65, 0x3E, 0x3E,
];

/// The program, to be run in `folder` with a clean environment.
#[must_use]
pub(crate) fn program(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_raida-server"));
    command.current_dir(folder).env_clear();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A port that nobody has, below those that the system gives to outgoing connections: of these, one may be taken again before
/// the program gets to it.
#[must_use]
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 20_000 + u16::try_from(std::process::id() % 500).unwrap() * 10;
    let mut ports = std::iter::repeat_with(|| first + NEXT.fetch_add(1, Ordering::Relaxed));
    let is_free =
        |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok() && UdpSocket::bind(("127.0.0.1", *port)).is_ok();
    ports.find(is_free).unwrap()
}

/// Runs the program to its end.
#[must_use]
pub(crate) fn run(folder: &Path, arguments: &[&str]) -> Output {
    program(folder).args(arguments).output().unwrap()
}

/// Asserts that the program would not start, and returns the one line on standard error that says why.
#[must_use]
pub(crate) fn refusal(output: &Output) -> String {
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
    text.trim_end().strip_prefix("raida-server: ").unwrap_or_else(|| panic!("not from the program: {text}")).to_owned()
}

/// A node that serves. Killed when dropped.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    lines: Receiver<String>,
    /// Every line on standard error so far.
    pub(crate) log: Vec<String>,
    /// Where it listens.
    pub(crate) addresses: Vec<SocketAddr>,
}

impl Running {
    /// Starts it in `folder` on a port that the system picks.
    #[must_use]
    pub(crate) fn start(folder: &TempDir, arguments: &[&str]) -> Self {
        Self::spawn(program(folder.path()).args(["--listen", "127.0.0.1:0"]).args(arguments))
    }

    /// Starts `command` and waits until it serves.
    #[must_use]
    pub(crate) fn spawn(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (sender, lines) = channel();
        thread::spawn(move || stderr.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let mut running = Self { child, lines, log: Vec::new(), addresses: Vec::new() };
        let line = running.wait_for("serving");
        let (_, behind) = line.split_once("addresses").unwrap();
        let words = behind.split([' ', '"', ',', '=']);
        running.addresses = words.filter_map(|word| word.parse().ok()).collect();
        running
    }

    /// Waits for a line that contains `text`.
    pub(crate) fn wait_for(&mut self, text: &str) -> String {
        loop {
            let Ok(line) = self.lines.recv_timeout(PATIENCE) else { panic!("no {text:?} in {:#?}", self.log) };
            self.log.push(line.clone());
            if line.contains(text) {
                return line;
            }
        }
    }

    /// The number of its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for its end, and for its last line.
    pub(crate) fn end(&mut self) -> ExitStatus {
        let start = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(start.elapsed() < PATIENCE, "it does not end: {:#?}", self.log);
            thread::sleep(Duration::from_millis(5));
        };
        while let Ok(line) = self.lines.recv_timeout(PATIENCE) {
            self.log.push(line);
        }
        status
    }

    /// Stops it and returns its exit code.
    pub(crate) fn stop(&mut self) -> Option<i32> {
        self.signal(Signal::TERM);
        self.end().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asserts that an echo is answered over TCP and over UDP.
pub(crate) fn assert_answers(node: SocketAddr) {
    for answer in [over_tcp(node), over_udp(node)] {
        assert_eq!((answer.len(), answer.get(2), answer.get(6..8)), (32, Some(&250), Some(&[0xAB, 0xCD][..])));
    }
}

/// The answer to an echo over a connection of its own.
#[must_use]
pub(crate) fn over_tcp(node: SocketAddr) -> Vec<u8> {
    let mut stream = TcpStream::connect_timeout(&node, PATIENCE).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(&ECHO).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    answer
}

fn over_udp(node: SocketAddr) -> Vec<u8> {
    let socket = UdpSocket::bind(if node.is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" }).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.send_to(&ECHO, node).unwrap();
    let mut answer = vec![0; 2000];
    let (len, from) = socket.recv_from(&mut answer).unwrap();
    assert_eq!(from, node);
    answer.truncate(len);
    answer
}
