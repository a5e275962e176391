//! The coins as one changing request sees and changes them.

use raida_store::{Changes, Record};
use raida_wire::payload::Claim;
use raida_wire::{AuthenticityNumber, CoinId, Month};

use crate::setback::Setback;
use crate::statistics::Powned;

/// What a changing command works on: earlier requests of its batch have happened, later ones have not, and all that it
/// does here stays or none of it.
#[derive(Debug)]
pub(crate) struct Ledger<'l, 'b> {
    changes: &'l mut Changes<'b>,
    month: Month,
    powned: Powned,
}

impl<'l, 'b> Ledger<'l, 'b> {
    /// Every coin that changes hands gets this month.
    pub(crate) fn new(changes: &'l mut Changes<'b>, month: Month) -> Self {
        // A live coin never has the month of a free one.
        Self { changes, month: month.max(Month(1)), powned: Powned::default() }
    }

    /// The number of a coin; `None` where it is not issued.
    pub(crate) fn number(&self, coin: CoinId) -> Result<Option<AuthenticityNumber>, Setback> {
        Ok(self.changes.get(coin)?.map(|record| record.an))
    }

    /// Whether a coin is issued and has this number. A coin out of range is not.
    ///
    /// Source: protocol §5.2
    pub(crate) fn is_authentic(&self, claim: &Claim) -> Result<bool, Setback> {
        let Some(coin) = claim.coin.judge() else { return Ok(false) };
        Ok(self.number(coin)?.is_some_and(|number| number == claim.an))
    }

    /// Whether a serial number is not issued.
    pub(crate) fn is_free(&self, coin: CoinId) -> Result<bool, Setback> {
        Ok(self.changes.get(coin)?.is_none())
    }

    /// Whether any coin is in the locker of this key.
    pub(crate) fn has_locker(&self, key: &AuthenticityNumber) -> Result<bool, Setback> {
        Ok(self.changes.has_locker(key)?)
    }

    /// Gives a coin this number. A coin that was not issued is then.
    pub(crate) fn give(&mut self, coin: CoinId, an: AuthenticityNumber) -> Result<(), Setback> {
        Ok(self.changes.set(coin, &Record { an, month: self.month })?)
    }

    /// As [`give`](Self::give), for an owner who takes the coin over: it counts as powned.
    pub(crate) fn pown(&mut self, coin: CoinId, an: AuthenticityNumber) -> Result<(), Setback> {
        self.give(coin, an)?;
        self.powned.add(coin.denomination);
        Ok(())
    }

    /// Makes a coin one that is not issued. Its number is gone.
    pub(crate) fn withdraw(&mut self, coin: CoinId) -> Result<(), Setback> {
        Ok(self.changes.free(coin)?)
    }

    /// What was powned.
    pub(crate) fn powned(self) -> Powned {
        self.powned
    }
}
