//! Group 2, healing: what other nodes say about coins that this one does not believe.
//!
//! Source: protocol §5.4

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use raida_reactor::service::Transport;
use raida_reactor::sources::source;
use raida_wire::payload::{Claim, Exchange, Fix};
use raida_wire::{AuthenticityNumber, CoinId, Encryption, Status};
use tracing::debug;

use crate::asked::Asked;
use crate::authentication::in_range;
use crate::gate::Visitor;
use crate::ledger::Ledger;
use crate::look::Look;
use crate::node::Node;
use crate::reply::Reply;
use crate::setback::{Outcome, Setback};
use crate::statistics::Judged;
use crate::verdict;

/// How many other nodes have to say that a coin is authentic.
const QUORUM: usize = 13;

/// 2/40: one ticket for all authentic coins together.
pub(crate) fn get_ticket(node: &Node, asked: &Asked<'_>, reply: &mut Reply<'_, '_>) -> Outcome {
    let claims = asked.payload().records()?.iter().map(Claim::read).map(|claim| Some((claim.coin.judge()?, claim)));
    let claims: Vec<_> = claims.collect::<Option<_>>().ok_or(Status::INVALID_SN_OR_DENOMINATION)?;
    let look = Look::new(node.store(), asked.place, claims.len())?;
    let mut authentic = Vec::new();
    let results = claims.iter().map(|(coin, claim)| {
        let is_authentic = look.is_authentic(claim)?;
        authentic.extend(is_authentic.then_some(*coin));
        Ok(is_authentic)
    });
    let status = verdict::of_coins(reply, results)?;
    if !authentic.is_empty() {
        let issued = node.books.tickets.issue(authentic, asked.from, node.now());
        let number = issued.inspect_err(|_| node.statistics().refusals().tickets.count())?;
        reply.append(&number.to_be_bytes());
    }
    Ok(status)
}

/// 2/50: another node redeems a ticket.
pub(crate) fn validate_ticket(node: &Node, asked: &Asked<'_>, reply: &mut Reply<'_, '_>) -> Outcome {
    let mut payload = asked.payload();
    let ([raida_id], number) = (*payload.take()?, payload.u32()?);
    payload.end()?;
    if usize::from(raida_id) >= Fix::NODES {
        return Err(Status::WRONG_RAIDA.into());
    }
    if node.settings().claims_by_address && !node.peers().may_claim(raida_id, asked.from) {
        return Err(Status::ADMIN_AUTH.into());
    }
    node.books.tickets.claim(number, raida_id, node.now(), |coins| {
        reply.proved();
        reply.check_room(5 * coins.len())?;
        write_coins(reply, coins);
        Ok(())
    })?;
    Ok(Status::SUCCESS)
}

/// 2/60: which of two numbers each coin has.
pub(crate) fn find(node: &Node, asked: &Asked<'_>, reply: &mut Reply<'_, '_>) -> Outcome {
    let exchanges = asked.payload().records()?;
    let is_in_range = |exchange| Exchange::read(exchange).claim.coin.judge().is_some();
    if !exchanges.iter().all(is_in_range) {
        return Err(Status::INVALID_SN_OR_DENOMINATION.into());
    }
    let look = Look::new(node.store(), asked.place, exchanges.len())?;
    let found = reply.room(exchanges.len());
    for (found, exchange) in found.iter_mut().zip(exchanges) {
        *found = which(&look, &Exchange::read(exchange))?;
    }
    let passed = found.iter().filter(|found| **found != 0).count();
    let judged = Judged { passed, failed: found.len() - passed };
    let all = |expected| found.iter().all(|found| *found == expected);
    let status = match () {
        () if all(1) => Status::FIND_ALL_AN,
        () if all(2) => Status::FIND_ALL_PAN,
        () if all(0) => Status::FIND_NEITHER,
        () => Status::FIND_MIXED,
    };
    reply.judge(judged);
    if status != Status::FIND_MIXED {
        reply.discard();
    }
    Ok(status)
}

