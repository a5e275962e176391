//! The judging of a datagram.

use crate::head::{Head, Rules};
use crate::header::SHORT;
use crate::refusal::Refusal;
use crate::status::Status;
use crate::vote;

/// What a datagram is.
#[derive(Clone, Copy, Debug)]
pub enum Datagram<'d> {
    /// A vote packet; answer it with [`vote::answer`].
    Vote(vote::Request<'d>),
    /// Nothing to answer.
    Drop(DropReason),
    /// Refused by one of checks 2 to 9.
    Refuse(Refusal),
    /// A request whose header is right. The look-up of its key comes next, then [`Head::check_datagram`].
    Request(Head),
}

/// Why a datagram gets no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DropReason {
    /// It is shorter than a header. Answering would turn the node into a reflector for anonymous junk.
    TooShort,
    /// It has the shape of a response without body. Two nodes would answer each other's errors for ever.
    Astray,
}

/// Judges a datagram, already cut at the receive limit: checks 0 to 9 and the rule on answers gone astray.
///
/// Source: protocol §1.11, §3.1
#[must_use]
pub fn judge_datagram<'d>(octets: &'d [u8], rules: &Rules) -> Datagram<'d> {
    if let Some(request) = vote::Request::parse(octets) {
        return Datagram::Vote(request);
    }
    match Head::judge(octets, rules) {
        Ok(Some(head)) => Datagram::Request(head),
        Ok(None) => Datagram::Drop(DropReason::TooShort),
        Err(refusal) if is_astray(octets, refusal.status()) => Datagram::Drop(DropReason::Astray),
        Err(refusal) => Datagram::Refuse(refusal),
    }
}

/// Whether a datagram that failed check 2 or check 4 looks like somebody's response.
fn is_astray(octets: &[u8], status: Status) -> bool {
    let is_response =
        <&[u8; SHORT]>::try_from(octets).is_ok_and(|header| matches!(header, [_, _, _, _, 0, 1, _, _, 0, 0, 0, 0, ..]));
    is_response && matches!(status, Status::INVALID_ROUTING | Status::INVALID_RAIDA_ID)
}
