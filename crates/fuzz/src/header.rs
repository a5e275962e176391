//! Request headers.

use raida_wire::header::View;
use raida_wire::{Head, LONG, Refusal};

use crate::RULES;
use crate::naive::{self, Verdict};
use crate::plausible::plausible;

/// A header is judged as the protocol's text says, and what is accepted is written as it came, but for octets that are
/// ignored. Nothing that reads octets from strangers panics.
pub fn header(octets: &[u8]) {
    raida_wire::testing::read_everything(octets, &RULES);
    let octets = &plausible(octets);
    let judged = match Head::judge(octets, &RULES) {
        Ok(None) => Verdict::Wait,
        Ok(Some(head)) => {
            emitted_alike(&head, octets);
            Verdict::Accept(head.header_len(), head.body_len())
        }
        Err(refusal) => Verdict::Refuse(written(&refusal)),
    };
    assert_eq!(judged, naive::judge(octets, &RULES));
}

/// The octets of a refusal; execution time and random octets are zero.
pub(crate) fn written(refusal: &Refusal) -> Vec<u8> {
    let mut out = [0; LONG];
    let length = refusal.write(&mut out, RULES.raida_id, 0, &[0; 24]);
    out[..length].to_vec()
}

fn emitted_alike(head: &Head, octets: &[u8]) {
    let mut out = [0; LONG];
    let length = head.header().emit(&mut out);
    assert_eq!(length, head.header_len());
    let (again, rest) = View::split(&out[..length]).expect("a whole header");
    assert!(rest.is_empty());
    let (first, _) = View::split(octets).expect("a whole header");
    assert_eq!((again.command(), again.coin_id(), again.shard()), (first.command(), first.coin_id(), first.shard()));
    assert_eq!((again.presentation(), again.body_len()), (first.presentation(), first.body_len()));
    let parsed = Head::judge(&out[..length], &RULES).expect("not refused").expect("whole");
    assert_eq!(parsed, *head);
    let significant = if length == 32 && head.encryption().code() == 0 { 30..32 } else { 24..length };
    assert_eq!(out[significant.clone()], octets[significant], "the nonce, or the echo");
}
