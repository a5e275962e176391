//! The commands of the Integrity group: Merkle trees over coins, and pages.
//!
//! Source: protocol §5.8

use raida_wire::merkle::{Node, RECORDS};
use raida_wire::vote::ROOTS_LEN;
use raida_wire::{Command, Denomination};
use zeroize::Zeroizing;

use crate::answer::Answer;
use crate::ask::ask_for;
use crate::error::{AskError, PayloadError, Trouble};
use crate::options::Options;
use crate::payload::Payload;
use crate::question::Question;
use crate::target::Target;
use crate::verdict::{exactly, success};

/// Asks for one node of a denomination's tree; level 0 are the leaves.
///
/// # Errors
///
/// See [`AskError`]; any status but 250 is one, 202 when there is no such tree or node among them.
pub fn merkle_node(
    target: &Target,
    denomination: Denomination,
    level: u32,
    index: u32,
    options: &Options,
) -> Result<Answer<Node>, AskError> {
    let payload = Payload::with_room(9).octets(&[denomination.octet()]).u32(level).u32(index).finish();
    let question = Question::raw(Command::GET_MERKLE_BRANCH, payload).repeatable().expecting(size_of::<Node>());
    ask_for(target, &question, options, |status, payload| array(success(status, payload)?))
}

/// Asks for the fifteen roots, denominations ascending from -8 to 6. `own` are shown to the node, which ignores them.
///
/// # Errors
///
/// See [`AskError`]; any status but 250 is one.
pub fn all_roots(
    target: &Target,
    own: &[u8; ROOTS_LEN],
    options: &Options,
) -> Result<Answer<[u8; ROOTS_LEN]>, AskError> {
    let question = Question::raw(Command::GET_ALL_ROOTS, *own).repeatable().expecting(ROOTS_LEN);
    ask_for(target, &question, options, |status, payload| array(success(status, payload)?))
}

/// Asks for a page: the records of 1024 coins, 17 octets each, authenticity numbers included. Only a mirror of the node
/// gets it, and only under [`Coin256`](crate::Envelope::Coin256) or [`TwoCoins`](crate::Envelope::TwoCoins), by TCP.
///
/// # Errors
///
/// See [`AskError`]; any status but 250 is one, 38 for anybody else among them.
pub fn page_data(
    target: &Target,
    denomination: Denomination,
    page: u32,
    options: &Options,
) -> Result<Answer<Zeroizing<Vec<u8>>>, AskError> {
    let payload = Payload::with_room(5).octets(&[denomination.octet()]).u32(page).finish();
    let question = Question::raw(Command::GET_PAGE_DATA, payload).repeatable();
    ask_for(target, &question, options, |status, payload| {
        let page = success(status, payload)?;
        exactly(page, 17 * RECORDS)?;
        Ok(Zeroizing::new(page.to_vec()))
    })
}

fn array<const N: usize>(payload: &[u8]) -> Result<[u8; N], Trouble> {
    let length = PayloadError::Length { found: payload.len(), expected: N };
    payload.try_into().map_err(|_| Trouble::Payload(length))
}
