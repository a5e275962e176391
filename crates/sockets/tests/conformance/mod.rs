//! What every backend over sockets has to do: one suite, against whatever the program that includes it calls `Tested`.
//!
//! ```text
//! use raida_epoll::Epoll as Tested;
//!
//! #[path = "../../sockets/tests/conformance/mod.rs"]
//! mod conformance;
//! #[path = "../../sockets/tests/conformance/rig.rs"]
//! mod rig;
//! ```
//!
//! What counts descriptors or allocations lies in `alone/` and needs a program of its own.

mod binding;
mod datagrams;
mod listeners;
mod streams;
mod waking;
