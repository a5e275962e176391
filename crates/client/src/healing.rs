//! The commands of the Healing group: tickets, Find and Fix.
//!
//! Source: protocol §5.4

use std::num::NonZeroU32;
use std::time::Duration;

use raida_wire::{CoinId, Command, Status, bitfield};

use crate::answer::Answer;
use crate::ask::ask_for;
use crate::authentication::{Renewal, owned, renewals};
use crate::envelope::KeyCoin;
use crate::error::{AskError, PayloadError, Trouble};
use crate::layout::Layout;
use crate::options::Options;
use crate::payload::Payload;
use crate::question::Question;
use crate::quorum::NODES;
use crate::target::Target;
use crate::verdict::{bits, exactly, passes, success};

/// What [`get_ticket`] gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// The number that other nodes redeem; `None` when no coin passed.
    pub number: Option<NonZeroU32>,
    /// Which coins it stands for, in their order.
    pub passed: Vec<bool>,
}

/// Which of two numbers a node knows a coin by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Found {
    /// Neither.
    Neither,
    /// The authenticity number: nothing has happened yet.
    Number,
    /// The proposed number: it has happened.
    Proposed,
}

/// Asks for a ticket: the node's word, good for 300 seconds, that these coins are authentic.
///
/// # Errors
///
/// See [`AskError`]; any status but 241, 242 and 243 is one, 42 when the node has no ticket left among them.
///
/// Source: protocol §7.6
pub fn get_ticket(target: &Target, coins: &[KeyCoin], options: &Options) -> Result<Answer<Ticket>, AskError> {
    let question = Question::raw(Command::GET_TICKET, owned(Layout::DETECT, &[], coins));
    let question = question.expecting(bitfield::len(coins.len()) + TICKET_LEN);
    ask_for(target, &question, options, |status, payload| read_ticket(status, payload, coins.len()))
}

/// Redeems a ticket at the node that gave it, in the name of the node `claimant`: the coins that it stands for.
///
/// # Errors
///
/// See [`AskError`]; any status but 250 is one, 43 for an unknown ticket and 44 for one redeemed before among them.
pub fn validate_ticket(
    target: &Target,
    claimant: u8,
    ticket: NonZeroU32,
    options: &Options,
) -> Result<Answer<Vec<CoinId>>, AskError> {
    let payload = Payload::with_room(5).octets(&[claimant]).u32(ticket.get()).finish();
    let question = Question::raw(Command::VALIDATE_TICKET, payload);
    ask_for(target, &question, options, |status, payload| crate::locker::read_coins(success(status, payload)?))
}

/// Asks by which of two numbers the node knows each coin. Nothing changes. One word per coin, in their order.
///
/// # Errors
///
/// See [`AskError`]; any status but 208 to 211 is one.
pub fn find(target: &Target, coins: &[Renewal], options: &Options) -> Result<Answer<Vec<Found>>, AskError> {
    let question = Question::raw(Command::FIND, renewals(coins)).repeatable().expecting(coins.len());
    ask_for(target, &question, options, |status, payload| read_found(status, payload, coins.len()))
}

/// Has the node repair coins with other nodes' tickets; ticket `n` is that of RAIDA `n`, `None` where there is none.
/// A coin that passed is known by [`AuthenticityNumber::fixed`](raida_wire::AuthenticityNumber::fixed) from then on. One word per coin, in their order.
///
/// The node asks its peers before it answers, which takes up to 32 seconds: the first attempt is given
/// [`FIX_PATIENCE`], whatever the options say, if that is longer.
///
/// # Errors
///
/// See [`AskError`]; any status but 241, 242 and 243 is one.
pub fn fix(
    target: &Target,
    coins: &[CoinId],
    chosen: &[u8; 16],
    tickets: &[Option<NonZeroU32>; NODES],
    options: &Options,
) -> Result<Answer<Vec<bool>>, AskError> {
    let question = Question::raw(Command::FIX, fix_payload(coins, chosen, tickets));
    let options = Options { timeout: options.timeout.max(FIX_PATIENCE), ..*options };
    ask_for(target, &question.expecting(bitfield::len(coins.len())), &options, |status, payload| {
        passes(status, payload, coins.len())
    })
}

