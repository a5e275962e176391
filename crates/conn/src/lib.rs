//! One RAIDA connection as a state machine without I/O: octets, time and responses in, the next step out.
//!
//! A [`Connection`] decides what a server does with one TCP peer: when to receive, what to serve or refuse, when to send,
//! how to say farewell, and when to lose patience. Its driver hands in what happened and does the one [`Step`] that comes
//! back. The [`Policy`] holds every limit, the [`Host`] lends memory and knows which keys exist.
//!
//! The crate never contains a socket, a clock, a thread, an allocation or an answer: time is an argument, and what a
//! command does is somebody else's. Nothing that a peer sends, and no order of calls, can make it panic.
//!
//! # Phases
//!
//! ```text
//!        accepted
//!           │
//!           ▼
//!    WantReadHeader ── header accepted, body missing ──▶ WantReadBody
//!       ▲   │                                                 │
//!       │   └─ refused, or whole ─▶ Processing ◀── whole ─────┘
//!       │                               │
//!       │                           responded
//!       │                               ▼
//!       └──── a further request ── WantWrite ── octets may be left ──▶ Lingering
//!
//!    every phase ── peer ended or gone, deadline passed, farewell over, node stopped ──▶ Done
//! ```
//!
//! Each phase is a type of its own with private fields, and each arrow a method that consumes one phase and gives the
//! next, so a transition that is not drawn does not compile. One call may follow several arrows.
//!
//! - A header that an encryption type makes 32 or 48 octets long is judged as soon as it is complete (17 octets tell),
//!   and everything that it alone can be refused for is refused then: checks 2 to 10, 12, 13 and the largest body.
//! - A request that is whole within one input stays where it is. A half-read header is kept inside the connection, a
//!   half-read body in a buffer of the host's, which is taken after the header was accepted.
//! - A request that is cut short, by its end or by a deadline, gets no answer. A peer that ends behind its request does.
//! - After a refusal, with octets left behind the last request, or where a stop of the node made a request the last, the
//!   connection lingers: it shuts down its sending side and discards what comes, within bounds, so that no reset destroys the
//!   answer. Otherwise it just closes.
//! - With [`Policy::requests_max`] above 1, further requests follow, pipelined or not, one at a time. What came behind a
//!   request is kept in one buffer of at most [`PIPELINE_MAX`] octets; if there is none to be had, the connection
//!   closes after the answer, with a farewell, as it does after every refusal.
//! - Requests that are whole in one input, and of which [`Host::joins`] says that they are answered at once, are served one
//!   after the other where they lie ([`Connection::answered`]). Their responses leave together, about [`JOINED_MAX`] octets
//!   at most.
//!
//! # Example
//!
//! ```
//! use raida_conn::{CloseReason, Connection, Host, Instant, Octets, Policy, Step};
//! use raida_wire::{Challenge, Command, Head, Recipient, Request, Rules, Sender, Status};
//!
//! struct NoMemory;
//! impl Host for NoMemory {
//!     type Buffer = [u8; 0];
//!     fn admit(&mut self, _: &Head) -> Result<(), Status> { Ok(()) }
//!     fn take_buffer(&mut self, _: usize) -> Option<[u8; 0]> { None }
//!     fn put_buffer(&mut self, _: [u8; 0]) {}
//! }
//!
//! let policy = Policy::new(Rules { raida_id: 14, coin_id: 6, body_max: u16::MAX });
//! let (now, mut host) = (Instant::from_micros(0), NoMemory);
//! let mut connection = Connection::new(now, &policy); // its first step is Receive
//!
//! let recipient = Recipient { raida_id: 14, coin_id: 6, shard: 0 };
//! let sender = Sender::Nobody { echo: [1, 2], challenge: Challenge::new([7; 12]) };
//! let mut input = [0; 50];
//! Request::new(recipient, Command::ECHO, sender).build(&mut input, b"")?;
//!
//! let Step::Process { request, .. } = connection.received(now, &input, &policy, &mut host) else { panic!() };
//! assert_eq!(request, Octets::Input(0..50)); // not a single octet was copied
//! assert_eq!(connection.responded(now, 32, &policy, &mut host), Step::Send(0..32));
//! assert_eq!(connection.sent(now, 20, &policy, &mut host), Step::Send(20..32));
//! assert_eq!(connection.sent(now, 12, &policy, &mut host), Step::Close(CloseReason::Served));
//! # Ok::<(), raida_wire::BuildError>(())
//! ```
//!
//! Source: protocol §1.10

#![no_std]
#![forbid(unsafe_code)]

pub mod close_reason;
pub mod connection;
pub mod deadline;
pub mod host;
pub mod instant;
pub mod phase;
pub mod policy;
mod reading;
pub mod step;
pub mod surplus;

pub use close_reason::CloseReason;
pub use connection::Connection;
pub use deadline::Deadline;
pub use host::Host;
pub use instant::Instant;
pub use phase::Phase;
pub use policy::Policy;
pub use step::{Octets, Step};
pub use surplus::{JOINED_MAX, PIPELINE_MAX};
