//! Secrets of sixteen octets: authenticity numbers and locker keys.

use core::fmt;

use md5::{Digest, Md5};
use subtle::{Choice, ConstantTimeEq};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::coin::{CoinId, RawCoinId};
use crate::octets::xor;

/// The secret that makes its holder the owner of a coin or of a locker.
///
/// Compared in constant time, wiped from memory when dropped, and never printed: `Debug` shows no octet of it.
///
/// Source: protocol §5.2, §5.6
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct AuthenticityNumber([u8; 16]);

impl AuthenticityNumber {
    /// Takes the sixteen octets.
    #[must_use]
    pub const fn new(octets: [u8; 16]) -> Self {
        Self(octets)
    }

    /// The sixteen octets. They belong into no log and no error.
    #[must_use]
    pub const fn octets(&self) -> &[u8; 16] {
        &self.0
    }

    /// The first five octets: what a type 2 request calls a locker by.
    ///
    /// Source: protocol §1.3
    #[must_use]
    pub const fn locker_prefix(&self) -> [u8; 5] {
        let [a, b, c, d, e, ..] = self.0;
        [a, b, c, d, e]
    }

    /// Whether the last four octets are `FF`, as in every locker key.
    ///
    /// Source: protocol §5.6
    #[must_use]
    pub fn is_locker_key(&self) -> bool {
        matches!(self.0, [.., 0xFF, 0xFF, 0xFF, 0xFF])
    }

    /// This XOR that, octet by octet: how the sum commands add numbers up and shift them.
    ///
    /// Source: protocol §5.3
    #[must_use]
    pub fn xor(&self, that: &[u8; 16]) -> Self {
        Self(xor(self.0, that))
    }

    /// The number that Fix gives a coin: MD5 over the id of the node, the coin and the client's `pg`.
    ///
    /// Source: protocol §5.4
    #[must_use]
    pub fn fixed(raida_id: u8, coin: CoinId, pg: &[u8; 16]) -> Self {
        let RawCoinId(coin) = coin.raw();
        Self(Md5::new().chain_update([raida_id]).chain_update(coin).chain_update(pg).finalize().into())
    }
}

impl From<[u8; 16]> for AuthenticityNumber {
    fn from(octets: [u8; 16]) -> Self {
        Self(octets)
    }
}

impl ConstantTimeEq for AuthenticityNumber {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

impl PartialEq for AuthenticityNumber {
    fn eq(&self, other: &Self) -> bool {
        self.ct_eq(other).into()
    }
}

impl Eq for AuthenticityNumber {}

impl fmt::Debug for AuthenticityNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuthenticityNumber(..)")
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;

    #[test]
    fn debug_shows_no_octet() {
        let shown = std::format!("{:?}", AuthenticityNumber::new([0xA7; 16]));
        assert_eq!(shown, "AuthenticityNumber(..)");
    }

    #[test]
    fn numbers_that_differ_in_any_one_octet_differ() {
        let number = AuthenticityNumber::new([9; 16]);
        assert_eq!(number, number.clone());
        for i in 0..16 {
            let mut octets = [9; 16];
            octets[i] ^= 0x80;
            assert_ne!(number, AuthenticityNumber::new(octets));
        }
    }

    #[test]
    fn locker_key_is_told_by_its_last_four_octets() {
        assert!(AuthenticityNumber::new([0xFF; 16]).is_locker_key());
        let mut octets = [0xFF; 16];
        octets[12] = 0xFE;
        assert!(!AuthenticityNumber::new(octets).is_locker_key());
    }
}
