//! The key that opens a node's counters.

use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

/// The sixteen octets that Show Stats asks for. Wiped from memory when dropped; `Debug` shows no octet.
///
/// Source: protocol §5.3
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct AdminKey([u8; 16]);

impl AdminKey {
    /// Takes the sixteen octets.
    #[must_use]
    pub const fn new(octets: [u8; 16]) -> Self {
        Self(octets)
    }

    pub(crate) const fn octets(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for AdminKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AdminKey(..)")
    }
}
