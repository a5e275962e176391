//! The RAIDA command-line client.
fn main() {}
