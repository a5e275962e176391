//! What a RAIDA node answers: the command handlers, their statistics, tickets and reservations.
//!
//! [`Node`] is the [`Service`](raida_reactor::service::Service) behind a reactor: it finds the key that a request names,
//! opens the envelope, runs the command and seals the answer. Its coins lie in a [`Store`](raida_store::Store).
//!
//! - What only reads runs on the I/O thread where memory knows everything, and on a worker where the disk has to be asked.
//! - What changes coins runs on one thread, many requests before one durable commit
//!   ([`call_together`](raida_reactor::service::Service::call_together)): each of them whole or not at all, each on what
//!   the ones before it have left, and no answer leaves before the commit.
//!
//! The crate never contains a socket, a thread, a clock or a file: time, month and the other nodes come in as
//! [`Surroundings`]. Every command it knows stands in one table, with the place where it runs; what the protocol knows and
//! the table does not is answered with 89.
//!
//! ```
//! use raida_node::testing::{Coins, ask, node_of};
//! use raida_reactor::service::Transport;
//! use raida_wire::{Challenge, Command, Recipient, Request, Sender, Status};
//!
//! let node = node_of(14, &Coins::new());
//! let recipient = Recipient { raida_id: 14, coin_id: 6, shard: 0 };
//! let sender = Sender::Nobody { echo: [1, 2], challenge: Challenge::new([7; 12]) };
//! let mut request = [0; 50];
//! let (_, pending) = Request::new(recipient, Command::VERSION, sender).build(&mut request, b"")?;
//!
//! let mut answer = ask(&node, &request, Transport::Tcp).ok_or("no answer")?;
//! let response = pending.read(&mut answer)?;
//! assert_eq!(response.status, Status::SUCCESS);
//! assert_eq!(response.payload, raida_node::version::BUILD_DATE);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

pub mod admin_key;
mod asked;
mod authentication;
mod books;
mod call_limit;
mod change;
mod dispatch;
mod executive;
pub mod figures;
mod gate;
mod healing;
mod holdings;
mod integrity;
mod keys;
mod ledger;
mod locker;
mod look;
pub mod node;
mod nonces;
mod once;
mod page_bits;
pub mod peers;
mod reply;
mod resends;
mod reservations;
mod rounds;
mod sealed;
mod setback;
pub mod settings;
mod shelf;
mod spans;
pub mod statistics;
mod status;
#[cfg(feature = "testing")]
pub mod testing;
mod tickets;
mod together;
mod verdict;
pub mod version;

pub use admin_key::AdminKey;
pub use books::Observer;
pub use figures::Figures;
pub use node::Node;
pub use peers::{Hear, NoPeers, PeerError, Peers};
pub use rounds::{Round, Rounds};
pub use settings::{BreakLimit, Calendar, ReservationLimit, Settings, Surroundings};
pub use statistics::{Answers, Refusals, Statistics};
