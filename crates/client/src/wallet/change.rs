//! One coin into ten, ten into one.

use std::collections::BTreeSet;
use std::num::NonZeroU32;

use raida_wire::CoinId;

use super::agreement::Agreement;
use super::error::WalletError;
use super::folder::Wallet;
use super::pown::fresh_number;
use crate::change::{Change, exchange};
use crate::coin::Coin;
use crate::envelope::KeyCoin;
use crate::error::AskError;
use crate::fleet::{Fleet, Outcome, Progress, ask_all};
use crate::quorum::{Vote, is_enough};
use crate::target::Target;

/// The coins that came out of a change, all with the same votes.
type Changed = (Vec<Coin>, Outcome);

impl Wallet {
    /// Breaks a coin into ten. It is spent when 13 nodes (or all, where fewer are asked) have broken it. "Pass" is a node
    /// that has.
    ///
    /// # Errors
    ///
    /// When nothing is smaller, or there are too few nodes or numbers: nothing is broken then. When a file can not be
    /// written, or there are no random octets.
    pub fn break_coin(&self, fleet: &Fleet, coin: &Coin) -> Result<Changed, WalletError> {
        self.change(fleet, Change::Break, vec![coin.clone()])
    }

    /// Joins ten coins of one denomination into one. They are spent when 13 nodes (or all, where fewer are asked) have
    /// joined them. "Pass" is a node that has.
    ///
    /// # Errors
    ///
    /// When the coins are not ten different ones of one denomination, or nothing is larger, or there are too few nodes or
    /// numbers: nothing is joined then. When a file can not be written, or there are no random octets.
    pub fn join(&self, fleet: &Fleet, coins: &[Coin]) -> Result<Changed, WalletError> {
        let ids: BTreeSet<CoinId> = coins.iter().map(|coin| coin.id).collect();
        let denominations: BTreeSet<_> = ids.iter().map(|id| id.denomination).collect();
        if (coins.len(), ids.len(), denominations.len()) != (10, 10, 1) {
            return Err(WalletError::Ten);
        }
        self.change(fleet, Change::Join, coins.to_vec())
    }

    fn change(&self, fleet: &Fleet, change: Change, mut given: Vec<Coin>) -> Result<Changed, WalletError> {
        let mut errors = Vec::new();
        if given.iter().any(Coin::is_pending) {
            errors = self.settle(fleet, &mut given)?.errors;
        }
        let session = self.session;
        let (agreement, ids) = self.agree(fleet, change, session, &given)?;
        let is_in = |node| {
            let has_secret = |coin: &Coin| coin.at(node).number.is_some() && coin.at(node).pending.is_none();
            given.iter().all(has_secret) && ids.iter().all(|id| agreement.is_offered(node, *id))
        };
        let nodes: Vec<Target> = fleet.nodes.iter().filter(|node| is_in(node.raida_id)).cloned().collect();
        if !is_enough(nodes.len(), fleet.nodes.len()) {
            let errors = agreement.errors;
            return Err(WalletError::Nodes { willing: nodes.len(), asked: fleet.nodes.len(), errors });
        }
        let mut wanted = proposed(&ids, &nodes)?;
        self.add(&wanted)?;
        fleet.tell(Progress::Planned(nodes.len()));
        let results = ask_all(&nodes, |target| {
            let node = target.raida_id;
            let given = given.iter().filter_map(|coin| coin.key_coin(node));
            let wanted = wanted.iter().filter_map(|coin| pending(coin, node));
            // The one, then the ten.
            let coins: Vec<KeyCoin> = match change {
                Change::Break => given.chain(wanted).collect(),
                Change::Join => wanted.chain(given).collect(),
            };
            exchange(change, target, session, &coins, &fleet.options)
        });
        fleet.tell(Progress::Done(nodes.len()));
        let mut tally = fleet.tally(|_| Vote::Fail);
        for (node, result) in nodes.iter().map(|target| target.raida_id).zip(results) {
            tally.set(node, enter(&mut wanted, node, result.as_ref().err()));
            errors.extend(result.err());
        }
        errors.extend(agreement.errors);
        self.save(&wanted)?;
        if tally.is_carried() {
            self.retire(&given)?;
        }
        let tallies = vec![tally; wanted.len()];
        Ok((wanted, Outcome { tallies, errors }))
    }

    /// Which coins shall come out. All nodes reserve them for the session.
    fn agree(
        &self,
        fleet: &Fleet,
        change: Change,
        session: NonZeroU32,
        given: &[Coin],
    ) -> Result<(Agreement, Vec<CoinId>), WalletError> {
        let id = given.first().ok_or(WalletError::Ten)?.id;
        if change.outcome(id.denomination).is_none() {
            return Err(WalletError::Denomination(id));
        }
        let (offers, errors) = fleet.gather(|target| {
            let answer = crate::available_change(target, session, change, id.denomination, &fleet.options)?;
            Ok(answer.map(BTreeSet::from_iter))
        });
        let agreement = Agreement::new(offers, errors, fleet.nodes.len())?;
        let needed = match change {
            Change::Break => 10,
            Change::Join => 1,
        };
        let ids = agreement.pick(needed, &self.ids()?)?;
        Ok((agreement, ids))
    }
}

/// The coins that shall come out, with numbers for the nodes.
fn proposed(ids: &[CoinId], nodes: &[Target]) -> Result<Vec<Coin>, WalletError> {
    let mut coins: Vec<Coin> = ids.iter().copied().map(Coin::new).collect();
    for coin in &mut coins {
        for target in nodes {
            coin.propose(target.raida_id, fresh_number()?);
        }
    }
    Ok(coins)
}

/// Enters what a node did. Numbers are given up only where it surely did nothing.
fn enter(coins: &mut [Coin], node: u8, error: Option<&AskError>) -> Vote {
    for coin in coins {
        match error {
            None => coin.promote(node),
            Some(error) if error.may_have_arrived() => {}
            Some(_) => {
                if let Some(secret) = coin.at_mut(node) {
                    secret.pending = None;
                }
            }
        }
    }
    match error {
        None => Vote::Pass,
        Some(error) if error.may_have_arrived() => Vote::Unknown,
        Some(_) => Vote::Fail,
    }
}

fn pending(coin: &Coin, node: u8) -> Option<KeyCoin> {
    Some(KeyCoin { coin: coin.id, number: coin.at(node).pending.clone()? })
}
