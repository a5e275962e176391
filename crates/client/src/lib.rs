//! Asks RAIDA nodes over TCP and UDP and checks what they answer.
//!
//! One question is one call that blocks, for at most [`Options::total`]. An answer is only given out when it came from
//! the node that was asked and belongs to the question: node id, echo or nonce, signature, trailer and HMAC are
//! verified. What went wrong is an [`AskError`] that names the node, what happened and what to try. [`ask_all`] asks
//! many nodes at once.
//!
//! The crate never contains an async runtime, a server, a wallet, `unsafe`, or the meaning of any octet: that is
//! `raida-wire`'s. Secrets are wiped from memory when dropped and shown by no `Debug` and no error.
//!
//! ```no_run
//! use raida_client::{Options, Target, Transport, echo};
//!
//! let node = Target::new("127.0.0.1:50007".parse()?); // RAIDA id 7, as the port says
//! let answer = echo(&node, &Options { transport: Transport::Udp, ..Options::default() })?;
//! println!("{} answered in {:?}", node.address, answer.trip.latency);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Source: protocol §1

#![forbid(unsafe_code)]

mod address;
mod admin_key;
mod answer;
mod ask;
mod deadline;
mod envelope;
mod error;
mod fleet;
mod letter;
mod options;
mod question;
mod status_group;
mod target;
mod tcp;
#[cfg(feature = "testing")]
pub mod testing;
mod udp;
mod vote;

pub use address::{Address, AddressError};
pub use admin_key::AdminKey;
pub use answer::{Answer, Reply, Trip};
pub use ask::ask;
pub use envelope::{Envelope, KeyCoin};
pub use error::{AskError, PayloadError, Stage, Trouble};
pub use fleet::ask_all;
pub use options::{Options, Transport};
pub use question::Question;
pub use raida_wire as wire;
pub use status_group::{audit, echo, stats, version};
pub use target::Target;
pub use vote::vote;
