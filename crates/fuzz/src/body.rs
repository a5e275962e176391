//! Bodies of every encryption type.

use raida_wire::{AuthenticityNumber, Head, Key, Pending, Status, open};
use raida_wire::{HEADROOM, TAILROOM};
use sha2::{Digest, Sha256};

use crate::header::written;
use crate::{RULES, naive};

const FIRST: [u8; 16] = *b"first key secret";
const SECOND: [u8; 16] = *b"secnd key secret";
/// Two lockers with one prefix; the second is the one that bodies are sealed with.
const LOCKERS: [[u8; 16]; 2] = [*b"locker A \0\0\0\xFF\xFF\xFF\xFF", *b"locker B \0\0\0\xFF\xFF\xFF\xFF"];

/// A body opens, or is refused, as the protocol's text says: one that was sealed rightly, one that was changed in one
/// place, and any octets whatever. The answer of what was opened is what the client reads.
///
/// The first octet chooses type and kind, the next 24 are the nonce, the rest is payload or body.
pub fn body(octets: &[u8]) {
    let Some((choice, rest)) = octets.split_first() else { return };
    let Some((nonce, content)) = rest.split_first_chunk::<24>() else { return };
    let encryption = [0, 1, 2, 4, 5][usize::from(choice % 5)];
    let header = header_of(encryption, nonce);
    let (sealing, opening) = keys(encryption);
    let mut body = if choice & 0x80 == 0 { content.to_vec() } else { naive::seal(&header, content, &sealing) };
    let place = usize::from(nonce[0]) << 8 | usize::from(nonce[1]);
    let is_changed = choice & 0x40 != 0 && !body.is_empty();
    if is_changed {
        let place = place % body.len();
        body[place] ^= 1 << (nonce[2] % 8);
    }
    if body.len() > usize::from(u16::MAX) {
        return;
    }
    let keys: Vec<&[u8]> = opening.iter().map(Vec::as_slice).collect();
    let expected = naive::open(&header, &body, &keys);
    if choice & 0xC0 == 0x80 {
        assert_eq!(expected.as_deref(), Ok(content));
    }
    opens_as(expected, with_length(header, body.len()), body);
}

fn opens_as(expected: Result<Vec<u8>, u8>, header: Vec<u8>, body: Vec<u8>) {
    let head = Head::judge(&header, &RULES).expect("a right header").expect("a whole one");
    let (first, second) = (AuthenticityNumber::new(FIRST), AuthenticityNumber::new(SECOND));
    let lockers = LOCKERS.map(AuthenticityNumber::new);
    let key = match header[16] {
        0 => Key::None,
        2 => Key::Lockers(&lockers),
        5 => Key::TwoCoins(&first, &second),
        _ => Key::Coin(&first),
    };
    let mut opened = body.clone();
    match (open(&head, &mut opened, &key), expected) {
        (Ok((payload, session)), Ok(clear)) => {
            assert_eq!(payload, clear);
            assert_eq!(session.is_authenticated(), header[16] != 0);
            let sealed = sealed(&session, &clear);
            read_by_the_client(&header, &body, session.key().octets(), sealed, &clear);
            session.close(&mut opened);
            assert_eq!(opened, body, "closing puts it back");
        }
        (Err(refusal), Err(status)) => {
            assert_eq!(written(&refusal), naive::refusal(&header, &RULES, status));
            assert_eq!(opened, body, "a refused body is left as it came");
        }
        (opened, expected) => panic!("{:?} but expected {expected:?}", opened.map(|(payload, _)| payload.len())),
    }
}

fn sealed(session: &raida_wire::Session, clear: &[u8]) -> Vec<u8> {
    let mut buffer = vec![0; HEADROOM + clear.len() + TAILROOM];
    buffer[HEADROOM..HEADROOM + clear.len()].copy_from_slice(clear);
    let range = session.seal(&mut buffer, clear.len(), Status::SUCCESS, RULES.raida_id, 7, &[9; 24]);
    assert_eq!(range.len(), session.sealed_len(clear.len()));
    buffer[range].to_vec()
}

/// Whoever sent the request reads the payload in the answer.
fn read_by_the_client(header: &[u8], body: &[u8], key: &[u8], mut answer: Vec<u8>, clear: &[u8]) {
    let pending = if let Ok(key) = key.try_into() {
        Pending::long(RULES.raida_id, key, header[24..48].try_into().unwrap())
    } else {
        let nonce = header[24..32].try_into().unwrap();
        let mut challenge = [0; 16];
        if let Some(sent) = body.first_chunk::<16>().filter(|_| body.len() >= 18) {
            challenge = *sent;
            if !key.is_empty() {
                challenge.copy_from_slice(&naive::ctr(key, &naive::iv(header), sent));
            }
        }
        Pending::short(RULES.raida_id, key.try_into().ok(), nonce, challenge)
    };
    let response = pending.read(&mut answer).expect("an answer that the client takes");
    assert_eq!((response.status, &*response.payload), (Status::SUCCESS, clear));
}

/// The key that a body is sealed with, and those that the node tries.
fn keys(encryption: u8) -> (Vec<u8>, Vec<Vec<u8>>) {
    let one = |key: Vec<u8>| (key.clone(), vec![key]);
    match encryption {
        0 | 1 => one(FIRST.to_vec()),
        2 => (LOCKERS[1].to_vec(), LOCKERS.iter().map(|key| key.to_vec()).collect()),
        4 => one(Sha256::digest(FIRST).to_vec()),
        _ => one(Sha256::digest([FIRST, SECOND].concat()).to_vec()),
    }
}

fn header_of(encryption: u8, nonce: &[u8; 24]) -> Vec<u8> {
    let mut header = vec![1, 0, RULES.raida_id, 0, 0, 0, 0, 6];
    header.resize(if encryption < 4 { 32 } else { 48 }, 0);
    header[16] = encryption;
    let length = header.len() - 24;
    header[24..].copy_from_slice(&nonce[..length]);
    match encryption {
        2 => header[17..22].copy_from_slice(&LOCKERS[0][..5]),
        5 => header[24..29].copy_from_slice(&[0, 0, 0, 0, 8]),
        _ => {}
    }
    header
}

fn with_length(mut header: Vec<u8>, length: usize) -> Vec<u8> {
    let at = if header.len() == 32 { 22 } else { 17 };
    header[at..at + 2].copy_from_slice(&u16::try_from(length).unwrap().to_be_bytes());
    header
}
