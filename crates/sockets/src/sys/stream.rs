//! One connection's socket.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use super::address::Address;
use super::{count, done, option, retry};

/// The socket of one connection. Dropping it closes the connection.
#[derive(Debug)]
pub struct Stream(OwnedFd);

impl Stream {
    /// Fills `octets` as far as there is something; 0 means that the peer has ended its sending.
    ///
    /// # Errors
    /// What the system said.
    pub fn receive(&self, octets: &mut [u8]) -> io::Result<usize> {
        // SAFETY: needs an open descriptor, which `self` keeps open, and room for `len` octets at the pointer until the
        // call returns: `octets` is borrowed mutably across it and is that long.
        retry(|| count(unsafe { libc::recv(self.0.as_raw_fd(), octets.as_mut_ptr().cast(), octets.len(), 0) }))
    }

    /// Hands over as much of `octets` as there is room for.
    ///
    /// # Errors
    /// What the system said.
    pub fn send(&self, octets: &[u8]) -> io::Result<usize> {
        self.send_with(octets, 0)
    }

    /// As [`send`](Self::send); if that takes all of `octets`, tells the peer with the same segment that nothing more will
    /// be sent: one trip through the kernel's network instead of two.
    ///
    /// # Errors
    /// What the system said.
    pub fn send_last(&self, octets: &[u8]) -> io::Result<usize> {
        let sent = self.send_with(octets, libc::MSG_MORE)?;
        // What was kept back goes out now. A close alone would do that too, but not if the peer has sent something behind
        // its request: then it would drop the answer.
        if sent == octets.len() {
            self.shut_down_sending()?;
        }
        Ok(sent)
    }

    fn send_with(&self, octets: &[u8], flags: libc::c_int) -> io::Result<usize> {
        let (first, len) = (octets.as_ptr().cast(), octets.len());
        let flags = flags | libc::MSG_NOSIGNAL;
        // SAFETY: needs an open descriptor, which `self` keeps open, and `len` readable octets at the pointer until the
        // call returns: `octets` is borrowed across it and is that long. `MSG_NOSIGNAL` keeps SIGPIPE from this process.
        retry(|| count(unsafe { libc::send(self.0.as_raw_fd(), first, len, flags) }))
    }

    /// How many octets wait to be received.
    ///
    /// # Errors
    /// What the system said.
    pub fn unread(&self) -> io::Result<usize> {
        self.ask(libc::FIONREAD)
    }

    /// Asks for one of the two counts, of octets that wait to be received and of octets that wait to be taken.
    fn ask(&self, count: libc::Ioctl) -> io::Result<usize> {
        let mut octets: libc::c_int = 0;
        // SAFETY: needs an open descriptor, which `self` keeps open, and for `FIONREAD` and `TIOCOUTQ`, which are all that
        // this is called with, a `c_int` to write to until the call returns: `octets` is one, and borrowed mutably across it.
        done(unsafe { libc::ioctl(self.0.as_raw_fd(), count, &raw mut octets) })?;
        Ok(usize::try_from(octets).unwrap_or(0))
    }

    /// How many octets were sent that the peer has not taken.
    ///
    /// # Errors
    /// What the system said.
    pub fn untaken(&self) -> io::Result<usize> {
        self.ask(libc::TIOCOUTQ)
    }

    /// Whether a receive would not have to wait now, be it that it brings the end or an error.
    ///
    /// # Errors
    /// What the system said.
    pub fn is_readable(&self) -> io::Result<bool> {
        self.is_ready(libc::POLLIN)
    }

    /// Whether a send would not have to wait now, be it that it fails.
    ///
    /// # Errors
    /// What the system said.
    pub fn is_writable(&self) -> io::Result<bool> {
        self.is_ready(libc::POLLOUT)
    }

    fn is_ready(&self, events: libc::c_short) -> io::Result<bool> {
        let mut question = libc::pollfd { fd: self.0.as_raw_fd(), events, revents: 0 };
        // SAFETY: needs an open descriptor, which `self` keeps open, and one `pollfd` to write to until the call returns:
        // `question` is one, and borrowed mutably across it. With a timeout of 0 the call does not wait.
        retry(|| done(unsafe { libc::poll(&raw mut question, 1, 0) }))?;
        Ok(question.revents != 0)
    }

    /// Who is at the other end. Fails where the connection is over already.
    ///
    /// # Errors
    /// What the system said.
    pub fn peer_address(&self) -> io::Result<SocketAddr> {
        let (mut peer, mut len) = (Address::NONE, Address::ROOM);
        // SAFETY: needs an open descriptor, which `self` keeps open, and `len` writable octets at the pointer until the
        // call returns: `peer` lives on this stack and is exactly that long.
        done(unsafe { libc::getpeername(self.0.as_raw_fd(), (&raw mut peer).cast(), &raw mut len) })?;
        peer.read().ok_or_else(|| io::ErrorKind::Unsupported.into())
    }

    /// Tells the peer that nothing more will be sent. Receiving goes on.
    ///
    /// # Errors
    /// What the system said.
    pub fn shut_down_sending(&self) -> io::Result<()> {
        // SAFETY: needs an open descriptor, which `self` keeps open.
        done(unsafe { libc::shutdown(self.0.as_raw_fd(), libc::SHUT_WR) })
    }

    /// Makes the close drop what is unsent and tell the peer so.
    ///
    /// # Errors
    /// What the system said.
    pub fn reset_on_close(&self) -> io::Result<()> {
        option::set_linger_zero(&self.0)
    }
}

impl From<OwnedFd> for Stream {
    /// Takes a connection that somebody else has accepted.
    fn from(socket: OwnedFd) -> Self {
        Self(socket)
    }
}

impl From<Stream> for OwnedFd {
    fn from(stream: Stream) -> Self {
        stream.0
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
