//! The RAIDA node.
fn main() {}
