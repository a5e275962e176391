//! The system calls of this crate: those on an epoll instance. Sockets have theirs in `raida-sockets`.
//!
//! Nothing above this module sees a raw pointer, a raw descriptor or an `errno`: slices, owned descriptors and
//! `io::Result` at the edge.
#![expect(unsafe_code, reason = "raw system calls")]

mod interest;

pub(crate) use interest::{Edges, Event, Interest};
