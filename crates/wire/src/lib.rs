//! The RAIDA wire format: headers, bodies, vote packet, status codes, command registry. No I/O, no clock, no heap.
//!
//! Octets become typed values here and typed values become octets, for both ends of an exchange:
//!
//! - a **server** judges a header ([`Head::judge`], [`judge_datagram`]), looks up the key that it names
//!   ([`Head::key`]), opens the body in place ([`open`]) and seals the answer ([`Session::seal`]) or refuses
//!   ([`Refusal::write`]);
//! - a **client** builds a request ([`Request::build`]) and reads the answer ([`Pending::read`]).
//!
//! The crate never contains a socket, a clock, a thread, an allocation, a random number generator or a store of
//! keys: time, randomness and keys are handed in. Nothing that arrives from a peer can make it panic.
//!
//! ```
//! use raida_wire::{Challenge, Command, Recipient, Request, Sender};
//! use raida_wire::{HEADROOM, Head, Key, Rules, Status, TAILROOM, open};
//!
//! // The client asks node 14 for its version.
//! let recipient = Recipient { raida_id: 14, coin_id: 6, shard: 0 };
//! let sender = Sender::Nobody { echo: [0xAA, 0xBB], challenge: Challenge::new([7; 12]) };
//! let mut octets = [0; 128];
//! let (length, pending) = Request::new(recipient, Command::VERSION, sender).build(&mut octets, b"")?;
//! let (header, body) = octets[..length].split_at_mut(32);
//!
//! // The node judges the header, opens the body and answers.
//! let rules = Rules { raida_id: 14, coin_id: 6, body_max: u16::MAX };
//! let head = Head::judge(header, &rules).ok().flatten().ok_or("refused")?;
//! head.check_length(&rules).map_err(|_| "refused")?;
//! let (_payload, session) = open(&head, body, &Key::None).map_err(|_| "refused")?;
//! let mut buffer = [0; HEADROOM + 8 + TAILROOM];
//! buffer[HEADROOM..HEADROOM + 8].copy_from_slice(b"20250323");
//! let lies_at = session.seal(&mut buffer, 8, Status::SUCCESS, 14, 23, &[0; 24]);
//!
//! // The client verifies the answer and reads it.
//! let response = pending.read(&mut buffer[lies_at])?;
//! assert_eq!(response.status, Status::SUCCESS);
//! assert_eq!(response.payload, b"20250323");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Source: protocol §1

#![no_std]
#![forbid(unsafe_code)]

pub mod audit;
pub mod bitfield;
pub mod challenge;
pub mod cipher;
pub mod coin;
pub mod command;
pub mod crc;
pub mod datagram;
pub mod encryption;
pub mod envelope;
pub mod head;
pub mod header;
pub mod merkle;
pub mod month;
mod octets;
pub mod payload;
pub mod pending;
pub mod refusal;
pub mod registry;
pub mod request;
pub mod response;
pub mod secret;
pub mod session;
pub mod stats;
pub mod status;
#[cfg(feature = "testing")]
pub mod testing;
pub mod vote;

pub use challenge::Challenge;
pub use cipher::CipherKey;
pub use coin::{CoinId, Denomination, RawCoinId, SerialNumber};
pub use command::Command;
pub use datagram::{Datagram, DropReason, judge_datagram};
pub use encryption::Encryption;
pub use envelope::{Key, open, open_clear};
pub use head::{Head, KeyName, Rules};
pub use header::{DECIDING, HeaderError, LONG, SHORT, header_len};
pub use month::Month;
pub use pending::{Pending, Response, ResponseError};
pub use refusal::Refusal;
pub use request::{BuildError, Recipient, Request, Sender};
pub use secret::AuthenticityNumber;
pub use session::{HEADROOM, Session, TAILROOM};
pub use status::Status;

/// The largest body that the 16-bit length field can announce, in octets.
///
/// Source: protocol §1.6
pub const BODY_MAX: usize = 65_535;

/// The two octets that end every body.
///
/// Source: protocol §1.6
pub const TRAILER: [u8; 2] = [0x3E, 0x3E];
