//! The protocol once more, from its text alone: no cleverness, no speed, no code shared with `raida-wire`.

use aes::cipher::{BlockCipherEncrypt, KeyInit};
use aes::{Aes128, Aes256};
use raida_wire::Rules;
use sha2::{Digest, Sha256};

/// Every command there is, group and number.
///
/// Source: protocol §5.1
const COMMANDS: &[(u8, &[u8])] = &[
    (0, &[0, 1, 2, 3]),
    (1, &[10, 11, 20, 21]),
    (2, &[40, 50, 60, 80]),
    (3, &[120, 130, 140, 150, 160]),
    (4, &[41, 42, 43, 44, 45]),
    (8, &[81, 82, 83, 84, 85, 86, 87, 88, 89]),
    (9, &[91, 92, 93]),
    (10, &[170, 171, 172, 173, 174]),
    (11, &[110, 111, 112, 114]),
    (12, &[120]),
    (13, &[134, 135, 136]),
    (14, &[2, 4, 5]),
];

/// What a node makes of a header.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// More octets are needed.
    Wait,
    /// This is answered; execution time and random octets are zero.
    Refuse(Vec<u8>),
    /// The header is right: its size, the size of the body.
    Accept(usize, usize),
}

/// Checks 2 to 9.
///
/// Source: protocol §1.2, §1.5, §3.1
#[must_use]
pub fn judge(octets: &[u8], rules: &Rules) -> Verdict {
    let Some(&encryption) = octets.get(16) else { return Verdict::Wait };
    let size = if matches!(encryption, 0..=2) { 32 } else { 48 };
    if octets.len() < size {
        return Verdict::Wait;
    }
    let (group, code) = (octets[4], octets[5]);
    let is_known = COMMANDS.iter().any(|(known, codes)| *known == group && codes.contains(&code));
    let failed = [
        (octets[0] != 1, 255),
        (octets[1] != 0, 2),
        (octets[2] != rules.raida_id, 3),
        (group > 15, 5),
        (octets[3] > 3, 4),
        (!is_known, 6),
        (octets[6..8] != rules.coin_id.to_be_bytes(), 7),
        (!matches!(encryption, 0 | 1 | 2 | 4 | 5), 27),
    ];
    match failed.into_iter().find(|(is_failed, _)| *is_failed) {
        Some((_, 7)) => Verdict::Refuse(short_answer(rules, 7, group, [0; 2])),
        Some((_, 27)) => {
            let mut answer = vec![rules.raida_id, 0, 27, group];
            answer.resize(48, 0);
            answer[16] = encryption;
            Verdict::Refuse(answer)
        }
        Some((_, status)) => Verdict::Refuse(short_answer(rules, status, 0, [0; 2])),
        None => {
            let length_at = if size == 32 { 22 } else { 17 };
            Verdict::Accept(size, usize::from(octets[length_at]) << 8 | usize::from(octets[length_at + 1]))
        }
    }
}

/// The answer to a request whose header is right and whose body is not; execution time and random octets are zero.
///
/// Source: protocol §1.7, §1.8, §3.2
#[must_use]
pub fn refusal(header: &[u8], rules: &Rules, status: u8) -> Vec<u8> {
    if header[16] < 4 {
        return short_answer(rules, status, header[4], [header[30], header[31]]);
    }
    let mut answer = vec![rules.raida_id, 0, status, header[4]];
    answer.resize(48, 0);
    answer[16] = header[16];
    answer[17..22].copy_from_slice(&header[19..24]);
    if header[16] == 5 {
        answer[24..29].copy_from_slice(&header[24..29]);
    }
    answer[46..48].copy_from_slice(&header[46..48]);
    answer
}

fn short_answer(rules: &Rules, status: u8, group: u8, echo: [u8; 2]) -> Vec<u8> {
    let mut answer = vec![rules.raida_id, 0, status, group, 0, 1, echo[0], echo[1]];
    answer.resize(32, 0);
    answer
}