/// How long a node may take for a Fix, and a little more for the way.
pub const FIX_PATIENCE: Duration = Duration::from_secs(35);

/// The size of a ticket's number.
const TICKET_LEN: usize = 4;

fn read_ticket(status: Status, payload: &[u8], coins: usize) -> Result<Ticket, Trouble> {
    let bits_len = match status {
        Status::ALL_PASS => 0,
        Status::MIXED => bitfield::len(coins),
        Status::ALL_FAIL => {
            exactly(payload, 0)?;
            return Ok(Ticket { number: None, passed: vec![false; coins] });
        }
        refused => return Err(Trouble::Refused(refused)),
    };
    exactly(payload, bits_len + TICKET_LEN)?;
    let (passed, number) = payload.split_last_chunk().unwrap_or((&[], &[0; TICKET_LEN]));
    let number = NonZeroU32::new(u32::from_be_bytes(*number)).ok_or(Trouble::Payload(PayloadError::Ticket))?;
    let passed = if status == Status::ALL_PASS { vec![true; coins] } else { bits(passed, coins) };
    Ok(Ticket { number: Some(number), passed })
}

fn read_found(status: Status, payload: &[u8], coins: usize) -> Result<Vec<Found>, Trouble> {
    let all = |found| exactly(payload, 0).map(|()| vec![found; coins]);
    match status {
        Status::FIND_NEITHER => all(Found::Neither),
        Status::FIND_ALL_AN => all(Found::Number),
        Status::FIND_ALL_PAN => all(Found::Proposed),
        Status::FIND_MIXED => {
            exactly(payload, coins)?;
            payload.iter().map(|octet| read_one(*octet)).collect()
        }
        refused => Err(Trouble::Refused(refused)),
    }
}

fn read_one(octet: u8) -> Result<Found, Trouble> {
    match octet {
        0 => Ok(Found::Neither),
        1 => Ok(Found::Number),
        2 => Ok(Found::Proposed),
        found => Err(Trouble::Payload(PayloadError::Found(found))),
    }
}

pub(crate) fn fix_payload(coins: &[CoinId], chosen: &[u8; 16], tickets: &[Option<NonZeroU32>; NODES]) -> Vec<u8> {
    let payload = Payload::with_room(Layout::FIX.len(coins.len())).coins(coins.iter().copied()).octets(chosen);
    tickets.iter().fold(payload, |payload, ticket| payload.u32(ticket.map_or(0, NonZeroU32::get))).finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticket_comes_alone_or_behind_a_bitfield_or_not_at_all() {
        let ticket = |number, passed: &[bool]| Ticket { number: NonZeroU32::new(number), passed: passed.to_vec() };
        assert_eq!(read_ticket(Status::ALL_PASS, &[0, 0, 1, 2], 2).unwrap(), ticket(258, &[true, true]));
        assert_eq!(read_ticket(Status::MIXED, &[2, 0, 0, 1, 2], 2).unwrap(), ticket(258, &[false, true]));
        assert_eq!(read_ticket(Status::ALL_FAIL, &[], 2).unwrap(), ticket(0, &[false, false]));
        let zero = read_ticket(Status::ALL_PASS, &[0; 4], 2);
        assert!(matches!(zero, Err(Trouble::Payload(PayloadError::Ticket))));
        assert!(read_ticket(Status::MIXED, &[0, 0, 1, 2], 2).is_err());
        assert!(matches!(read_ticket(Status::NO_TICKET_SLOT, &[], 2), Err(Trouble::Refused(_))));
    }

    #[test]
    fn find_has_a_status_for_all_and_an_octet_for_each() {
        use Found::{Neither, Number, Proposed};
        for (status, found) in
            [(Status::FIND_NEITHER, Neither), (Status::FIND_ALL_AN, Number), (Status::FIND_ALL_PAN, Proposed)]
        {
            assert_eq!(read_found(status, &[], 2).unwrap(), [found; 2]);
        }
        assert_eq!(read_found(Status::FIND_MIXED, &[2, 0, 1], 3).unwrap(), [Proposed, Neither, Number]);
        assert!(matches!(read_found(Status::FIND_MIXED, &[3], 1), Err(Trouble::Payload(PayloadError::Found(3)))));
        assert!(read_found(Status::FIND_MIXED, &[1], 2).is_err());
    }
}
