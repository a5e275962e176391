//! What a RAIDA node answers: the command handlers, their statistics and the vote snapshot.
//!
//! [`Node`] is the [`Service`](raida_reactor::service::Service) behind a reactor: it finds the key that a request names,
//! opens the envelope, runs the command and seals the answer. Where keys and coins come from is behind two traits,
//! [`KeySource`] and [`Census`]; [`NoCoins`] is a node on which none is issued yet.
//!
//! The crate never contains a socket, a thread, a clock or a file. Every command it knows stands in one table, with the
//! place where it may run; what the protocol knows and the table does not is answered with 89.
//!
//! ```
//! use raida_node::testing::{MemoryCoins, ask, node_of};
//! use raida_reactor::service::{Place, Transport};
//! use raida_wire::{Challenge, Command, Recipient, Request, Sender, Status};
//!
//! let node = node_of(14, MemoryCoins::new());
//! let recipient = Recipient { raida_id: 14, coin_id: 6, shard: 0 };
//! let sender = Sender::Nobody { echo: [1, 2], challenge: Challenge::new([7; 12]) };
//! let mut request = [0; 50];
//! let (_, pending) = Request::new(recipient, Command::VERSION, sender).build(&mut request, b"")?;
//!
//! let mut answer = ask(&node, &request, Transport::Tcp, Place::Reactor).ok_or("deferred")?;
//! let response = pending.read(&mut answer)?;
//! assert_eq!(response.status, Status::SUCCESS);
//! assert_eq!(response.payload, raida_node::version::BUILD_DATE);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

pub mod admin_key;
pub mod census;
mod dispatch;
pub mod keys;
pub mod no_coins;
pub mod node;
pub mod peers;
mod reply;
pub mod roots;
pub mod statistics;
mod status;
#[cfg(feature = "testing")]
pub mod testing;
pub mod version;

pub use admin_key::AdminKey;
pub use census::Census;
pub use keys::{KeySource, LockerKeys, Lookup};
pub use no_coins::NoCoins;
pub use node::{Node, Settings};
pub use roots::Roots;
pub use statistics::Statistics;
