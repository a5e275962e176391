//! Group 8, lockers: coins that share one number, which is the locker's key.
//!
//! Source: protocol §5.6

use raida_wire::payload::{Claim, Sum};
use raida_wire::{AuthenticityNumber, Status};

use crate::asked::Asked;
use crate::authentication::{distinct, is_sum, prove_sum};
use crate::healing::write_coins;
use crate::ledger::Ledger;
use crate::node::Node;
use crate::reply::Reply;
use crate::setback::Outcome;
use crate::verdict;

/// 8/82: puts coins into a locker, if the XOR of their numbers is right.
pub(crate) fn store(_: &Node, asked: &Asked<'_>, ledger: &mut Ledger<'_, '_>, reply: &mut Reply<'_, '_>) -> Outcome {
    let mut payload = asked.payload();
    let key = AuthenticityNumber::new(*payload.take_last()?);
    let Sum { coins, sum } = Sum::read(payload)?;
    let coins = distinct(coins)?;
    if !is_sum(sum, coins.iter().map(|coin| ledger.number(*coin)))? {
        return verdict::of_all(reply, coins.len(), false);
    }
    if !key.is_locker_key() {
        return Err(Status::INVALID_PAN.into());
    }
    for coin in &coins {
        ledger.pown(*coin, key.clone())?;
    }
    verdict::of_all(reply, coins.len(), true)
}

/// Whether the sum of an 8/82 is right.
pub(crate) fn prove_store(node: &Node, asked: &Asked<'_>, reply: &mut Reply<'_, '_>) -> Outcome {
    let mut payload = asked.payload();
    let _key: &[u8; 16] = payload.take_last()?;
    prove_sum(node, Sum::read(payload)?, reply)
}

/// 8/83: the coins of a locker, by denomination, then serial number.
pub(crate) fn peek(node: &Node, asked: &Asked<'_>, reply: &mut Reply<'_, '_>) -> Outcome {
    let mut payload = asked.payload();
    let key = AuthenticityNumber::new(*payload.take()?);
    payload.end()?;
    // One more than may be told is enough to know that they are too many.
    let coins = node.store().locker(&key, reply.payload_max() / 5 + 1)?;
    if coins.is_empty() {
        return Ok(Status::ALL_FAIL);
    }
    reply.proved();
    reply.check_room(5 * coins.len())?;
    write_coins(reply, &coins);
    Ok(Status::ALL_PASS)
}

/// 8/84: takes coins out of a locker. A coin belongs to it whose number is the key at this moment.
pub(crate) fn remove(_: &Node, asked: &Asked<'_>, ledger: &mut Ledger<'_, '_>, reply: &mut Reply<'_, '_>) -> Outcome {
    let mut payload = asked.payload();
    let key = AuthenticityNumber::new(*payload.take()?);
    let claims = payload.records()?;
    if !ledger.has_locker(&key)? {
        return Ok(Status::ALL_FAIL);
    }
    let results = claims.iter().map(|claim| {
        let Claim { coin, an } = Claim::read(claim);
        match coin.judge() {
            Some(coin) if ledger.number(coin)?.as_ref() == Some(&key) => ledger.give(coin, an).map(|()| true),
            Some(_) | None => Ok(false),
        }
    });
    verdict::of_removed(reply, results)
}
