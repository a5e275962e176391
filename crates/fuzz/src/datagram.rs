//! Datagrams.

use raida_wire::{Datagram, DropReason, judge_datagram};

use crate::RULES;
use crate::header::written;
use crate::naive::{self, Verdict};
use crate::plausible::plausible;

/// A datagram is a vote, a request, refused, or nothing, as the protocol's text says; no refusal is larger than it.
pub fn datagram(octets: &[u8]) {
    let octets = &shaped(octets);
    let is_vote = octets.len() == 497 && octets[0] == 7;
    match (judge_datagram(octets, &RULES), naive::judge(octets, &RULES)) {
        (Datagram::Vote(_), _) => assert!(is_vote),
        (Datagram::Drop(DropReason::TooShort), Verdict::Wait) => {}
        (Datagram::Drop(DropReason::Astray), Verdict::Refuse(answer)) => assert!(is_astray(octets, answer[2])),
        (Datagram::Refuse(refusal), Verdict::Refuse(answer)) => {
            assert!(!is_vote && !is_astray(octets, answer[2]));
            assert_eq!(written(&refusal), answer);
            assert!(answer.len() <= octets.len(), "{} octets for {}", answer.len(), octets.len());
        }
        (Datagram::Request(head), Verdict::Accept(header, body)) => {
            assert!(!is_vote);
            let checked = head.check_datagram(octets.len(), &RULES).map_err(|refusal| written(&refusal));
            let status = match body {
                _ if octets.len() < header + body => Some(16),
                0 if octets[16] == 0 && octets[4] == 0 && matches!(octets[5], 0 | 1 | 3) => None,
                0 => Some(36),
                1 => Some(16),
                _ => None,
            };
            assert_eq!(checked.err(), status.map(|status| naive::refusal(octets, &RULES, status)));
        }
        (judged, expected) => panic!("{judged:?} but expected {expected:?}"),
    }
}

/// Source: protocol §1.11
fn is_astray(octets: &[u8], status: u8) -> bool {
    octets.len() == 32 && octets[4..6] == [0, 1] && octets[8..12] == [0; 4] && matches!(status, 255 | 3)
}

/// Some of the inputs get the shape of a vote or of an answer gone astray.
fn shaped(octets: &[u8]) -> Vec<u8> {
    let mut octets = plausible(octets);
    match octets.first() {
        Some(7) => octets.resize(497, 0),
        Some(first @ (0 | 14)) => {
            let first = *first;
            octets.resize(32, first);
            octets[4..12].copy_from_slice(&[0, 1, first, first, 0, 0, 0, 0]);
        }
        _ => {}
    }
    octets
}
