//! Healing fractured coins with tickets.

use raida_wire::AuthenticityNumber;
use zeroize::Zeroizing;

use super::error::WalletError;
use super::folder::Wallet;
use crate::coin::Coin;
use crate::envelope::random;
use crate::fleet::{Fleet, Outcome, Redeemable};
use crate::layout::Layout;
use crate::quorum::{NODES, Standing, Vote};

impl Wallet {
    /// Detects the coins, and has those that are fractured repaired at the nodes that say "fail", with the tickets of the
    /// others. The outcome is that of the detection, with "pass" where the repair went well.
    ///
    /// # Errors
    ///
    /// When a file can not be written, or there are no random octets.
    pub fn fix(&self, fleet: &Fleet, coins: &mut [Coin]) -> Result<Outcome, WalletError> {
        // Numbers that are in force already need no repair.
        let mut errors = self.find_where(fleet, coins, |_, coin, node| coin.at(node).pending.is_some())?.errors;
        let mut outcome = fleet.detect(coins);
        let fractured: Vec<usize> = (0..)
            .zip(&outcome.tallies)
            .filter(|(_, tally)| tally.standing() == Standing::Fractured)
            .map(|(place, _)| place)
            .collect();
        // A node redeems a ticket once only: all coins of one ticket are repaired in one request.
        let most = fleet.nodes.iter().map(|node| Layout::DETECT.most(node, &fleet.options)).min().unwrap_or(1);
        for places in fractured.chunks(most) {
            let mut group: Vec<Coin> = places.iter().filter_map(|place| coins.get(*place).cloned()).collect();
            let tallies = places.iter().filter_map(|place| outcome.tallies.get(*place).copied()).collect();
            let fixed = self.fix_group(fleet, &mut group, Outcome { tallies, errors: Vec::new() })?;
            errors.extend(fixed.errors);
            for ((place, coin), tally) in places.iter().zip(group).zip(fixed.tallies) {
                if let (Some(old), Some(seen)) = (coins.get_mut(*place), outcome.tallies.get_mut(*place)) {
                    (*old, *seen) = (coin, tally);
                }
            }
        }
        outcome.errors.append(&mut errors);
        Ok(outcome)
    }

    /// Repairs coins that one ticket of each node can stand for.
    fn fix_group(&self, fleet: &Fleet, coins: &mut [Coin], mut seen: Outcome) -> Result<Outcome, WalletError> {
        let detected = seen.tallies.clone();
        let is_failed = |place: usize, node| detected.get(place).is_some_and(|tally| tally.of(node) == Vote::Fail);
        let (ticketed, redeemable) = fleet.tickets(coins);
        seen.errors.extend(ticketed.errors);
        let mut tickets = [None; NODES];
        for Redeemable { raida_id, number, .. } in redeemable {
            if let Some(ticket) = tickets.get_mut(usize::from(raida_id)) {
                *ticket = Some(number);
            }
        }
        let chosen = Zeroizing::new(random()?);
        for (place, coin) in coins.iter_mut().enumerate() {
            for node in fleet.nodes.iter().map(|target| target.raida_id).filter(|node| is_failed(place, *node)) {
                coin.propose(node, AuthenticityNumber::fixed(node, coin.id, &chosen));
            }
        }
        self.save(coins.iter())?;
        let record = |place, coin: &Coin, node| is_failed(place, node).then_some(coin.id);
        let surveys = fleet.survey(coins, Layout::FIX, record, |target, part, options| {
            crate::fix(target, part, &chosen, &tickets, options)
        });
        for survey in surveys {
            let node = survey.raida_id;
            seen.enter(survey, |place, passed| {
                if let (true, Some(coin)) = (passed, coins.get_mut(place)) {
                    coin.promote(node);
                }
                Vote::from(passed)
            });
        }
        self.save(coins.iter())?;
        Ok(seen)
    }
}
