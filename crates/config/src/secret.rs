//! A secret of fixed size: shown to nobody, compared in constant time, wiped when dropped.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

/// `N` octets that stay out of every log, message and `Debug` output.
///
/// ```
/// let key: raida_config::AdminKey = raida_config::Secret::from_hex("000102030405060708090a0b0c0d0e0f").unwrap();
/// assert_eq!(format!("{key:?}"), "Secret(..)");
/// assert_eq!(key.expose().len(), 16);
/// ```
#[derive(Clone)]
pub struct Secret<const N: usize>([u8; N]);

/// The key that the protocol's admin commands carry. Source: protocol §5.2.
pub type AdminKey = Secret<16>;

/// The secret from which a node derives what nobody else may predict.
pub type NodeSecret = Secret<32>;

impl<const N: usize> Secret<N> {
    /// Keeps these octets.
    #[must_use]
    pub const fn new(octets: [u8; N]) -> Self {
        Self(octets)
    }

    /// Reads `2 * N` hexadecimal digits of either case; `None` for anything else.
    #[must_use]
    pub fn from_hex(digits: &str) -> Option<Self> {
        let mut octets = Zeroizing::new([0; N]);
        let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
        if pairs.len() != N || !rest.is_empty() {
            return None;
        }
        for (octet, [high, low]) in octets.iter_mut().zip(pairs) {
            *octet = digit(*high)? << 4 | digit(*low)?;
        }
        Some(Self(*octets))
    }

    /// The octets themselves, for the code that computes with them.
    #[must_use]
    pub const fn expose(&self) -> &[u8; N] {
        &self.0
    }

    /// The digits that [`from_hex`](Self::from_hex) reads; wiped when dropped.
    pub(crate) fn to_hex(&self) -> Zeroizing<String> {
        let mut digits = Zeroizing::new(String::with_capacity(2 * N));
        for octet in self.0 {
            for nibble in [octet >> 4, octet & 15] {
                digits.push(char::from_digit(u32::from(nibble), 16).unwrap_or_default());
            }
        }
        digits
    }
}

fn digit(character: u8) -> Option<u8> {
    char::from(character).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

impl<const N: usize> Drop for Secret<N> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<const N: usize> PartialEq for Secret<N> {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl<const N: usize> Eq for Secret<N> {}

impl<const N: usize> fmt::Debug for Secret<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl<const N: usize> fmt::Display for Secret<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

impl<'de, const N: usize> Deserialize<'de> for Secret<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let digits = Zeroizing::new(String::deserialize(deserializer)?);
        Self::from_hex(&digits).ok_or_else(|| D::Error::custom(format_args!("not {} hexadecimal digits", 2 * N)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_of_either_case_read_alike_and_print_in_lower_case() {
        let secret = Secret::<2>::from_hex("aBCd").expect("four digits");
        assert_eq!(secret.expose(), &[0xab, 0xcd]);
        assert_eq!(secret.to_hex().as_str(), "abcd");
    }

    #[test]
    fn anything_but_the_right_number_of_digits_is_refused() {
        for wrong in ["", "abc", "abcde", "abcdef", "abcg", "+bcd", " bcd", "äb"] {
            assert!(Secret::<2>::from_hex(wrong).is_none(), "{wrong:?}");
        }
    }

    #[test]
    fn neither_debug_nor_display_shows_an_octet() {
        let secret = Secret::<2>::new([0xab, 0xcd]);
        let shown = format!("{secret:?} {secret} {:?}", Some(&secret));
        assert!(!shown.contains("ab") && !shown.contains("171"), "{shown}");
    }
}
