//! Issuing coins and withdrawing them: for operators, who have the admin keys.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use raida_wire::{CoinId, Denomination};

use super::agreement::Agreement;
use super::error::WalletError;
use super::folder::Wallet;
use crate::admin_key::AdminKey;
use crate::coin::Coin;
use crate::envelope::random;
use crate::error::{AskError, Trouble};
use crate::executive::FreeNumbers;
use crate::fleet::{Fleet, Outcome};
use crate::layout::Layout;
use crate::quorum::Vote;
use crate::target::Target;

/// The admin keys of the nodes, by RAIDA id. `Debug` shows none.
#[derive(Clone, Debug, Default)]
pub struct AdminKeys(BTreeMap<u8, AdminKey>);

impl AdminKeys {
    /// Adds the key of one node, in the place of any other.
    pub fn set(&mut self, raida_id: u8, key: AdminKey) {
        self.0.insert(raida_id, key);
    }

    /// The key of a node. A node without one is given up before it is asked.
    fn of(&self, target: &Target) -> Result<&AdminKey, AskError> {
        let missing = || AskError::new(target, 0, Duration::ZERO, Trouble::NoAdminKey);
        self.0.get(&target.raida_id).ok_or_else(missing)
    }
}

/// How many free numbers a node looks at to answer.
///
/// Source: protocol §5.5
const LOOKED_AT_MAX: usize = 1029;

/// A few less, since not all nodes have the same numbers free.
const AT_ONCE_MAX: usize = 1000;

impl Wallet {
    /// Issues up to 1000 coins of a denomination at all nodes, with the lowest serial numbers that are free everywhere, and
    /// writes down what the nodes know them by. Call it again for more.
    ///
    /// The nodes choose the numbers: should the program end between their answer and the file, the coins exist and nobody
    /// owns them. [`free`](crate::free) withdraws such coins.
    ///
    /// # Errors
    ///
    /// When there are too few nodes or numbers, and nothing is issued then; when a file can not be written.
    pub fn create(
        &self,
        fleet: &Fleet,
        keys: &AdminKeys,
        denomination: Denomination,
        count: usize,
    ) -> Result<(Vec<Coin>, Outcome), WalletError> {
        let count = count.min(AT_ONCE_MAX);
        let session = u32::from_be_bytes(random()?);
        let (offers, errors) = fleet.gather(|target| {
            let key = keys.of(target)?;
            let answer = crate::available_numbers(target, session, key, [denomination], &fleet.options)?;
            Ok(answer.map(|free| numbers(&free, denomination)))
        });
        let agreement = Agreement::new(offers, errors, fleet.nodes.len())?;
        let free = agreement.pick(count, &self.ids()?)?;
        let mut coins: Vec<Coin> = free.into_iter().map(Coin::new).collect();
        let mut outcome = fleet.outcome(&coins, |coin, node| agreement.is_offered(node, coin.id));
        let record = |_, coin: &Coin, node| agreement.is_offered(node, coin.id).then_some(coin.id);
        let surveys = fleet.survey(&coins, Layout::CREATE, record, |target, part, options| {
            crate::create(target, session, keys.of(target)?, part, options)
        });
        for survey in surveys {
            let node = survey.raida_id;
            outcome.enter(survey, |place, number| {
                if let Some(secret) = coins.get_mut(place).and_then(|coin| coin.at_mut(node)) {
                    secret.number = Some(number);
                }
                Vote::Pass
            });
        }
        self.add(&coins)?;
        outcome.errors.extend(agreement.errors);
        Ok((coins, outcome))
    }

    /// Withdraws coins at all nodes. Those that 13 nodes (or all, where fewer are asked) have withdrawn are spent.
    ///
    /// # Errors
    ///
    /// When a file can not be written.
    pub fn delete(&self, fleet: &Fleet, keys: &AdminKeys, coins: &mut [Coin]) -> Result<Outcome, WalletError> {
        let mut outcome = fleet.outcome(coins, |coin, node| coin.at(node).number.is_some());
        let surveys = fleet.survey(
            coins,
            Layout::DELETE,
            |_, coin, node| coin.key_coin(node),
            |target, part, options| crate::delete(target, keys.of(target)?, part, options),
        );
        for survey in surveys {
            outcome.enter(survey, |_, passed| Vote::from(passed));
        }
        let carried = coins.iter().zip(&outcome.tallies).filter(|(_, tally)| tally.is_carried());
        self.retire(carried.map(|(coin, _)| coin))?;
        Ok(outcome)
    }
}

impl Fleet {
    /// Withdraws coins at all nodes, whoever owns them: coins that were issued and whose numbers nobody has, for example.
    /// "Pass" is a node that has none of them any more.
    #[must_use]
    pub fn free(&self, keys: &AdminKeys, ids: &[CoinId]) -> Outcome {
        let coins: Vec<Coin> = ids.iter().copied().map(Coin::new).collect();
        let mut outcome = self.outcome(&coins, |_, _| true);
        let record = |_, coin: &Coin, _| Some(coin.id);
        let surveys = self.survey(&coins, Layout::CREATE, record, |target, part, options| {
            let freed = crate::free(target, keys.of(target)?, part, options)?;
            Ok(freed.map(|()| vec![(); part.len()]))
        });
        for survey in surveys {
            outcome.enter(survey, |_, ()| Vote::Pass);
        }
        outcome
    }
}

/// The free numbers of one denomination. A node that claims more than it can look at is believed so much only.
fn numbers(free: &[FreeNumbers], denomination: Denomination) -> BTreeSet<CoinId> {
    let ranges = free.iter().filter(|free| free.denomination == denomination).flat_map(|free| free.ranges.clone());
    ranges.flatten().take(LOOKED_AT_MAX).filter_map(|number| CoinId::new(denomination.exponent(), number)).collect()
}
