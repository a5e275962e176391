//! A listening stream socket.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use super::address::Address;
use super::stream::Stream;
use super::{descriptor, done, option, retry, socket};

/// A stream socket that hands out connections.
///
/// Linux gives an accepted connection the options of its listener, so they are set here, once.
#[derive(Debug)]
pub struct ListeningSocket(OwnedFd);

impl ListeningSocket {
    /// For the family of `address`; restarts are not held up by connections of the time before.
    pub(crate) fn open(address: SocketAddr) -> io::Result<Self> {
        let socket = socket::open(address, libc::SOCK_STREAM)?;
        option::set(&socket, libc::SOL_SOCKET, libc::SO_REUSEADDR, 1)?;
        option::set(&socket, libc::IPPROTO_TCP, libc::TCP_NODELAY, 1)?;
        Ok(Self(socket))
    }

    /// Makes the kernel ask a silent peer whether it still lives.
    pub(crate) fn set_keepalive(&self, idle: Duration, interval: Duration, probes: u32) -> io::Result<()> {
        let seconds = |span: Duration| libc::c_int::try_from(span.as_secs()).unwrap_or(libc::c_int::MAX);
        let probes = libc::c_int::try_from(probes).unwrap_or(libc::c_int::MAX);
        option::set(&self.0, libc::IPPROTO_TCP, libc::TCP_KEEPIDLE, seconds(idle))?;
        option::set(&self.0, libc::IPPROTO_TCP, libc::TCP_KEEPINTVL, seconds(interval))?;
        option::set(&self.0, libc::IPPROTO_TCP, libc::TCP_KEEPCNT, probes)?;
        option::set(&self.0, libc::SOL_SOCKET, libc::SO_KEEPALIVE, 1)
    }

    /// How much the kernel holds unsent for each connection, in octets.
    pub(crate) fn set_send_buffer(&self, octets: usize) -> io::Result<()> {
        let octets = libc::c_int::try_from(octets).unwrap_or(libc::c_int::MAX);
        option::set(&self.0, libc::SOL_SOCKET, libc::SO_SNDBUF, octets)
    }

    pub(crate) fn share_port(&self) -> io::Result<()> {
        socket::share_port(&self.0)
    }

    pub(crate) fn bind(&self, address: SocketAddr) -> io::Result<()> {
        socket::bind(self.0.as_fd(), address)
    }

    pub(crate) fn local_address(&self) -> io::Result<SocketAddr> {
        socket::local_address(self.0.as_fd())
    }

    /// Lets connections in; the kernel keeps up to `backlog` of them waiting.
    ///
    /// # Errors
    /// What the system said.
    pub fn listen(&self, backlog: u32) -> io::Result<()> {
        let backlog = libc::c_int::try_from(backlog).unwrap_or(libc::c_int::MAX);
        // SAFETY: needs an open descriptor, which `self` keeps open.
        done(unsafe { libc::listen(self.0.as_raw_fd(), backlog) })
    }

    /// The next connection that waits, non-blocking and closed on exec, and who it is from.
    ///
    /// # Errors
    /// What the system said; `WouldBlock`: nobody waits.
    pub fn accept(&self) -> io::Result<(Stream, SocketAddr)> {
        let (mut peer, mut len) = (Address::NONE, Address::ROOM);
        let socket = retry(|| {
            let flags = libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
            len = Address::ROOM;
            // SAFETY: needs an open descriptor, which `self` keeps open, and `len` writable octets at the pointer until
            // the call returns: `peer` lives on this stack and is exactly that long. Answers with a new descriptor that
            // is nobody's yet.
            unsafe {
                let address = (&raw mut peer).cast();
                descriptor(libc::accept4(self.0.as_raw_fd(), address, &raw mut len, flags))
            }
        })?;
        let peer = peer.read().ok_or(io::ErrorKind::ConnectionAborted)?;
        Ok((Stream::from(socket), peer))
    }
}

impl AsFd for ListeningSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
