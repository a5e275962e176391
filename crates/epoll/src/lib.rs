//! The epoll backend of the RAIDA reactor: one kernel interface behind the reactor's seam.
//!
//! [`Epoll`] implements [`Backend`](raida_reactor::backend::Backend) with edge-triggered epoll and non-blocking sockets.
//! It is optimistic: a system call is made first, and only when the kernel has nothing to give does the descriptor go on
//! the interest list. A short exchange costs `accept4`, `recv`, `send` and `close`. Datagrams come and go in batches.
//!
//! The crate never contains a protocol, a deadline, a limit per peer or a thread: those are the reactor's. Its `unsafe` is
//! in one module, `sys`; its sockets come from `raida-sockets`.
//!
//! ```
//! use raida_epoll::Epoll;
//! use raida_reactor::backend::{Backend, Completion};
//! use raida_reactor::token::Token;
//! use raida_sockets::{Setup, SocketBackend};
//! use std::io::Write;
//!
//! let setup = Setup { addresses: vec![([127, 0, 0, 1], 0).into()], ..Setup::default() };
//! let mut epoll = Epoll::bind(&setup)?;
//! let mut client = std::net::TcpStream::connect(epoll.local_addrs()[0])?;
//! client.write_all(b"hello")?;
//!
//! let token = Token::new(0, 0);
//! epoll.accept(0);
//! loop {
//!     match epoll.next() {
//!         Some(Completion::Accepted { socket, .. }) => {
//!             epoll.adopt(token, socket);
//!             epoll.receive(token);
//!         }
//!         Some(Completion::Received { octets, .. }) => {
//!             assert_eq!(octets, b"hello");
//!             break;
//!         }
//!         Some(other) => panic!("nobody asked for {other:?}"),
//!         None => epoll.wait(None)?,
//!     }
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod connection;
mod counts;
mod crowd;
mod epoll;
mod listener;
mod sys;
mod watched_port;

pub use counts::SyscallCounts;
pub use epoll::Epoll;
