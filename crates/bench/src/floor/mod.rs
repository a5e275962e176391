//! The floor: what a server costs that makes the system calls of a node and does nothing else.
//!
//! It knows no protocol. It is told how long requests and answers are, and answers with the first octets of whatever came.
//! It is the yardstick, so it is as lean as we can make it; where something could be leaner, that is a defect of the
//! measurement.

mod epoll;
mod ring;

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::OwnedFd;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use rustix::net::{self, AddressFamily, SocketFlags, SocketType, sockopt};

/// Which floor, and the lengths of what it is asked and answers.
#[derive(Args, Clone, Debug)]
pub(crate) struct Shape {
    /// The kernel interface.
    #[arg(long)]
    pub(crate) backend: Interface,
    /// Octets of a request over TCP.
    #[arg(long, default_value_t = 50)]
    pub(crate) request: usize,
    /// Octets of its answer.
    #[arg(long, default_value_t = 32)]
    pub(crate) answer: usize,
    /// Keep connections open, and answer everything that one receive has brought with one send.
    #[arg(long)]
    pub(crate) persistent: bool,
    /// Send the answer and close, as most servers do, so that the end travels behind the answer. On epoll only.
    #[arg(long)]
    pub(crate) plain: bool,
}

/// A kernel interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Interface {
    Epoll,
    IoUring,
}

/// Octets of the answer to a datagram: a vote packet is told from the rest by its length.
pub(crate) const fn datagram_answer(request: usize) -> usize {
    if request == raida_wire::vote::REQUEST_LEN { raida_wire::vote::ANSWER_LEN } else { raida_wire::SHORT }
}

/// Serves until the process is killed, on ports that the system picks; says which on standard error.
pub(crate) fn serve(shape: &Shape) -> Result<()> {
    let (listener, datagrams, address) = open().context("opening the floor's sockets")?;
    // The ring may be refused: then nobody is told that it serves.
    let say = || eprintln!("serving {address}");
    match shape.backend {
        Interface::Epoll => {
            say();
            epoll::serve(shape, &listener, &datagrams)
        }
        Interface::IoUring => ring::serve(shape, &listener, &datagrams, say),
    }
}

/// A listener and a datagram socket on the same port.
fn open() -> io::Result<(OwnedFd, OwnedFd, SocketAddrV4)> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let mut last = io::Error::from(io::ErrorKind::AddrInUse);
    for _ in 0..16 {
        let listener = net::socket_with(AddressFamily::INET, SocketType::STREAM, flags, None)?;
        sockopt::set_socket_reuseaddr(&listener, true)?;
        sockopt::set_tcp_nodelay(&listener, true)?;
        net::bind(&listener, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0))?;
        let address = SocketAddrV4::try_from(net::getsockname(&listener)?)?;
        let datagrams = net::socket_with(AddressFamily::INET, SocketType::DGRAM, flags, None)?;
        receive_buffer(&datagrams)?;
        match net::bind(&datagrams, &address) {
            Ok(()) => {
                net::listen(&listener, 4096)?;
                return Ok((listener, datagrams, address));
            }
            Err(error) => last = error.into(),
        }
    }
    Err(last)
}

/// The same receive buffer that a node asks for.
pub(crate) fn receive_buffer(socket: &OwnedFd) -> io::Result<()> {
    const OCTETS: usize = 4 << 20;
    sockopt::set_socket_recv_buffer_size_force(socket, OCTETS)
        .or_else(|_| sockopt::set_socket_recv_buffer_size(socket, OCTETS))
        .map_err(io::Error::from)
}
