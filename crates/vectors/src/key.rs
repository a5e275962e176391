//! Kind `key`: keys of types 4 and 5, the HMAC, the cipher.

use raida_wire::CipherKey;

use crate::case::{Case, Fields, Reason, same_octets};

pub(crate) fn check(case: &Case<'_>) -> Result<(), Reason> {
    let (given, expect) = (case.given, case.expect);
    let (name, found) = if given.has("an1") {
        let (first, second) = (given.array("an1")?.into(), given.array("an2")?.into());
        ("key", CipherKey::two_coins(&first, &second).octets().to_vec())
    } else if given.has("an") {
        ("key", CipherKey::coin256(&given.array("an")?.into()).octets().to_vec())
    } else if given.has("iv") {
        let mut text = given.hex("data")?;
        cipher_key(given)?.apply(&given.array("iv")?, &mut text);
        ("ciphertext", text)
    } else {
        let (key, data) = (cipher_key(given)?, given.hex("data")?);
        let mac = key.mac(&data);
        if !key.verifies(&data, &mac) {
            return Err(Reason::new("HMAC does not verify itself"));
        }
        ("hmac", mac.to_vec())
    };
    same_octets(name, &found, &case.bytes)?;
    same_octets(name, &found, &expect.hex(name)?)
}

/// A key of 16 or 32 octets.
fn cipher_key(given: Fields<'_>) -> Result<CipherKey, Reason> {
    given.array("key").map(CipherKey::Aes128).or_else(|_| given.array("key").map(CipherKey::Aes256))
}
