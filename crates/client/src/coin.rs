//! A coin as its owner holds it.

use raida_wire::{AuthenticityNumber, CoinId};

use crate::authentication::Renewal;
use crate::envelope::KeyCoin;
use crate::quorum::NODES;

/// A coin, and what each of the 25 nodes knows it by. Secrets are wiped when dropped and not shown by `Debug`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coin {
    /// Which coin.
    pub id: CoinId,
    /// By RAIDA id.
    secrets: [Secret; NODES],
}

/// What one node knows a coin by, and what it shall know it by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Secret {
    /// The authenticity number, as far as its owner knows; `None` when the owner knows none.
    pub number: Option<AuthenticityNumber>,
    /// A number that was proposed to the node, or is about to be, whose fate is not known. Whatever happens meanwhile,
    /// the node knows the coin by one of the two.
    pub pending: Option<AuthenticityNumber>,
}

impl Coin {
    /// A coin of which no number is known.
    #[must_use]
    pub fn new(id: CoinId) -> Self {
        Self { id, secrets: Default::default() }
    }

    /// What node `raida_id` knows it by; nothing for a node that can not be, with an id above 24.
    #[must_use]
    pub fn at(&self, raida_id: u8) -> &Secret {
        const NOTHING: &Secret = &Secret { number: None, pending: None };
        self.secrets.get(usize::from(raida_id)).unwrap_or(NOTHING)
    }

    /// The same, to be changed.
    pub fn at_mut(&mut self, raida_id: u8) -> Option<&mut Secret> {
        self.secrets.get_mut(usize::from(raida_id))
    }

    /// By RAIDA id.
    #[must_use]
    pub const fn secrets(&self) -> &[Secret; NODES] {
        &self.secrets
    }

    /// Whether no number is known at any node, and none is pending.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.secrets.iter().all(|secret| secret.number.is_none() && secret.pending.is_none())
    }

    /// Whether any number is pending.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        self.secrets.iter().any(|secret| secret.pending.is_some())
    }

    /// The coin with the number that this node knows it by, if that is known.
    #[must_use]
    pub fn key_coin(&self, raida_id: u8) -> Option<KeyCoin> {
        Some(KeyCoin { coin: self.id, number: self.at(raida_id).number.clone()? })
    }

    /// The change from the number to the pending one, if both are known.
    #[must_use]
    pub fn renewal(&self, raida_id: u8) -> Option<Renewal> {
        let Secret { number, pending } = self.at(raida_id).clone();
        Some(Renewal { coin: self.id, number: number?, proposed: pending? })
    }

    /// What to ask [`find`](crate::find) with: a number that is missing is replaced by the other.
    #[must_use]
    pub fn sought(&self, raida_id: u8) -> Option<Renewal> {
        let Secret { number, pending } = self.at(raida_id).clone();
        let either = number.clone().or_else(|| pending.clone())?;
        let proposed = pending.or(number)?;
        Some(Renewal { coin: self.id, number: either, proposed })
    }

    /// Makes `number` pending at a node, in the place of any other. The owner writes this down before the node is asked.
    pub fn propose(&mut self, raida_id: u8, number: AuthenticityNumber) {
        if let Some(secret) = self.at_mut(raida_id) {
            secret.pending = Some(number);
        }
    }

    /// The node took the pending number, if there is one.
    pub fn promote(&mut self, raida_id: u8) {
        if let Some(secret) = self.at_mut(raida_id)
            && let Some(taken) = secret.pending.take()
        {
            secret.number = Some(taken);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coin() -> Coin {
        Coin::new(CoinId::new(0, 1).unwrap())
    }

    #[test]
    fn promoting_moves_the_pending_number_and_nothing_else() {
        let mut coin = coin();
        coin.promote(3);
        assert!(coin.is_empty());
        coin.propose(3, [1; 16].into());
        assert!(coin.is_pending() && coin.renewal(3).is_none() && coin.key_coin(3).is_none());
        coin.promote(3);
        assert_eq!(coin.at(3), &Secret { number: Some([1; 16].into()), pending: None });
        coin.promote(3);
        assert_eq!(coin.at(3).number, Some([1; 16].into()));
        coin.propose(3, [2; 16].into());
        assert_eq!(coin.renewal(3).map(|renewal| renewal.proposed), Some([2; 16].into()));
    }

    #[test]
    fn find_is_asked_with_whatever_is_known() {
        let mut coin = coin();
        assert_eq!(coin.sought(0), None);
        coin.propose(0, [1; 16].into());
        let sought = coin.sought(0).unwrap();
        assert_eq!((sought.number, sought.proposed), ([1; 16].into(), [1; 16].into()));
        coin.promote(0);
        coin.propose(0, [2; 16].into());
        let sought = coin.sought(0).unwrap();
        assert_eq!((sought.number, sought.proposed), ([1; 16].into(), [2; 16].into()));
    }

    #[test]
    fn node_that_can_not_be_knows_nothing() {
        let mut coin = coin();
        coin.propose(25, [1; 16].into());
        assert!(coin.is_empty() && coin.at(25).pending.is_none());
    }
}
