//! The cipher of an envelope: AES in counter mode, and the HMAC of the long types.

use core::fmt;

use aes::{Aes128, Aes256};
use ctr::Ctr128BE;
use ctr::cipher::{KeyIvInit, StreamCipher};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::octets::xor;
use crate::secret::AuthenticityNumber;

/// The key of one envelope. `Debug` shows no octet of it; it is wiped from memory when dropped.
///
/// Source: protocol §2.3, §2.4
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub enum CipherKey {
    /// Type 0: there is no cipher.
    Clear,
    /// Types 1 and 2: AES-128, the secret itself is the key.
    Aes128([u8; 16]),
    /// Types 4 and 5: AES-256 and HMAC-SHA256 under one and the same key.
    Aes256([u8; 32]),
}

impl CipherKey {
    /// The key of types 1 and 2: the coin's authenticity number, or the whole locker key.
    #[must_use]
    pub const fn plain(secret: &AuthenticityNumber) -> Self {
        Self::Aes128(*secret.octets())
    }

    /// The key of type 4: SHA-256 of the authenticity number.
    #[must_use]
    pub fn coin256(number: &AuthenticityNumber) -> Self {
        Self::Aes256(Sha256::digest(number.octets()).into())
    }

    /// The key of type 5: SHA-256 of both authenticity numbers, first coin first.
    #[must_use]
    pub fn two_coins(first: &AuthenticityNumber, second: &AuthenticityNumber) -> Self {
        Self::Aes256(Sha256::new().chain_update(first.octets()).chain_update(second.octets()).finalize().into())
    }

    /// The octets of the key: none, 16 or 32. They belong into no log and no error.
    #[must_use]
    pub const fn octets(&self) -> &[u8] {
        match self {
            Self::Clear => &[],
            Self::Aes128(key) => key,
            Self::Aes256(key) => key,
        }
    }

    /// Encrypts or decrypts in place: the two are the same. The counter is the whole block, big-endian, from `iv` on.
    pub fn apply(&self, iv: &[u8; 16], text: &mut [u8]) {
        match self {
            Self::Clear => {}
            Self::Aes128(key) => Ctr128BE::<Aes128>::new(key.into(), iv.into()).apply_keystream(text),
            Self::Aes256(key) => Ctr128BE::<Aes256>::new(key.into(), iv.into()).apply_keystream(text),
        }
    }

    /// The signature of a response: the challenge, XOR the key if it has the challenge's size.
    ///
    /// Source: protocol §2.2
    #[must_use]
    pub fn signature(&self, challenge: [u8; 16]) -> [u8; 16] {
        match self {
            Self::Clear | Self::Aes256(_) => challenge,
            Self::Aes128(key) => xor(challenge, key),
        }
    }

    /// The HMAC-SHA256 of a ciphertext under this key.
    #[must_use]
    pub fn mac(&self, ciphertext: &[u8]) -> [u8; 32] {
        self.hmac(ciphertext).finalize().into_bytes().into()
    }

    /// Whether `mac` is the HMAC of this ciphertext. Compared in constant time.
    #[must_use]
    pub fn verifies(&self, ciphertext: &[u8], mac: &[u8; 32]) -> bool {
        self.hmac(ciphertext).verify(mac.into()).is_ok()
    }

    fn hmac(&self, ciphertext: &[u8]) -> Hmac<Sha256> {
        // HMAC fills a short key up with zeros to one block of its hash. Doing that here leaves nothing that can fail.
        let mut block = Zeroizing::new([0; 64]);
        for (to, from) in block.iter_mut().zip(self.octets()) {
            *to = *from;
        }
        let block: &[u8; 64] = &block;
        let mut hmac = Hmac::<Sha256>::new(block.into());
        hmac.update(ciphertext);
        hmac
    }
}

impl fmt::Debug for CipherKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Clear => "CipherKey::Clear",
            Self::Aes128(_) => "CipherKey::Aes128(..)",
            Self::Aes256(_) => "CipherKey::Aes256(..)",
        })
    }
}
