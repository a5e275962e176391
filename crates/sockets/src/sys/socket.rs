//! What stream and datagram sockets have in common: being made, bound and asked for their address.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use super::address::{Address, family};
use super::{descriptor, done, option};

/// A new socket for the family of `address`: non-blocking, closed on exec, and IPv6 only where it is IPv6, so that both
/// families can have the same port.
pub(super) fn open(address: SocketAddr, kind: libc::c_int) -> io::Result<OwnedFd> {
    let kind = kind | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    // SAFETY: needs nothing but numbers; answers with a new descriptor that is nobody's yet.
    let socket = unsafe { descriptor(libc::socket(family(address.ip()), kind, 0)) }?;
    if address.is_ipv6() {
        option::set(&socket, libc::IPPROTO_IPV6, libc::IPV6_V6ONLY, 1)?;
    }
    Ok(socket)
}

pub(super) fn bind(socket: BorrowedFd<'_>, address: SocketAddr) -> io::Result<()> {
    let (address, len) = Address::new(address);
    // SAFETY: needs an open descriptor, which the borrow keeps open, and `len` readable octets at the pointer until the
    // call returns: `address` lives on this stack and is at least that long.
    done(unsafe { libc::bind(socket.as_raw_fd(), (&raw const address).cast(), len) })
}

/// The address it is bound to, with the port that the kernel picked where none was asked for.
pub(super) fn local_address(socket: BorrowedFd<'_>) -> io::Result<SocketAddr> {
    let (mut address, mut len) = (Address::NONE, Address::ROOM);
    // SAFETY: needs an open descriptor, which the borrow keeps open, and `len` writable octets at the pointer until the
    // call returns: `address` lives on this stack and is exactly that long.
    done(unsafe { libc::getsockname(socket.as_raw_fd(), (&raw mut address).cast(), &raw mut len) })?;
    address.read().ok_or_else(|| io::ErrorKind::Unsupported.into())
}

/// Lets further sockets of this user that ask for it too be bound to the same address, and share what comes.
pub(super) fn share_port(socket: impl AsFd) -> io::Result<()> {
    option::set(socket, libc::SOL_SOCKET, libc::SO_REUSEPORT, 1)
}
