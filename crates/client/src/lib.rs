//! Asks RAIDA nodes over TCP and UDP and checks what they answer.
//!
//! One question is one call that blocks, for at most [`Options::total`]. An answer is only given out when it came from
//! the node that was asked and belongs to the question: node id, echo or nonce, signature, trailer and HMAC are
//! verified. What went wrong is an [`AskError`] that names the node, what happened and what to try. [`ask_all`] asks
//! many nodes at once.
//!
//! The commands on coins take one request each: [`detect`], [`pown`], [`find`] and the others. [`Fleet`] asks all nodes
//! about a list of any length, and [`Tally`] tells what their words come to. With the feature `wallet` there are also
//! coin files, and operations on them that lose nothing when they are interrupted.
//!
//! The crate never contains an async runtime, a server, `unsafe`, or the layout of a header: that is `raida-wire`'s.
//! Secrets are wiped from memory when dropped and shown by no `Debug` and no error.
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
mod authentication;
#[cfg(test)]
mod body_vectors;
mod change;
mod coin;
mod deadline;
mod envelope;
mod error;
mod executive;
mod fleet;
mod healing;
mod integrity;
mod layout;
mod letter;
mod locker;
mod locker_key;
mod options;
mod payload;
mod question;
mod quorum;
mod status_group;
mod target;
mod tcp;
#[cfg(feature = "testing")]
pub mod testing;
mod udp;
mod verdict;
mod vote;
#[cfg(feature = "wallet")]
pub mod wallet;

pub use address::{Address, AddressError};
pub use admin_key::AdminKey;
pub use answer::{Answer, Reply, Trip};
pub use ask::ask;
pub use authentication::{Renewal, detect, detect_sum, pown, pown_sum};
pub use change::{Change, available_change, break_coin, join_coins};
pub use coin::{Coin, Secret};
pub use deadline::Deadline;
pub use envelope::{Envelope, KeyCoin};
pub use error::{AskError, PayloadError, Stage, Trouble};
pub use executive::{FreeNumbers, IssuedNumbers, all_numbers, available_numbers, create, delete, free};
pub use fleet::{Fleet, Outcome, Progress, Redeemable, ask_all};
pub use healing::{FIX_PATIENCE, Found, Ticket, find, fix, get_ticket, validate_ticket};
pub use integrity::{all_roots, merkle_node, page_data};
pub use layout::Layout;
pub use locker::{peek, remove, store};
pub use locker_key::{locker_key, random_words};
pub use options::{Options, Transport};
pub use question::Question;
pub use quorum::{NODES, QUORUM, Standing, Tally, Vote, is_enough};
pub use raida_wire as wire;
pub use status_group::{audit, echo, stats, version};
pub use target::Target;
pub use vote::vote;
