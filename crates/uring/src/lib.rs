//! The io_uring backend of the RAIDA reactor: completions from the kernel, behind the reactor's seam. Experimental.
//!
//! [`Uring`] implements [`Backend`](raida_reactor::backend::Backend). What the loop starts is collected and goes to the
//! kernel with one system call, [`wait`](raida_reactor::backend::Backend::wait), which brings back what has come about: a
//! multishot accept on each listener, receives into buffers that the kernel takes when octets are there (an idle connection
//! holds none), sends from lent buffers. Where there is nothing to wait for, a plain system call costs less than the ring:
//! a connection's last answer and its close go out with one each. Datagrams come and go in batches, as with epoll.
//!
//! [`probe`] says whether the kernel lets us. Memory that the kernel may touch cannot be reached meanwhile: the types of
//! the `sys` module see to that, which also holds all of the crate's `unsafe`. The crate never contains a protocol, a
//! deadline, a limit per peer or a thread: those are the reactor's.
//!
//! ```
//! use raida_reactor::backend::{Backend, Completion};
//! use raida_reactor::token::Token;
//! use raida_sockets::{Setup, SocketBackend};
//! use raida_uring::Uring;
//! use std::io::Write;
//!
//! if let Err(reason) = raida_uring::probe() {
//!     println!("not here: {reason}");
//!     return Ok(());
//! }
//! let setup = Setup { addresses: vec![([127, 0, 0, 1], 0).into()], ..Setup::default() };
//! let mut uring = Uring::bind(&setup)?;
//! let mut client = std::net::TcpStream::connect(uring.local_addrs()[0])?;
//! client.write_all(b"hello")?;
//!
//! let token = Token::new(0, 0);
//! uring.accept(0);
//! loop {
//!     match uring.next() {
//!         Some(Completion::Accepted { socket, .. }) => {
//!             uring.adopt(token, socket);
//!             uring.receive(token);
//!         }
//!         Some(Completion::Received { octets, .. }) => {
//!             assert_eq!(octets, b"hello");
//!             break;
//!         }
//!         Some(other) => panic!("nobody asked for {other:?}"),
//!         None => uring.wait(None)?,
//!     }
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod connection;
mod counts;
mod listener;
mod polled_port;
mod probe;
mod rings;
mod starved;
mod sys;
mod uring;

pub use counts::{Incidents, SyscallCounts};
pub use probe::probe;
pub use rings::Rings;
pub use uring::Uring;
