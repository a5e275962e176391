//! Kind `vote`: the vote packet.

use raida_wire::vote::{self, AnswerError};
use raida_wire::{Datagram, Denomination, judge_datagram};

use crate::case::{Case, Reason, same, same_octets};
use crate::profile::Profile;

pub(crate) fn check(case: &Case<'_>, profile: &Profile) -> Result<(), Reason> {
    match (case.expect.text("result")?, judge_datagram(&case.bytes, &profile.rules)) {
        ("reply", Datagram::Vote(request)) => check_reply(case, &request),
        ("not_a_vote", Datagram::Refuse(refusal)) => same("status", refusal.status().0, case.expect.number("status")?),
        (result @ ("reply" | "not_a_vote"), other) => {
            Err(Reason::new(format_args!("datagram is {other:?}, expected {result}")))
        }
        (unknown, _) => Err(Reason::new(format_args!("result {unknown} is unknown"))),
    }
}

fn check_reply(case: &Case<'_>, request: &vote::Request<'_>) -> Result<(), Reason> {
    let nonce = case.expect.array("nonce")?;
    same_octets("nonce", request.nonce(), &nonce)?;
    let answer = vote::answer(request, &local_roots(case)?);
    same_octets("answer", &answer, &case.expect.hex("response")?)?;

    // The asker's side of the same exchange.
    let expected: Result<bool, AnswerError> = Ok(case.expect.number::<u8>("vote")? == 1);
    same("answer as the asker reads it", vote::read(&answer, &nonce), expected)?;
    let mut question = [0; vote::REQUEST_LEN];
    vote::ask(request.roots(), &nonce, &mut question);
    same_octets("question", &question, &case.bytes)
}

/// Fifteen roots, ascending; zeros where there is no tree.
fn local_roots(case: &Case<'_>) -> Result<[u8; vote::ROOTS_LEN], Reason> {
    let given = case.given.fields("local_roots")?;
    let mut roots = [0; vote::ROOTS_LEN];
    for (root, denomination) in roots.as_chunks_mut::<32>().0.iter_mut().zip(Denomination::all()) {
        let name = denomination.to_string();
        if given.has(&name) {
            *root = given.array(&name)?;
        }
    }
    Ok(roots)
}
