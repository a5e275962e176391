//! What a client reads from a node that may be anybody.

use raida_wire::{Pending, Status};

use crate::{RULES, naive};

const KEY: [u8; 32] = *b"a key of thirty-two octets, here";
const CHALLENGE: [u8; 16] = *b"sixteen octets!!";

/// Any octets are an answer or none, and are asked to be no more than the length that they say. A right answer is read;
/// one with a changed signature, echo or body is not.
///
/// The first octet chooses the type and what is changed, the next 24 are the nonce, the rest is payload or answer.
pub fn response(octets: &[u8]) {
    let Some((choice, rest)) = octets.split_first() else { return };
    let Some((nonce, content)) = rest.split_first_chunk::<24>() else { return };
    let encryption = [0, 1, 4][usize::from(choice % 3)];
    let pending = pending(encryption, nonce);
    any(&pending, content);
    let answer = right_answer(encryption, nonce, content);
    let mut read = answer.clone();
    let response = pending.read(&mut read).expect("a right answer");
    assert_eq!((response.status, &*response.payload), (Status::SUCCESS, content));
    assert_eq!(pending.response_len(&answer), answer.len());
    for cut in [17, 31, 32, 47, 48, answer.len() - 1] {
        let mut cut = answer.get(..cut).filter(|cut| cut.len() < answer.len()).unwrap_or_default().to_vec();
        assert!(pending.read(&mut cut).is_err(), "cut at {}", cut.len());
    }
    let guarded: Vec<usize> = if encryption == 4 {
        // The nonce is in no MAC; the node's id, the echo, ciphertext, HMAC and trailer are.
        [0, 46, 47].into_iter().chain(48..answer.len()).collect()
    } else {
        [0, 6, 7].into_iter().chain(16..32).chain(answer.len() - 2..answer.len()).collect()
    };
    let mut changed = answer;
    if !content.is_empty() {
        changed[guarded[usize::from(nonce[0]) % guarded.len()]] ^= 1 << (choice >> 5);
        assert!(pending.read(&mut changed).is_err());
    }
}

/// No octets whatever panic, make the client wait for ever, or read beyond what they announce.
fn any(pending: &Pending, octets: &[u8]) {
    let needed = pending.response_len(octets);
    assert!((32..=48 + 0xFF_FFFF).contains(&needed));
    if let Ok(response) = pending.read(&mut octets.to_vec()) {
        assert!(needed <= octets.len() && response.payload.len() <= needed - 32);
    }
}

fn pending(encryption: u8, nonce: &[u8; 24]) -> Pending {
    let short = nonce.first_chunk().unwrap();
    match encryption {
        0 => Pending::short(RULES.raida_id, None, short, CHALLENGE),
        1 => Pending::short(RULES.raida_id, KEY.first_chunk(), short, CHALLENGE),
        _ => Pending::long(RULES.raida_id, &KEY, nonce),
    }
}

/// Source: protocol §1.7, §1.8, §2.2
fn right_answer(encryption: u8, nonce: &[u8; 24], payload: &[u8]) -> Vec<u8> {
    let (key, iv, size): (&[u8], _, _) = match encryption {
        0 => (&[], [0; 16], 32),
        1 => (&KEY[..16], short_iv(nonce), 32),
        _ => (&KEY, *nonce.first_chunk().unwrap(), 48),
    };
    let body = naive::seal_answer(payload, key, &iv);
    let mut answer = vec![0; size];
    (answer[0], answer[2]) = (RULES.raida_id, 250);
    answer[9..12].copy_from_slice(&u32::try_from(body.len()).unwrap().to_be_bytes()[1..]);
    if size == 32 {
        answer[5] = 1;
        answer[6..8].copy_from_slice(&nonce[6..8]);
        let signature = CHALLENGE.iter().zip(key.iter().chain([&0; 16])).map(|(a, b)| a ^ b);
        answer.splice(16..32, signature);
    } else {
        answer[16] = 4;
        answer[24..48].copy_from_slice(nonce);
    }
    answer.extend(body);
    answer
}

fn short_iv(nonce: &[u8; 24]) -> [u8; 16] {
    let mut iv = [0; 16];
    iv[..8].copy_from_slice(&nonce[..8]);
    iv
}