/// Checks 12 to 17 under this key: the clear payload, or a status.
///
/// Source: protocol §1.6, §2, §3.1, §3.3
///
/// # Errors
/// The status of the first check that fails.
pub fn open(header: &[u8], body: &[u8], keys: &[&[u8]]) -> Result<Vec<u8>, u8> {
    let (encryption, command) = (header[16], (header[4], header[5]));
    match body.len() {
        0 if encryption == 0 && matches!(command, (0, 0 | 1 | 3)) => return Ok(Vec::new()),
        0 => return Err(36),
        1 => return Err(16),
        _ => {}
    }
    let Some(sealed) = body.strip_suffix(&[0x3E, 0x3E]) else { return Err(33) };
    if encryption >= 4 {
        let key = keys[0];
        let Some(end) = sealed.len().checked_sub(32) else { return Err(16) };
        let (ciphertext, mac) = sealed.split_at(end);
        return if hmac(key, ciphertext) == mac { Ok(ctr(key, &iv(header), ciphertext)) } else { Err(204) };
    }
    if sealed.len() < 16 {
        return Err(16);
    }
    let opened = keys.iter().map(|key| if encryption == 0 { sealed.to_vec() } else { ctr(key, &iv(header), sealed) });
    let fits = |clear: &Vec<u8>| crc(&clear[..12]).to_be_bytes() == clear[12..16];
    opened.into_iter().find(fits).map(|clear| clear[16..].to_vec()).ok_or(37)
}

/// A body that opens: for type 0 to 2 with a challenge.
#[must_use]
pub fn seal(header: &[u8], payload: &[u8], key: &[u8]) -> Vec<u8> {
    let mut body = if header[16] >= 4 {
        let mut body = ctr(key, &iv(header), payload);
        let mac = hmac(key, &body);
        body.extend(mac);
        body
    } else {
        let mut clear = b"twelve octet".to_vec();
        clear.extend(crc(&clear).to_be_bytes());
        clear.extend(payload);
        if header[16] == 0 { clear } else { ctr(key, &iv(header), &clear) }
    };
    body.extend([0x3E, 0x3E]);
    body
}

/// The body of an answer: nothing where there is no payload.
///
/// Source: protocol §1.9
#[must_use]
pub fn seal_answer(payload: &[u8], key: &[u8], iv: &[u8; 16]) -> Vec<u8> {
    if payload.is_empty() {
        return Vec::new();
    }
    let mut body = if key.is_empty() { payload.to_vec() } else { ctr(key, iv, payload) };
    if key.len() == 32 {
        let mac = hmac(key, &body);
        body.extend(mac);
    }
    body.extend([0x3E, 0x3E]);
    body
}

/// Where the counter starts: header octets 24 to 31 and zeros, or 24 to 39.
///
/// Source: protocol §2.3, §2.4
#[must_use]
pub fn iv(header: &[u8]) -> [u8; 16] {
    let mut iv = [0; 16];
    let length = if header[16] >= 4 { 16 } else { 8 };
    iv[..length].copy_from_slice(&header[24..24 + length]);
    iv
}

/// AES in counter mode, one block after the other.
#[must_use]
pub fn ctr(key: &[u8], iv: &[u8; 16], text: &[u8]) -> Vec<u8> {
    let encrypt = |counter: u128| {
        let mut block = counter.to_be_bytes().into();
        match key.len() {
            16 => Aes128::new_from_slice(key).unwrap().encrypt_block(&mut block),
            _ => Aes256::new_from_slice(key).unwrap().encrypt_block(&mut block),
        }
        block
    };
    let start = u128::from_be_bytes(*iv);
    let blocks = text.chunks(16).zip(0_u128..);
    blocks
        .flat_map(|(text, n)| text.iter().zip(encrypt(start.wrapping_add(n))).map(|(a, b)| a ^ b).collect::<Vec<_>>())
        .collect()
}

/// HMAC-SHA256, by its definition.
#[must_use]
pub fn hmac(key: &[u8], text: &[u8]) -> [u8; 32] {
    let padded = |mask: u8| (0..64).map(|place| key.get(place).copied().unwrap_or_default() ^ mask).collect::<Vec<_>>();
    let inner = Sha256::digest([&padded(0x36), text].concat());
    Sha256::digest([&padded(0x5C)[..], &inner].concat()).into()
}

/// CRC-32, bit by bit.
///
/// Source: protocol §2.1
#[must_use]
pub fn crc(octets: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for octet in octets {
        crc ^= u32::from(*octet);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksum_is_the_one_of_the_protocol() {
        assert_eq!(crc(b"Hello World!"), 0x1C29_1CA3);
    }

    #[test]
    fn what_was_sealed_opens() {
        for encryption in [0, 1, 2, 4, 5] {
            let mut header = vec![7; 48];
            header[16] = encryption;
            let key: &[u8] = if encryption < 4 { &[1; 16] } else { &[2; 32] };
            assert_eq!(open(&header, &seal(&header, b"a payload", key), &[key]).as_deref(), Ok(&b"a payload"[..]));
            let empty = open(&header, &[0x3E, 0x3E], &[key]);
            assert_eq!(empty, Err(16));
        }
    }
}
