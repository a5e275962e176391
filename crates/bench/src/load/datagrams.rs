//! Requests and answers in datagrams, many with one system call.

use std::net::SocketAddrV4;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use anyhow::{Context, Result};
use rustix::net::{self, AddressFamily, SocketFlags, SocketType};

use crate::floor::receive_buffer;
use crate::sys::{Batch, ROOM};

/// Datagrams per system call. No more than a node takes with one, so that it need not wait for the rest of them.
const BATCH: usize = 64;

/// A socket that talks to the server alone.
pub(crate) struct Datagrams {
    socket: OwnedFd,
    out: Batch,
    waiting: usize,
    incoming: Batch,
    filled: usize,
}

impl Datagrams {
    pub(crate) fn connect(server: SocketAddrV4) -> Result<Self> {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let socket = net::socket_with(AddressFamily::INET, SocketType::DGRAM, flags, None)?;
        receive_buffer(&socket)?;
        net::connect(&socket, &server).context("connecting the datagram socket")?;
        Ok(Self { socket, out: Batch::nameless(BATCH), waiting: 0, incoming: Batch::nameless(BATCH), filled: 0 })
    }

    pub(crate) fn socket(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// Adds a request to those that leave together.
    pub(crate) fn push(&mut self, write: impl FnOnce(&mut [u8; ROOM]) -> usize) -> Result<()> {
        if self.waiting == BATCH {
            self.flush()?;
        }
        if let Some(octets) = self.out.octets(self.waiting) {
            let len = write(octets);
            self.out.set_len(self.waiting, len);
            self.waiting += 1;
        }
        Ok(())
    }

    /// Sends what waits.
    pub(crate) fn flush(&mut self) -> Result<()> {
        let mut sent = 0;
        while sent < self.waiting {
            sent += self.out.send(&self.socket, sent, self.waiting).context("sending datagrams")?;
        }
        self.waiting = 0;
        Ok(())
    }

    /// Receives what has come, and says whether anything has.
    pub(crate) fn receive(&mut self) -> Result<bool> {
        self.filled = match self.incoming.receive(&self.socket) {
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => 0,
            outcome => outcome.context("receiving datagrams")?,
        };
        Ok(self.filled > 0)
    }

    pub(crate) fn filled(&self) -> usize {
        self.filled
    }

    /// Whether the last receive has emptied the socket.
    pub(crate) fn is_drained(&self) -> bool {
        self.filled < BATCH
    }

    /// One of those that came last.
    pub(crate) fn answer(&mut self, index: usize) -> Option<&mut [u8]> {
        let len = self.incoming.received_len(index);
        self.incoming.octets(index)?.get_mut(..len)
    }
}
