//! What the commands promise, asked through the whole service.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a step that fails is a test that fails"
)]

mod bank;
mod change;
mod conservation;
mod defects;
mod dice;
mod fix;
mod model;
mod payload;
mod proofs;
mod rulings;
