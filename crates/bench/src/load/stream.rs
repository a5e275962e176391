//! One request over a connection of its own.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use anyhow::{Context, Result, bail};
use rustix::io::Errno;
use rustix::net::{self, AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};

use crate::load::question::Question;

/// Octets of the longest request or answer over a connection.
const ROOM: usize = 2048;

/// Opens connections.
pub(crate) struct Streams {
    server: SocketAddrV4,
    /// Ports of 127.0.0.1 may be used up; 127.0.0.2 has as many again.
    source: u8,
}

/// A connection, its request, and as much of the answer as has come.
pub(crate) struct Stream {
    socket: OwnedFd,
    octets: Box<[u8; ROOM]>,
    /// Octets of the request; 0 once they are sent.
    request: usize,
    got: usize,
}

/// What a receive has brought.
pub(crate) enum Step<'s> {
    Waiting,
    Whole(&'s mut [u8]),
}

impl Streams {
    pub(crate) fn new(server: SocketAddrV4) -> Self {
        Self { server, source: 1 }
    }

    /// Connects, and sends the request if the connection is there at once, as on loopback it is.
    pub(crate) fn open(&mut self, question: &Question, number: u32) -> Result<Stream> {
        let mut octets = Box::new([0; ROOM]);
        let request = question.write(number, &mut octets[..]);
        let mut stream = Stream { socket: self.connect()?, octets, request, got: 0 };
        stream.send()?;
        Ok(stream)
    }

    /// A connection that is there, or on its way.
    pub(crate) fn connect(&mut self) -> Result<OwnedFd> {
        loop {
            let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
            let socket = net::socket_with(AddressFamily::INET, SocketType::STREAM, flags, None)?;
            if self.source > 1 {
                net::bind(&socket, &SocketAddrV4::new(Ipv4Addr::new(127, 0, 0, self.source), 0))?;
            }
            match net::connect(&socket, &self.server) {
                Ok(()) | Err(Errno::INPROGRESS) => return Ok(socket),
                Err(Errno::ADDRNOTAVAIL) if self.source < 100 => self.source += 1,
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl Stream {
    pub(crate) fn socket(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    pub(crate) fn is_sent(&self) -> bool {
        self.request == 0
    }

    /// Sends the request, if the connection is there.
    pub(crate) fn send(&mut self) -> Result<()> {
        let octets = self.octets.get(..self.request).context("an odd request")?;
        match net::send(&self.socket, octets, SendFlags::NOSIGNAL) {
            Ok(sent) if sent == self.request => self.request = 0,
            Ok(sent) => bail!("only {sent} of {} octets were taken", self.request),
            Err(Errno::AGAIN | Errno::NOTCONN) => {}
            Err(error) => return Err(error).context("sending"),
        }
        Ok(())
    }

    /// Takes in what has come of an answer of `len` octets.
    pub(crate) fn receive(&mut self, len: usize) -> Result<Step<'_>> {
        let room = self.octets.get_mut(self.got..).context("an odd answer")?;
        match net::recv(&self.socket, room, RecvFlags::empty()) {
            Ok((_, 0)) => bail!("closed after {} of {len} octets", self.got),
            Ok((_, received)) => self.got += received,
            Err(Errno::AGAIN | Errno::INTR) => return Ok(Step::Waiting),
            Err(error) => return Err(error).context("receiving"),
        }
        if self.got < len {
            return Ok(Step::Waiting);
        }
        Ok(Step::Whole(self.octets.get_mut(..self.got).unwrap_or_default()))
    }
}
