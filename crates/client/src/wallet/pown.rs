//! New numbers for coins, and finding out which numbers count.

use std::collections::BTreeSet;

use raida_wire::AuthenticityNumber;

use super::error::WalletError;
use super::folder::Wallet;
use crate::coin::Coin;
use crate::envelope::random;
use crate::fleet::{Fleet, Outcome};
use crate::healing::Found;
use crate::layout::Layout;
use crate::quorum::Vote;

impl Wallet {
    /// Makes coins nobody else's: every node is given a new number for each, which only this wallet knows.
    ///
    /// Numbers that are still pending from an earlier attempt are brought to their end first. What a node does not
    /// answer stays pending; asking again goes on from there.
    ///
    /// # Errors
    ///
    /// When a file can not be written, or there are no random octets.
    pub fn pown(&self, fleet: &Fleet, coins: &mut [Coin]) -> Result<Outcome, WalletError> {
        let mut errors = Vec::new();
        if coins.iter().any(Coin::is_pending) {
            errors = self.settle(fleet, coins)?.errors;
        }
        self.propose(fleet, coins, |_| fresh_number().map_err(WalletError::from))?;
        let mut outcome = self.settle(fleet, coins)?;
        errors.append(&mut outcome.errors);
        Ok(Outcome { errors, ..outcome })
    }

    /// Asks by which number each node knows each coin, and takes pending numbers for good that are in force. "Pass" is a
    /// node that knows the coin by either. A number that is not in force stays pending: the question that proposed it may
    /// still be on its way.
    ///
    /// # Errors
    ///
    /// When a file can not be written.
    pub fn find(&self, fleet: &Fleet, coins: &mut [Coin]) -> Result<Outcome, WalletError> {
        self.find_where(fleet, coins, |_, _, _| true)
    }

    /// Makes numbers pending at every node where a number is known and none is pending, and writes them down.
    pub(super) fn propose(
        &self,
        fleet: &Fleet,
        coins: &mut [Coin],
        number: impl Fn(u8) -> Result<AuthenticityNumber, WalletError>,
    ) -> Result<(), WalletError> {
        for coin in coins.iter_mut() {
            for node in fleet.nodes.iter().map(|target| target.raida_id) {
                if coin.at(node).number.is_some() && coin.at(node).pending.is_none() {
                    coin.propose(node, number(node)?);
                }
            }
        }
        self.save(coins.iter())
    }

    /// Brings pending numbers to their end as far as nodes answer: Pown proposes them (again, perhaps), and where a node
    /// says "fail", Find tells whether that is because they are in force already.
    ///
    /// A number is never given up here, so asking twice does no harm. "Pass" is a node that knows the new number.
    pub(super) fn settle(&self, fleet: &Fleet, coins: &mut [Coin]) -> Result<Outcome, WalletError> {
        let mut outcome = fleet.outcome(coins, |coin, node| coin.at(node).pending.is_some());
        let surveys = fleet.survey(coins, Layout::POWN, |_, coin, node| coin.renewal(node), crate::pown);
        for survey in surveys {
            let node = survey.raida_id;
            outcome.enter(survey, |place, passed| {
                if let (true, Some(coin)) = (passed, coins.get_mut(place)) {
                    coin.promote(node);
                }
                Vote::from(passed)
            });
        }
        self.save(coins.iter())?;
        let said = outcome.tallies.clone();
        let found = self.find_where(fleet, coins, |place, coin, node| {
            let has_failed = said.get(place).is_some_and(|tally| tally.of(node) == Vote::Fail);
            coin.at(node).pending.is_some() && (has_failed || coin.at(node).number.is_none())
        })?;
        outcome.errors.extend(found.errors);
        for ((tally, coin), found) in outcome.tallies.iter_mut().zip(coins.iter()).zip(&found.tallies) {
            for node in fleet.nodes.iter().map(|target| target.raida_id) {
                match found.of(node) {
                    // Found by its old number it is still not what was wanted.
                    Vote::Pass => tally.set(node, Vote::from(coin.at(node).pending.is_none())),
                    Vote::NotAsked => {}
                    other @ (Vote::Fail | Vote::Unknown) => tally.set(node, other),
                }
            }
        }
        Ok(outcome)
    }

    /// [`find`](Self::find) where `is_wanted` (by place in the list, coin and node); the others count as not asked.
    pub(super) fn find_where(
        &self,
        fleet: &Fleet,
        coins: &mut [Coin],
        is_wanted: impl Fn(usize, &Coin, u8) -> bool + Sync,
    ) -> Result<Outcome, WalletError> {
        let mut outcome =
            fleet.beginning(coins, |place, coin, node| match (is_wanted(place, coin, node), coin.sought(node)) {
                (false, _) => Vote::NotAsked,
                (true, None) => Vote::Fail,
                (true, Some(_)) => Vote::Unknown,
            });
        let record = |place, coin: &Coin, node| coin.sought(node).filter(|_| is_wanted(place, coin, node));
        let surveys = fleet.survey(coins, Layout::POWN, record, crate::find);
        // Writing thousands of files takes longer than asking about them.
        let mut changed = BTreeSet::new();
        for survey in surveys {
            let node = survey.raida_id;
            outcome.enter(survey, |place, found| {
                if let Some(coin) = coins.get_mut(place) {
                    // Where only one number was known, both words mean that one.
                    let is_pending = coin.at(node).number.is_none() && found == Found::Number;
                    if is_pending || found == Found::Proposed {
                        coin.promote(node);
                        changed.insert(place);
                    }
                }
                Vote::from(found != Found::Neither)
            });
        }
        self.save(changed.into_iter().filter_map(|place| coins.get(place)))?;
        Ok(outcome)
    }
}

/// A number that nobody can foresee, and that is no locker key.
pub(super) fn fresh_number() -> Result<AuthenticityNumber, getrandom::Error> {
    loop {
        let number = AuthenticityNumber::new(random()?);
        if !number.is_locker_key() {
            return Ok(number);
        }
    }
}
