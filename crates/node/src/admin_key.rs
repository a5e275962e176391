//! The key that admin commands must carry.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Sixteen octets that prove an operator. Wiped from memory when dropped; `Debug` shows no octet.
///
/// Source: protocol §5.3, §5.5
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct AdminKey([u8; AdminKey::LEN]);

impl AdminKey {
    /// The size of the key, in octets.
    pub const LEN: usize = 16;

    /// Takes the sixteen octets.
    #[must_use]
    pub const fn new(octets: [u8; Self::LEN]) -> Self {
        Self(octets)
    }

    /// Whether this is what a client presented. How long it takes does not depend on where they differ.
    #[must_use]
    pub fn is(&self, presented: &[u8; Self::LEN]) -> bool {
        self.0.ct_eq(presented).into()
    }
}

impl fmt::Debug for AdminKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AdminKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_differs_in_any_one_octet_is_another_key() {
        let key = AdminKey::new([0xA7; 16]);
        assert!(key.is(&[0xA7; 16]));
        for i in 0..16 {
            let mut other = [0xA7; 16];
            other[i] ^= 1;
            assert!(!key.is(&other));
        }
    }
}
