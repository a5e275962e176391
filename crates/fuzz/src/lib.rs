//! Arbitrary input for everything that reads octets from strangers.
//!
//! Every target is one function from octets to nothing: it panics where the code under test does, and where its own
//! expectations do not hold. [`naive`] is the protocol once more, written from its text as plainly as possible; where
//! there is such a second opinion, the two are compared.
//!
//! `tests/targets.rs` makes each of them an ordinary test, which feeds it the committed corpus and some random octets.
//! `cargo xtask fuzz TARGET --seconds N` lets coverage guide the octets.
//!
//! ```
//! raida_fuzz::header(&[1, 0, 14, 0, 0, 0, 0, 6]);
//! raida_fuzz::checksum(b"Hello World!");
//! ```

#![forbid(unsafe_code)]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a target that panics is a finding"
)]

pub mod naive;

mod ballots;
mod body;
mod checksum;
mod coin_file;
mod configuration;
mod connection;
mod datagram;
mod header;
mod node;
mod page_files;
mod plausible;
mod response;
mod vote;

pub use ballots::ballots;
pub use body::body;
pub use checksum::checksum;
pub use coin_file::coin_file;
pub use configuration::configuration;
pub use connection::connection;
pub use datagram::datagram;
pub use header::header;
pub use node::node;
pub use page_files::page_files;
pub use response::response;
pub use vote::vote;

use raida_wire::Rules;

/// What the node is that the targets speak to: RAIDA 14 on coin network 6.
pub const RULES: Rules = Rules { raida_id: 14, coin_id: 6, body_max: u16::MAX };
