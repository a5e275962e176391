//! Random input for everything that reads octets from strangers.
//!
//! The targets are in `tests/targets.rs`. Each is an ordinary test, one call long; `cargo xtask fuzz` feeds all of them
//! for a while, and `cargo xtask fuzz TARGET --coverage` lets coverage guide the input of one.
