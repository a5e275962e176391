//! What the backends of the RAIDA reactor have in common: sockets, how they are set up, batches of datagrams.
//!
//! A backend waits for the kernel in its own way; what it waits for is made here. [`Setup`] says what, [`SocketBackend`]
//! binds it ([`Door`]), [`DatagramPort`] moves batches of datagrams, [`Ready`] keeps the order of turns,
//! [`Connections`] the table of who is connected, [`Wake`] and [`Reserve`] a descriptor each.
//!
//! The crate never waits, and knows neither epoll nor io_uring nor a protocol. Its `unsafe` is in one module, `sys`, one
//! kernel object per file.
//!
//! ```
//! use raida_sockets::{DatagramPort, Door, Setup};
//!
//! let setup = Setup { addresses: vec![([127, 0, 0, 1], 0).into()], ..Setup::default() };
//! let door = Door::open(&setup, setup.addresses[0])?;
//! let client = std::net::UdpSocket::bind("127.0.0.1:0")?;
//! client.send_to(b"hello", door.address)?;
//!
//! let mut port = DatagramPort::new(door.datagram, 0, setup.datagram_batch, setup.datagram_limit);
//! port.ask();
//! assert!(port.turn(), "a batch has come");
//! let datagram = port.batch().iter_mut().next().ok_or("it is not empty")?;
//! assert_eq!(&datagram.octets.as_ref()[..datagram.len], b"hello");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod backend;
mod connections;
mod datagram_port;
mod door;
mod ready;
mod reserve;
mod setup;
mod setup_error;
mod shed;
mod source;
mod sys;
mod uptake;
mod wake;

pub use backend::SocketBackend;
pub use connections::{Connections, Tenant};
pub use datagram_port::{DatagramCalls, DatagramPort, Lack};
pub use door::Door;
pub use ready::{Place, Ready};
pub use reserve::Reserve;
pub use setup::{Keepalive, Setup, within};
pub use setup_error::{SetupError, Step};
pub use shed::{Relief, is_of_one_connection, is_want, shed};
pub use source::Source;
pub use sys::{DatagramSocket, Eventfd, ListeningSocket, Stream, set_blocking, set_nonblocking};
pub use uptake::Uptake;
pub use wake::Wake;
