//! What a node asks other nodes: tickets for Fix, the integrity cycle, healing between mirrors.
//!
//! - [`Redeemer`] implements the node's [`Peers`](raida_node::Peers): it redeems tickets at other nodes, all at the
//!   same time, within bounds of time, memory and threads.
//! - [`Cycle`] compares the Merkle roots of this node with those of a [`Circle`] of others and gives a [`Report`]. Between
//!   mirrors of the same RAIDA id, and only where it is told to, it replaces pages that the others have otherwise.
//!   [`Keeper`] runs it from time to time.
//!
//! What is decided, is decided in functions and values that know no socket: [`Tally`], [`agreement`], [`Walk`]. A peer is
//! believed nothing: not the number of octets it announces, not the coins it lists, and no node of a tree and no page that
//! does not hash to what at least thirteen peers have said.
//!
//! The crate never contains `unsafe`, an async runtime, the meaning of an octet (that is `raida-wire`'s), or a change of
//! coins that goes past the store's batches.
//!
//! ```
//! use raida_peers::{Agreement, Ballot, agreement};
//!
//! // 24 peers, 24 different ballots: nobody is believed.
//! let ballots = (0..24).map(|n| Ballot { peer: ([192, 0, 2, n], 50_000).into(), roots: Box::new([n; 480]) });
//! assert_eq!(agreement(ballots), Agreement::None { most: 1 });
//! ```
//!
//! Source: protocol §5.4, §6

#![forbid(unsafe_code)]

mod address_book;
mod ballot;
mod circle;
mod cycle;
mod exchange;
mod failure;
mod fan_out;
mod gate;
mod heal;
mod keeper;
mod page;
mod patience;
mod redeemer;
mod report;
mod ticker;
mod walk;

pub use ballot::{Agreement, BALLOTS_AGREED, Ballot, MATCHES_MIN, Tally, Vote, agreement};
pub use circle::{Circle, CircleError, PEERS_MAX};
pub use cycle::{Cycle, CycleError};
pub use failure::Failure;
pub use heal::Healing;
pub use keeper::Keeper;
pub use page::{PageError, replace_page};
pub use patience::Patience;
pub use raida_client::Address;
pub use redeemer::Redeemer;
pub use report::{End, Healed, Outcome, Report};
pub use walk::{Forged, Walk, Wanted};
