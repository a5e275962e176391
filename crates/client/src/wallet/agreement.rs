//! Serial numbers that enough nodes offer.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use raida_wire::CoinId;

use super::error::WalletError;
use crate::error::AskError;
use crate::quorum::is_enough;

/// What each willing node offers. A node that offers what nobody else does is outvoted.
pub(super) struct Agreement {
    offers: BTreeMap<u8, BTreeSet<CoinId>>,
    asked: usize,
    /// What the unwilling said.
    pub(super) errors: Vec<AskError>,
}

impl Agreement {
    /// An error unless enough nodes are willing.
    pub(super) fn new(
        offers: Vec<(u8, BTreeSet<CoinId>)>,
        errors: Vec<AskError>,
        asked: usize,
    ) -> Result<Self, WalletError> {
        if is_enough(offers.len(), asked) {
            Ok(Self { offers: offers.into_iter().collect(), asked, errors })
        } else {
            Err(WalletError::Nodes { willing: offers.len(), asked, errors })
        }
    }

    /// So many coins that enough nodes offer, ascending: those that most nodes offer, and of these the lowest.
    pub(super) fn pick(&self, needed: usize, taken: &[CoinId]) -> Result<Vec<CoinId>, WalletError> {
        let mut offerers: BTreeMap<CoinId, usize> = BTreeMap::new();
        for coin in self.offers.values().flatten() {
            *offerers.entry(*coin).or_default() += 1;
        }
        let taken: BTreeSet<_> = taken.iter().collect();
        offerers.retain(|coin, offerers| is_enough(*offerers, self.asked) && !taken.contains(coin));
        if offerers.len() < needed {
            return Err(WalletError::Numbers { found: offerers.len(), needed });
        }
        let mut coins: Vec<_> = offerers.into_iter().map(|(coin, offerers)| (Reverse(offerers), coin)).collect();
        coins.sort_unstable();
        let mut picked: Vec<_> = coins.into_iter().take(needed).map(|(_, coin)| coin).collect();
        picked.sort_unstable();
        Ok(picked)
    }

    /// Whether a node offers a coin.
    pub(super) fn is_offered(&self, raida_id: u8, coin: CoinId) -> bool {
        self.offers.get(&raida_id).is_some_and(|coins| coins.contains(&coin))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coins(numbers: impl IntoIterator<Item = u32>) -> BTreeSet<CoinId> {
        numbers.into_iter().map(|number| CoinId::new(0, number).unwrap()).collect()
    }

    fn numbers(coins: &[CoinId]) -> Vec<u32> {
        coins.iter().map(|coin| coin.serial_number.get()).collect()
    }

    #[test]
    fn nodes_that_offer_something_else_are_outvoted() {
        let offers = (0..25).map(|node| (node, if node < 20 { coins(5..20) } else { coins(0..10) })).collect();
        let agreement = Agreement::new(offers, Vec::new(), 25).unwrap();
        assert_eq!(numbers(&agreement.pick(6, &[]).unwrap()), [5, 6, 7, 8, 9, 10]);
        let taken: Vec<_> = coins([6]).into_iter().collect();
        assert_eq!(numbers(&agreement.pick(6, &taken).unwrap()), [5, 7, 8, 9, 10, 11]);
        assert!(matches!(agreement.pick(16, &[]), Err(WalletError::Numbers { found: 15, needed: 16 })));
    }

    #[test]
    fn twelve_of_25_are_too_few_and_two_of_two_enough() {
        let offers = |nodes| (0..nodes).map(|node| (node, coins(0..3))).collect();
        assert!(matches!(
            Agreement::new(offers(12), Vec::new(), 25),
            Err(WalletError::Nodes { willing: 12, asked: 25, .. })
        ));
        assert!(Agreement::new(offers(2), Vec::new(), 2).unwrap().pick(3, &[]).is_ok());
        assert!(Agreement::new(offers(1), Vec::new(), 2).is_err());
    }
}
