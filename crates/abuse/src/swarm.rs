//! Many connections of one attacker, each with something to say very slowly.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use socket2::{Domain, Socket, Type};

use crate::honest::bind;

/// What each connection does.
#[derive(Clone, Debug)]
pub(crate) struct Habit {
    /// Said at once.
    pub(crate) opening: Vec<u8>,
    /// Said then, again and again, from one `pause` to the next. Nothing: silence.
    pub(crate) drip: Vec<u8>,
    pub(crate) pause: Duration,
    /// Whether it reads what it is answered.
    pub(crate) reads: bool,
    /// The receive buffer that it asks for; `None`: the system's.
    pub(crate) room: Option<usize>,
}

/// Keeps so many connections up: one that the node closes is opened again.
#[derive(Debug)]
pub(crate) struct Swarm {
    node: SocketAddr,
    sources: Vec<Ipv4Addr>,
    habit: Habit,
    size: usize,
    members: Vec<Member>,
    opened: u64,
    closed: u64,
    most: usize,
}

#[derive(Debug)]
struct Member {
    stream: TcpStream,
    /// Octets of the opening that were said.
    said: usize,
    due: Instant,
}

/// Connections opened at once.
const BATCH: usize = 250;

impl Swarm {
    pub(crate) fn new(node: SocketAddr, sources: Vec<Ipv4Addr>, size: usize, habit: Habit) -> Self {
        Self { node, sources, habit, size, members: Vec::new(), opened: 0, closed: 0, most: 0 }
    }

    /// Opens what is missing, a batch at most.
    pub(crate) fn open(&mut self) -> Result<()> {
        for _ in 0..BATCH.min(self.size - self.members.len()) {
            let source = self.sources[usize::try_from(self.opened).unwrap_or_default() % self.sources.len()];
            let stream = connect(self.node, source, self.habit.room)?;
            self.opened += 1;
            // Drips are spread over the pause.
            let part = u32::try_from(self.opened % 64).unwrap_or_default();
            let due = Instant::now() + self.habit.pause * part / 64;
            self.members.push(Member { stream, said: 0, due });
        }
        self.most = self.most.max(self.members.len());
        Ok(())
    }

    /// Brings all connections up, or as many as the node lets it.
    pub(crate) fn open_all(&mut self) -> Result<()> {
        while usize::try_from(self.opened).is_ok_and(|opened| opened < self.size) {
            self.open()?;
            self.drip();
            thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// Says what is due, and lets go of those that the node has closed.
    pub(crate) fn drip(&mut self) {
        let (now, habit) = (Instant::now(), &self.habit);
        let before = self.members.len();
        self.members.retain_mut(|member| member.go_on(now, habit));
        self.closed += u64::try_from(before - self.members.len()).unwrap_or_default();
    }

    /// One turn of both, and a little rest.
    pub(crate) fn turn(&mut self) -> Result<()> {
        self.open()?;
        self.drip();
        thread::sleep(Duration::from_millis(20));
        Ok(())
    }

    pub(crate) fn tally(&self) -> String {
        let Self { opened, closed, most, .. } = self;
        format!("{most} connections at once at most, {opened} opened, {closed} closed by the node")
    }
}

impl Member {
    /// `false` when the node has closed.
    fn go_on(&mut self, now: Instant, habit: &Habit) -> bool {
        if now < self.due {
            return true;
        }
        if habit.reads {
            match self.stream.read(&mut [0; 4096]) {
                Ok(0) => return false,
                Ok(_) => {}
                Err(error) if is_patience(error.kind()) => {}
                Err(_) => return false,
            }
        }
        let words = habit.opening.get(self.said..).filter(|rest| !rest.is_empty());
        let is_opening = words.is_some();
        match self.stream.write(words.unwrap_or(&habit.drip)) {
            Ok(count) if is_opening => self.said += count,
            Ok(_) => self.due = now + habit.pause,
            Err(error) if is_patience(error.kind()) => self.due = now + Duration::from_millis(50),
            Err(_) => return false,
        }
        true
    }
}

/// A connection that never makes its owner wait.
pub(crate) fn connect(node: SocketAddr, source: Ipv4Addr, room: Option<usize>) -> Result<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).context("a socket for an attacker")?;
    socket.set_nonblocking(true)?;
    if let Some(room) = room {
        socket.set_recv_buffer_size(room)?;
    }
    bind(&socket, source).context("binding an attacker's source")?;
    match socket.connect(&node.into()) {
        Err(error) if error.raw_os_error() != Some(EINPROGRESS) => return Err(error).context("an attacker connects"),
        Ok(()) | Err(_) => {}
    }
    Ok(socket.into())
}

const EINPROGRESS: i32 = rustix::io::Errno::INPROGRESS.raw_os_error();

fn is_patience(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::Interrupted | ErrorKind::NotConnected)
}
