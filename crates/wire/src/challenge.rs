//! The challenge: sixteen octets that show whether a body was decrypted with the right key.

use core::fmt;

use crate::crc::crc32;
use crate::octets::{field, put};

/// Twelve octets chosen by the client and their CRC-32, big-endian. Holding one proves that the CRC fits.
///
/// `Debug` shows no octet of it: challenge and signature together give the key away.
///
/// Source: protocol §2.1
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Challenge([u8; Challenge::LEN]);

impl Challenge {
    /// The size of a challenge, in octets.
    pub const LEN: usize = 16;

    /// The challenge for these octets, which should be random.
    #[must_use]
    pub fn new(chosen: [u8; 12]) -> Self {
        let mut octets = [0; Self::LEN];
        put::<0, _, _>(&mut octets, chosen);
        put::<12, _, _>(&mut octets, crc32(&chosen).to_be_bytes());
        Self(octets)
    }

    /// Takes sixteen received octets. `None` when the CRC does not fit.
    #[must_use]
    pub fn parse(octets: [u8; Self::LEN]) -> Option<Self> {
        let challenge = Self::new(field::<0, 12, _>(&octets));
        (challenge.0 == octets).then_some(challenge)
    }

    /// The sixteen octets, as they travel.
    #[must_use]
    pub const fn octets(&self) -> &[u8; Self::LEN] {
        &self.0
    }
}

impl fmt::Debug for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Challenge(..)")
    }
}
