//! Real peers on loopback: honest ones, slow ones, silent ones and liars.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a step that fails is a test that fails, also in the shared parts"
)]

mod fake_peer;
mod healing;
mod liars;
mod mirror;
mod real_nodes;
mod tickets;
mod votes;
