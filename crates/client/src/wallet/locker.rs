//! Putting coins into lockers and taking them out.

use std::collections::BTreeMap;

use raida_wire::{AuthenticityNumber, CoinId};

use super::error::WalletError;
use super::folder::Wallet;
use super::pown::fresh_number;
use crate::coin::Coin;
use crate::envelope::KeyCoin;
use crate::fleet::{Fleet, Outcome};
use crate::layout::Layout;
use crate::locker_key::locker_key;
use crate::quorum::Vote;

impl Wallet {
    /// Puts coins into the locker of these code words. Those that 13 nodes (or all, where fewer are asked) have put there
    /// are spent: whoever knows the words can take them.
    ///
    /// # Errors
    ///
    /// When a file can not be written.
    pub fn put(&self, fleet: &Fleet, coins: &mut [Coin], words: &str) -> Result<Outcome, WalletError> {
        let mut errors = Vec::new();
        if coins.iter().any(Coin::is_pending) {
            errors = self.settle(fleet, coins)?.errors;
        }
        self.propose(fleet, coins, |node| Ok(locker_key(node, words)))?;
        errors.extend(self.store(fleet, coins, words)?);
        // Where a node found one of the coins bad and took none, or did not answer: coin by coin.
        let settled = self.settle(fleet, coins)?;
        errors.extend(settled.errors);
        let keys: BTreeMap<u8, AuthenticityNumber> =
            fleet.nodes.iter().map(|target| (target.raida_id, locker_key(target.raida_id, words))).collect();
        let outcome = fleet.beginning(coins, |place, coin, node| {
            if coin.at(node).pending.is_none() && coin.at(node).number.as_ref() == keys.get(&node) {
                Vote::Pass
            } else {
                settled.tallies.get(place).map_or(Vote::Unknown, |tally| tally.of(node))
            }
        });
        let carried = coins.iter().zip(&outcome.tallies).filter(|(_, tally)| tally.is_carried());
        self.retire(carried.map(|(coin, _)| coin))?;
        Ok(Outcome { errors, ..outcome })
    }

    /// Takes coins out of the locker of these code words, with new numbers: all that 13 nodes list (or all, where fewer
    /// are asked), as far as `wanted`.
    ///
    /// # Errors
    ///
    /// When a file can not be written, or there are no random octets.
    pub fn remove(
        &self,
        fleet: &Fleet,
        words: &str,
        wanted: impl Fn(CoinId) -> bool,
    ) -> Result<(Vec<Coin>, Outcome), WalletError> {
        let (ids, listed) = fleet.peek(words);
        let mut coins = Vec::new();
        for (id, tally) in ids.into_iter().zip(&listed.tallies).filter(|(id, tally)| wanted(*id) && tally.is_carried())
        {
            let mut coin = Coin::new(id);
            for node in tally.those(Vote::Pass) {
                if let Some(secret) = coin.at_mut(node) {
                    secret.number = Some(locker_key(node, words));
                    secret.pending = Some(fresh_number()?);
                }
            }
            coins.push(coin);
        }
        self.add(&coins)?;
        let mut outcome = fleet.outcome(&coins, |coin, node| coin.at(node).number.is_some());
        outcome.errors = listed.errors;
        let surveys = fleet.survey(
            &coins,
            Layout::DELETE,
            |_, coin, node| new_number(coin, node),
            |target, part, options| crate::remove(target, &locker_key(target.raida_id, words), part, options),
        );
        for survey in surveys {
            let node = survey.raida_id;
            outcome.enter(survey, |place, passed| {
                if let (true, Some(coin)) = (passed, coins.get_mut(place)) {
                    coin.promote(node);
                }
                Vote::from(passed)
            });
        }
        self.save(&coins)?;
        if coins.iter().any(Coin::is_pending) {
            let settled = self.settle(fleet, &mut coins)?;
            outcome.errors.extend(settled.errors);
            for (tally, settled) in outcome.tallies.iter_mut().zip(settled.tallies) {
                settled.those(Vote::Pass).for_each(|node| tally.set(node, Vote::Pass));
            }
        }
        Ok((coins, outcome))
    }

    /// One Store per node, or a few: all coins with the key pending.
    fn store(&self, fleet: &Fleet, coins: &mut [Coin], words: &str) -> Result<Vec<crate::AskError>, WalletError> {
        let record = |_, coin: &Coin, node| {
            let is_proposed = coin.at(node).pending.as_ref().is_some_and(AuthenticityNumber::is_locker_key);
            coin.key_coin(node).filter(|_| is_proposed)
        };
        let surveys = fleet.survey(coins, Layout::POWN_SUM, record, |target, part, options| {
            let answer = crate::store(target, part, &locker_key(target.raida_id, words), options)?;
            Ok(answer.map(|stored| vec![stored; part.len()]))
        });
        let mut errors = Vec::new();
        for survey in surveys {
            for (coin, stored) in coins.iter_mut().zip(survey.words) {
                if stored == Some(true) {
                    coin.promote(survey.raida_id);
                }
            }
            errors.extend(survey.error);
        }
        self.save(coins.iter())?;
        Ok(errors)
    }
}

fn new_number(coin: &Coin, node: u8) -> Option<KeyCoin> {
    Some(KeyCoin { coin: coin.id, number: coin.at(node).pending.clone()? })
}
