//! A node never answers an answer, and always answers a request that only resembles one.

use raida_wire::{Datagram, DropReason, Rules, Status, judge_datagram};

const RULES: Rules = Rules { raida_id: 14, coin_id: 6, body_max: u16::MAX };

/// What a node with another id answers to junk: a header and nothing else.
fn error_of(raida_id: u8, status: Status) -> [u8; 32] {
    let mut octets = [0; 32];
    (octets[0], octets[2], octets[5]) = (raida_id, status.0, 1);
    octets
}

fn fate(octets: &[u8]) -> Result<Status, DropReason> {
    match judge_datagram(octets, &RULES) {
        Datagram::Drop(reason) => Err(reason),
        Datagram::Refuse(refusal) => Ok(refusal.status()),
        Datagram::Request(_) | Datagram::Vote(_) => Ok(Status::SUCCESS),
    }
}

#[test]
fn error_of_any_node_is_dropped() {
    for raida_id in 0..25 {
        for status in
            [Status::INVALID_ROUTING, Status::INVALID_RAIDA_ID, Status::INVALID_PACKET_LENGTH, Status::SUCCESS]
        {
            assert_eq!(fate(&error_of(raida_id, status)), Err(DropReason::Astray));
        }
    }
}

#[test]
fn datagram_that_differs_from_an_answer_in_one_mark_is_answered() {
    let answer = error_of(9, Status::INVALID_ROUTING);
    assert_eq!(fate(&answer), Err(DropReason::Astray));
    for mark in [4, 5, 8, 9, 10, 11] {
        let mut other = answer;
        other[mark] ^= 2;
        assert_eq!(fate(&other), Ok(Status::INVALID_ROUTING), "octet {mark}");
    }
    assert_eq!(fate(&[&answer[..], &[0]].concat()), Ok(Status::INVALID_ROUTING), "33 octets");
}

#[test]
fn only_a_wrong_version_or_node_makes_an_answer_of_it() {
    let mut request = error_of(1, Status(14));
    (request[1], request[7]) = (3, 6);
    assert_eq!(fate(&request), Ok(Status::INVALID_SPLIT_ID));
    request[1] = 0;
    request[3] = 4;
    assert_eq!(fate(&request), Ok(Status::INVALID_SHARD_ID));
    request[3] = 0;
    assert_eq!(fate(&request), Ok(Status::SUCCESS), "a bodyless Version");
    request[7] = 7;
    assert_eq!(fate(&request), Ok(Status::INVALID_COIN_ID));
}

#[test]
fn datagram_shorter_than_its_header_is_dropped() {
    let mut long = [0; 48];
    (long[0], long[2], long[7]) = (1, 14, 6);
    for code in 0..=u8::MAX {
        long[16] = code;
        let needed = if code <= 2 { 32 } else { 48 };
        for length in 0..=48 {
            assert_eq!(
                fate(&long[..length]) == Err(DropReason::TooShort),
                length < needed,
                "type {code}, {length} octets"
            );
        }
    }
}
