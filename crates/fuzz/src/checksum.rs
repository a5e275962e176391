//! Checksums and hashes that are computed in two ways.

use raida_wire::{AuthenticityNumber, CipherKey, crc};

use crate::naive;

/// CRC, counter mode and HMAC are what their definitions say, whatever the length.
pub fn checksum(octets: &[u8]) {
    assert_eq!(crc::crc32(octets), naive::crc(octets));
    let Some((iv, text)) = octets.split_first_chunk::<16>() else { return };
    let number = AuthenticityNumber::new(*iv);
    for key in [CipherKey::plain(&number), CipherKey::coin256(&number)] {
        let mut ciphertext = text.to_vec();
        key.apply(iv, &mut ciphertext);
        assert_eq!(ciphertext, naive::ctr(key.octets(), iv, text));
    }
    let key = CipherKey::coin256(&number);
    let mac = naive::hmac(key.octets(), text);
    assert!(key.verifies(text, &mac));
    assert!(!key.verifies(text, &mac.map(|octet| !octet)));
}
