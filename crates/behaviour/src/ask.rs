//! Raw exchanges: octets out, octets back, every wait bounded.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use crate::{PATIENCE, request};

/// What comes back where there is no answer.
pub const NOTHING: [u8; 0] = [];

/// A connection whose every wait is bounded by [`PATIENCE`].
#[must_use]
pub fn connect(node: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect_timeout(&node, PATIENCE).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// Sends `octets` over a connection of its own and returns all that comes back until the node closes.
#[must_use]
pub fn tcp(node: SocketAddr, octets: &[u8]) -> Vec<u8> {
    let mut stream = connect(node);
    stream.write_all(octets).unwrap();
    read_to_close(&mut stream)
}

/// Everything until the node closes.
///
/// # Panics
///
/// When the connection is reset, which would have destroyed an answer, or stays open.
#[must_use]
pub fn read_to_close(stream: &mut TcpStream) -> Vec<u8> {
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap_or_else(|error| panic!("after {} octets: {error}", answer.len()));
    answer
}

/// Says that nothing more will be sent.
pub fn half_close(stream: &TcpStream) {
    stream.shutdown(Shutdown::Write).unwrap();
}

/// Closes so that the node sees a reset.
pub fn reset(stream: TcpStream) {
    socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
    drop(stream);
}

/// A datagram socket that talks to `node` alone.
#[must_use]
pub fn udp_socket(node: SocketAddr) -> UdpSocket {
    let local = if node.is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" };
    let socket = UdpSocket::bind(local).unwrap();
    socket.connect(node).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

/// Sends one datagram and returns the answer.
#[must_use]
pub fn udp(node: SocketAddr, octets: &[u8]) -> Vec<u8> {
    let socket = udp_socket(node);
    socket.send(octets).unwrap();
    receive(&socket).expect("an answer")
}

/// Sends one datagram, then `probe`, and returns the first answer that comes back. Where it is the answer to `probe`, the
/// node had nothing to say to the datagram: it takes them in order.
#[must_use]
pub fn udp_then_probe(node: SocketAddr, octets: &[u8], probe: &[u8]) -> Vec<u8> {
    let socket = udp_socket(node);
    socket.send(octets).unwrap();
    socket.send(probe).unwrap();
    receive(&socket).expect("at least the probe is answered")
}

/// Returns when the node has had its turn at everything that was sent to it before: it answers datagrams in turn, too.
pub fn round_trip(node: SocketAddr) {
    let answer = udp(node, &request::bodyless(0, 0, 0));
    assert_eq!(answer.len(), 32);
}

/// Checks that nothing has come back, and that the connection is still open.
pub fn nothing_yet(stream: &TcpStream) {
    stream.set_nonblocking(true).unwrap();
    let came = stream.peek(&mut [0]);
    stream.set_nonblocking(false).unwrap();
    assert_eq!(came.expect_err("the node waits").kind(), ErrorKind::WouldBlock);
}

/// The next datagram, or `None` when none comes within the socket's time.
#[must_use]
pub fn receive(socket: &UdpSocket) -> Option<Vec<u8>> {
    let mut room = vec![0; 65_536];
    match socket.recv(&mut room) {
        Ok(length) => Some(room[..length].to_vec()),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => None,
        Err(error) => panic!("receiving: {error}"),
    }
}
