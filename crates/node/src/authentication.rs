//! Group 1, authentication: whose is this coin, and from now on it is mine.
//!
//! Source: protocol §5.3

use std::collections::HashSet;

use raida_wire::payload::{Claim, Exchange, Sum};
use raida_wire::{AuthenticityNumber, CoinId, RawCoinId, Status};

use crate::asked::Asked;
use crate::ledger::Ledger;
use crate::look::Look;
use crate::node::Node;
use crate::reply::Reply;
use crate::setback::{Outcome, Setback};
use crate::verdict;

/// 1/10: compares the numbers of coins.
pub(crate) fn detect(node: &Node, asked: &Asked<'_>, reply: &mut Reply<'_, '_>) -> Outcome {
    let claims = asked.payload().records()?;
    if matches!(asked.head.shard(), 1 | 2) {
        return Err(Status::LEGACY_DB.into());
    }
    let look = Look::new(node.store(), asked.place, claims.len())?;
    verdict::of_coins(reply, claims.iter().map(|claim| look.is_authentic(&Claim::read(claim))))
}

/// 1/11: compares the XOR of all numbers, as they stand at one moment.
pub(crate) fn detect_sum(node: &Node, asked: &Asked<'_>, reply: &mut Reply<'_, '_>) -> Outcome {
    let sum = Sum::read(asked.payload())?;
    let is_right = is_sum_of(node, &sum)?;
    verdict::of_all(reply, sum.coins.len(), is_right)
}

/// 1/20: gives each authentic coin its new number.
pub(crate) fn pown(_: &Node, asked: &Asked<'_>, ledger: &mut Ledger<'_, '_>, reply: &mut Reply<'_, '_>) -> Outcome {
    let exchanges = asked.payload().records()?;
    let results = exchanges.iter().map(|exchange| {
        let Exchange { claim, pan } = Exchange::read(exchange);
        match claim.coin.judge() {
            Some(coin) if ledger.is_authentic(&claim)? => ledger.pown(coin, pan).map(|()| true),
            Some(_) | None => Ok(false),
        }
    });
    verdict::of_coins(reply, results)
}

/// Whether any coin of a 1/20 is authentic.
pub(crate) fn prove_pown(node: &Node, asked: &Asked<'_>, reply: &mut Reply<'_, '_>) -> Outcome {
    let exchanges = asked.payload().records()?;
    let look = Look::new(node.store(), asked.place, exchanges.len())?;
    for exchange in exchanges {
        if look.is_authentic(&Exchange::read(exchange).claim)? {
            return Err(Setback::Proved);
        }
    }
    verdict::of_coins(reply, exchanges.iter().map(|_| Ok(false)))
}

/// 1/21: shifts all numbers by a delta, if their XOR is right.
pub(crate) fn pown_sum(_: &Node, asked: &Asked<'_>, ledger: &mut Ledger<'_, '_>, reply: &mut Reply<'_, '_>) -> Outcome {
    let mut payload = asked.payload();
    let delta = payload.take_last()?;
    let Sum { coins, sum } = Sum::read(payload)?;
    let coins = distinct(coins)?;
    if !is_sum(sum, coins.iter().map(|coin| ledger.number(*coin)))? {
        return verdict::of_all(reply, coins.len(), false);
    }
    for coin in &coins {
        if let Some(number) = ledger.number(*coin)? {
            ledger.pown(*coin, number.xor(delta))?;
        }
    }
    verdict::of_all(reply, coins.len(), true)
}

/// Whether the sum of a 1/21 is right.
pub(crate) fn prove_pown_sum(node: &Node, asked: &Asked<'_>, reply: &mut Reply<'_, '_>) -> Outcome {
    let mut payload = asked.payload();
    let _delta: &[u8; 16] = payload.take_last()?;
    prove_sum(node, Sum::read(payload)?, reply)
}

/// Whether a sum is right, where a change hangs on that.
pub(crate) fn prove_sum(node: &Node, sum: Sum<'_>, reply: &mut Reply<'_, '_>) -> Outcome {
    if is_sum_of(node, &sum)? { Err(Setback::Proved) } else { verdict::of_all(reply, sum.coins.len(), false) }
}

/// Whether a sum is right for its coins, as these stand at one moment.
fn is_sum_of(node: &Node, Sum { coins, sum }: &Sum<'_>) -> Result<bool, Setback> {
    let records = node.store().read_all(&distinct(coins)?).map_err(Setback::from)?;
    is_sum(sum, records.into_iter().map(|record| Ok(record.map(|record| record.an))))
}

/// The coins of a list in which each may stand once only: a coin listed twice drops out of a sum, and 40 keeps it there.
///
/// Source: protocol §5.2
pub(crate) fn distinct(coins: &[[u8; 5]]) -> Result<Vec<CoinId>, Status> {
    let coins = in_range(coins)?;
    let mut seen = HashSet::with_capacity(coins.len());
    if coins.iter().all(|coin| seen.insert(*coin)) { Ok(coins) } else { Err(Status::INVALID_SN_OR_DENOMINATION) }
}

/// The coins of a list in which each has to exist.
pub(crate) fn in_range(coins: &[[u8; 5]]) -> Result<Vec<CoinId>, Status> {
    let coins: Option<_> = coins.iter().map(|coin| RawCoinId(*coin).judge()).collect();
    coins.ok_or(Status::INVALID_SN_OR_DENOMINATION)
}

/// Whether every one of these coins is issued and the XOR of their numbers is `sum`.
pub(crate) fn is_sum(
    sum: &[u8; 16],
    numbers: impl Iterator<Item = Result<Option<AuthenticityNumber>, Setback>>,
) -> Result<bool, Setback> {
    let mut total = AuthenticityNumber::new([0; 16]);
    let mut is_issued = true;
    for number in numbers {
        match number? {
            Some(number) => total = total.xor(number.octets()),
            None => is_issued = false,
        }
    }
    Ok(total == AuthenticityNumber::new(*sum) && is_issued)
}
