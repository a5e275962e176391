//! Locker keys from code words.

use raida_wire::AuthenticityNumber;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// The key by which node `raida_id` knows the locker of these code words: the first twelve octets of the SHA-256 of the
/// id (one octet) and the words without blanks around them, then four times `FF`.
///
/// Each node gets another key, so that no node can open the locker at the others. Whoever guesses the words can open it
/// everywhere, and guessing is cheap: words should be [random](random_words).
///
/// ```
/// use raida_client::locker_key;
///
/// let key = locker_key(7, "  kites over the harbour\n");
/// assert!(key.is_locker_key());
/// assert_eq!(key, locker_key(7, "kites over the harbour"));
/// assert_ne!(key, locker_key(8, "kites over the harbour"));
/// ```
///
/// Source: protocol §5.6
#[must_use]
pub fn locker_key(raida_id: u8, words: &str) -> AuthenticityNumber {
    let hash = Sha256::new().chain_update([raida_id]).chain_update(words.trim()).finalize();
    let mut octets = [0xFF; 16];
    for (octet, hashed) in octets.iter_mut().zip(hash).take(12) {
        *octet = hashed;
    }
    AuthenticityNumber::new(octets)
}

/// Code words that nobody can guess: 130 random bits as 26 letters and digits in groups, none of which is mistaken for
/// another.
///
/// # Errors
///
/// When the operating system gives no random octets.
pub fn random_words() -> Result<Zeroizing<String>, getrandom::Error> {
    const ALPHABET: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz023456789";
    let drawn = Zeroizing::new(crate::envelope::random::<26>()?);
    let mut words = Zeroizing::new(String::with_capacity(32));
    for (place, octet) in drawn.iter().enumerate() {
        if place > 0 && place % 5 == 0 {
            words.push('-');
        }
        let letter = ALPHABET.get(usize::from(octet % 32)).copied().unwrap_or(b'a');
        words.push(char::from(letter));
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_is_the_one_that_is_documented() {
        // printf '\007correct horse' | sha256sum
        let octets = [0x29, 0xD3, 0x98, 0x11, 0x45, 0xB2, 0x4E, 0xD9, 0x8F, 0x78, 0x26, 0x26, 0xFF, 0xFF, 0xFF, 0xFF];
        assert_eq!(locker_key(7, "correct horse"), AuthenticityNumber::new(octets));
    }

    #[test]
    fn random_words_never_come_twice_and_are_easily_copied() {
        let (first, second) = (random_words().unwrap(), random_words().unwrap());
        assert_ne!(*first, *second);
        assert_eq!(first.len(), 26 + 5);
        assert!(first.chars().all(|c| c == '-' || c.is_ascii_lowercase() || c.is_ascii_digit()));
    }
}
