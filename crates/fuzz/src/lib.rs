//! Random input for everything that reads octets from strangers.
//!
//! The targets are in `tests/targets.rs`; `cargo xtask fuzz` feeds them.
