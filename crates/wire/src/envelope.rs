//! Opening the body of a request.

use core::slice;

use crate::TRAILER;
use crate::challenge::Challenge;
use crate::cipher::CipherKey;
use crate::encryption::Encryption;
use crate::head::Head;
use crate::refusal::Refusal;
use crate::secret::AuthenticityNumber;
use crate::session::Session;
use crate::status::Status;

/// How many lockers with the same prefix are tried at most.
///
/// Source: protocol §2.3
pub const LOCKERS_MAX: usize = 16;

/// The key or keys for one body, found by the caller under the name that [`Head::key`] gave.
#[derive(Clone, Copy, Debug)]
pub enum Key<'k> {
    /// For type 0.
    None,
    /// For types 1 and 4: the key coin's authenticity number.
    Coin(&'k AuthenticityNumber),
    /// For type 2: every locker key with the prefix, in ascending order. The first sixteen are tried.
    Lockers(&'k [AuthenticityNumber]),
    /// For type 5: both key coins' authenticity numbers, first coin first.
    TwoCoins(&'k AuthenticityNumber, &'k AuthenticityNumber),
}

/// Opens a body in place: checks 14 to 17. Gives the clear payload, and what sealing the answer takes.
///
/// `body` is exactly the [`Head::body_len`] octets behind the header. Nothing is allocated. A refused body is left as it
/// came; in an opened one the octets in front of the payload are the clear challenge.
///
/// # Errors
/// In this order: 36 or 16 as [`Head::check_length`] says, 33 for a missing trailer, 16 for a body shorter than its
/// envelope, 34 or 25 for a key of another kind than the type asks for, 37 for a challenge that does not check, 204 for
/// an HMAC that does not.
///
/// Source: protocol §1.6, §2, §3.1
pub fn open<'b>(head: &Head, body: &'b mut [u8], key: &Key<'_>) -> Result<(&'b mut [u8], Session), Refusal> {
    if head.encryption() == Encryption::None {
        let signature = open_clear(head, body)?;
        let payload = body.get_mut(Challenge::LEN..head.body_len().saturating_sub(TRAILER.len())).unwrap_or_default();
        return Ok((payload, Session::new(*head, CipherKey::Clear, signature)));
    }
    check_len(head, body)?;
    let opened = match body.split_last_chunk_mut() {
        Some((sealed, &mut TRAILER)) if head.encryption().is_long() => open_long(head, sealed, key),
        Some((sealed, &mut TRAILER)) => open_short(head, sealed, key),
        Some(_) | None => Err(Status::INVALID_EOF),
    };
    opened.map_err(|status| head.refuse(status))
}

/// Opens a body of type 0, where nothing has to be decrypted: the signature that the answer carries, which is the
/// challenge, or zero where there is no body. The payload lies between challenge and trailer.
///
/// All that a request without payload takes, such as an echo: its answer is a header.
///
/// # Errors
/// As [`open`].
///
/// Source: protocol §1.6, §2.2, §3.1
pub fn open_clear(head: &Head, body: &[u8]) -> Result<[u8; 16], Refusal> {
    check_len(head, body)?;
    if body.is_empty() {
        return Ok([0; 16]);
    }
    let challenge = match body.split_last_chunk() {
        Some((clear, &TRAILER)) => clear.first_chunk().ok_or(Status::INVALID_PACKET_LENGTH),
        Some(_) | None => Err(Status::INVALID_EOF),
    };
    let checked = challenge.and_then(|octets| Challenge::parse(*octets).ok_or(Status::INVALID_CRC));
    checked.map(|challenge| *challenge.octets()).map_err(|status| head.refuse(status))
}

/// Checks 12 and 13, and that the body is all that the header has announced.
fn check_len(head: &Head, body: &[u8]) -> Result<(), Refusal> {
    head.check_presence()?;
    if body.len() == head.body_len() { Ok(()) } else { Err(head.refuse(Status::INVALID_PACKET_LENGTH)) }
}

/// Types 1 and 2: challenge and payload, one stream.
fn open_short<'b>(head: &Head, sealed: &'b mut [u8], key: &Key<'_>) -> Result<(&'b mut [u8], Session), Status> {
    let challenge = *sealed.first_chunk().ok_or(Status::INVALID_PACKET_LENGTH)?;
    let iv = head.header().keying.iv();
    let key = match (head.encryption(), *key) {
        (Encryption::Coin, Key::Coin(number)) => fitting(slice::from_ref(number), &iv, challenge),
        (Encryption::Locker, Key::Lockers(candidates @ [_, ..])) => fitting(candidates, &iv, challenge),
        (Encryption::None | Encryption::Coin | Encryption::Locker | Encryption::Coin256 | Encryption::TwoCoins, _) => {
            return Err(head.unknown_key());
        }
    };
    let key = key.ok_or(Status::INVALID_CRC)?;
    key.apply(&iv, sealed);
    let (challenge, payload) = sealed.split_first_chunk_mut().ok_or(Status::INVALID_PACKET_LENGTH)?;
    let signature = key.signature(*challenge);
    Ok((payload, Session::new(*head, key, signature)))
}

/// The first candidate under which the challenge checks. Only a copy of the challenge is decrypted.
fn fitting(candidates: &[AuthenticityNumber], iv: &[u8; 16], challenge: [u8; Challenge::LEN]) -> Option<CipherKey> {
    candidates.iter().take(LOCKERS_MAX).map(CipherKey::plain).find(|key| {
        let mut trial = challenge;
        key.apply(iv, &mut trial);
        Challenge::parse(trial).is_some()
    })
}

/// Types 4 and 5: payload, then its HMAC. Verified before it is decrypted.
fn open_long<'b>(head: &Head, sealed: &'b mut [u8], key: &Key<'_>) -> Result<(&'b mut [u8], Session), Status> {
    let (payload, mac) = sealed.split_last_chunk_mut::<32>().ok_or(Status::INVALID_PACKET_LENGTH)?;
    let key = match (head.encryption(), *key) {
        (Encryption::Coin256, Key::Coin(number)) => CipherKey::coin256(number),
        (Encryption::TwoCoins, Key::TwoCoins(first, second)) => CipherKey::two_coins(first, second),
        (Encryption::None | Encryption::Coin | Encryption::Locker | Encryption::Coin256 | Encryption::TwoCoins, _) => {
            return Err(head.unknown_key());
        }
    };
    if !key.verifies(payload, mac) {
        return Err(Status::INVALID_HMAC);
    }
    key.apply(&head.header().keying.iv(), payload);
    Ok((payload, Session::new(*head, key, [0; 16])))
}
