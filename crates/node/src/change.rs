//! Group 9, change: one coin into ten smaller ones, and back.
//!
//! Source: protocol §5.7

use std::collections::HashSet;

use raida_reactor::service::Transport;
use raida_wire::payload::{Claim, Payload};
use raida_wire::{CoinId, Denomination, Status};

use crate::asked::Asked;
use crate::holdings::Holder;
use crate::ledger::Ledger;
use crate::node::Node;
use crate::reply::Reply;
use crate::reservations::{Held, Session};
use crate::setback::{Outcome, Setback};

/// How many smaller coins make one.
const PARTS: usize = 10;
/// The size of the parts' records, in octets.
const PARTS_LEN: usize = PARTS * Claim::LEN;

const ODD_COIN: Setback = Setback::Refused(Status::INVALID_SN_OR_DENOMINATION);
const NOT_RESERVED: Setback = Setback::Refused(Status::PAGE_IS_NOT_RESERVED);

/// 9/91: free serial numbers one denomination lower (to break) or higher (to join). Keeps them for the session.
pub(crate) fn available_numbers(node: &Node, asked: &Asked<'_>, reply: &mut Reply<'_, '_>) -> Outcome {
    let mut payload = asked.payload();
    let (session, [operation], [denomination]) = (Session(payload.u32()?), *payload.take()?, *payload.take()?);
    payload.end()?;
    let neighbour = match operation {
        1 => Denomination::lower,
        2 => Denomination::higher,
        _ => return Err(Status::INVALID_PARAMETER.into()),
    };
    let denomination = Denomination::new(denomination.cast_signed()).and_then(neighbour).ok_or(ODD_COIN)?;
    let mut held = node.books.reservations.lock(node.now());
    let wish = held.wish(node.store(), session, denomination);
    let wished = wish.len();
    reply.check_room(1 + 4 * wished)?;
    let offered = held.grant(wish, node.store(), Holder::of(asked.from, asked.transport));
    drop(held);
    if offered.len() < wished {
        node.statistics().refusals().reservations.count();
    }
    reply.payload(&[denomination.octet()]);
    offered.iter().for_each(|coin| reply.append(&coin.serial_number.get().to_be_bytes()));
    Ok(Status::SUCCESS)
}

/// 9/92: one coin into ten, all or nothing.
pub(crate) fn break_coin(
    node: &Node,
    asked: &Asked<'_>,
    ledger: &mut Ledger<'_, '_>,
    _: &mut Reply<'_, '_>,
) -> Outcome {
    let (session, whole, parts) = read(asked.payload())?;
    let lower = Denomination::new(whole.coin.denomination()).and_then(Denomination::lower).ok_or(ODD_COIN)?;
    let (breaks, now, is_connected) = (&node.books.breaks, node.now(), asked.transport == Transport::Tcp);
    if !breaks.admits(asked.from, now) {
        node.statistics().refusals().breaks.count();
        return Err(Status::REQUEST_RATE.into());
    }
    if is_connected {
        breaks.count(asked.from, now);
    }
    let coin = whole.coin.judge().ok_or(ODD_COIN)?;
    if !ledger.is_authentic(&whole)? {
        return Ok(Status::ALL_FAIL);
    }
    let targets = distinct_parts(&parts, Some(lower))?;
    let held = node.books.reservations.lock(now);
    for target in &targets {
        check_target(&held, ledger, session, *target)?;
    }
    drop(held);
    for (target, part) in targets.into_iter().zip(parts) {
        ledger.give(target, part.an)?;
    }
    ledger.withdraw(coin)?;
    // A datagram may name anybody's address: whoever that is, calls without a coin to break take nothing from him.
    if !is_connected {
        breaks.count(asked.from, now);
    }
    Ok(Status::SUCCESS)
}

/// 9/93: ten coins into one, all or nothing.
pub(crate) fn join_coins(
    node: &Node,
    asked: &Asked<'_>,
    ledger: &mut Ledger<'_, '_>,
    _: &mut Reply<'_, '_>,
) -> Outcome {
    let (session, whole, parts) = read(asked.payload())?;
    let target = whole.coin.judge().ok_or(ODD_COIN)?;
    check_target(&node.books.reservations.lock(node.now()), ledger, session, target)?;
    let sources = distinct_parts(&parts, target.denomination.lower())?;
    for part in &parts {
        if !ledger.is_authentic(part)? {
            return Ok(Status::ALL_FAIL);
        }
    }
    for source in sources {
        ledger.withdraw(source)?;
    }
    ledger.give(target, whole.an)?;
    Ok(Status::SUCCESS)
}

/// Both commands have the same shape: session, the whole coin and a number, ten parts with a number each.
fn read(mut payload: Payload<'_>) -> Result<(Session, Claim, Vec<Claim>), Status> {
    let (session, whole) = (Session(payload.u32()?), Claim::read(payload.take()?));
    let parts = payload.take::<PARTS_LEN>()?;
    payload.end()?;
    Ok((session, whole, parts.as_chunks().0.iter().map(Claim::read).collect()))
}

/// The coins of the parts: in range, of this denomination, each once.
fn distinct_parts(parts: &[Claim], denomination: Option<Denomination>) -> Result<Vec<CoinId>, Setback> {
    let mut seen = HashSet::new();
    let coin = |part: &Claim| {
        let coin = part.coin.judge().filter(|coin| Some(coin.denomination) == denomination);
        coin.filter(|coin| seen.insert(*coin)).ok_or(ODD_COIN)
    };
    parts.iter().map(coin).collect()
}

/// Where a coin is to be made: the session keeps the number, and nobody has it.
fn check_target(held: &Held<'_>, ledger: &Ledger<'_, '_>, session: Session, target: CoinId) -> Result<(), Setback> {
    if held.keeps(session, target) && ledger.is_free(target)? { Ok(()) } else { Err(NOT_RESERVED) }
}