/// 1 for the AN, 2 for the PAN, 0 for neither.
fn which(look: &Look<'_>, exchange: &Exchange) -> Result<u8, Setback> {
    let Some(coin) = exchange.claim.coin.judge() else { return Ok(0) };
    let Some(number) = look.number(coin)? else { return Ok(0) };
    let (is_an, is_pan) = (number == exchange.claim.an, number == exchange.pan);
    Ok(if is_an { 1 } else { 2 * u8::from(is_pan) })
}

/// 2/80: gives coins new numbers, if enough other nodes redeem tickets for them.
pub(crate) fn fix(node: &Node, asked: &Asked<'_>, reply: &mut Reply<'_, '_>) -> Outcome {
    let Fix { coins, pg, tickets } = Fix::read(asked.payload())?;
    let coins = in_range(coins)?;
    let raida_id = node.settings().raida_id;
    let tickets = (0..).zip(tickets).filter(|(id, ticket)| *ticket != 0 && *id != raida_id);
    let tickets: Vec<(u8, u32)> = tickets.collect();
    if tickets.len() < QUORUM {
        return Ok(Status::ALL_FAIL);
    }
    let is_counted = !(node.settings().fixes_loopback_exempt && asked.from.is_loopback());
    let visitor = Visitor {
        source: is_counted.then(|| source(asked.from)),
        may_be_forged: asked.transport != Transport::Tcp && asked.head.encryption() == Encryption::None,
    };
    let Some(_pass) = node.books.fixes.enter(visitor) else {
        node.statistics().refusals().fixes.count();
        return Err(Status::REQUEST_RATE.into());
    };
    let election = Election::hold(node, &coins, &tickets);
    let mut batch = node.store().write()?;
    let status = batch.request(|changes| {
        let mut ledger = Ledger::new(changes, node.surroundings.calendar.month());
        let results = coins.iter().map(|coin| {
            let is_elected = election.has_elected(coin);
            if is_elected {
                ledger.give(*coin, AuthenticityNumber::fixed(raida_id, *coin, pg))?;
            }
            Ok(is_elected)
        });
        verdict::of_coins(reply, results)
    })?;
    batch.commit().map_err(Setback::of_commit)?;
    Ok(status)
}

/// What other nodes say about coins, counted while they say it.
struct Election {
    votes: HashMap<CoinId, usize>,
    /// Nodes that were asked and have said nothing.
    silent: HashSet<u8>,
}

impl Election {
    /// Asks each node for the coins of its ticket. It is over when nobody who is still silent could change the outcome: a
    /// node that is down would hold up every Fix otherwise.
    fn hold(node: &Node, coins: &[CoinId], tickets: &[(u8, u32)]) -> Self {
        let votes = coins.iter().map(|coin| (*coin, 0)).collect();
        let silent = tickets.iter().map(|(raida_id, _)| *raida_id).collect();
        let mut election = Self { votes, silent };
        let (mut ballots, mut failures) = (0, 0);
        node.peers().validate(tickets, &mut |raida_id, answer| {
            if !election.silent.remove(&raida_id) {
                debug!(raida_id, "a node was not asked, or answered twice");
                return ControlFlow::Continue(());
            }
            match answer {
                Ok(coins) => {
                    ballots += 1;
                    election.count(coins);
                }
                Err(error) => {
                    failures += 1;
                    debug!(raida_id, %error, "a node did not redeem its ticket");
                }
            }
            if election.is_over() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        node.statistics().count_fix(ballots, failures);
        election
    }

    /// One node's ballot. What it says twice counts once.
    fn count(&mut self, coins: Vec<CoinId>) {
        for coin in coins.into_iter().collect::<HashSet<_>>() {
            if let Some(votes) = self.votes.get_mut(&coin) {
                *votes += 1;
            }
        }
    }

    fn is_over(&self) -> bool {
        self.votes.values().all(|votes| *votes >= QUORUM || votes + self.silent.len() < QUORUM)
    }

    fn has_elected(&self, coin: &CoinId) -> bool {
        self.votes.get(coin).is_some_and(|votes| *votes >= QUORUM)
    }
}

/// Answers with the names of coins.
pub(crate) fn write_coins(reply: &mut Reply<'_, '_>, coins: &[CoinId]) {
    for (place, coin) in reply.room(5 * coins.len()).as_chunks_mut().0.iter_mut().zip(coins) {
        *place = coin.raw().0;
    }
}
