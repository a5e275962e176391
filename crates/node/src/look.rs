//! Looking at single coins, without waiting where that is not allowed.

use raida_reactor::service::Place;
use raida_store::{Peek, Store};
use raida_wire::payload::Claim;
use raida_wire::{AuthenticityNumber, CoinId};

use crate::setback::Setback;

/// How many coins an I/O thread looks at for one request: some ten microseconds. A longer list goes to a worker.
const INLINE_MAX: usize = 256;

/// Reads coins as they are committed, one by one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look<'s> {
    store: &'s Store,
    place: Place,
}

impl<'s> Look<'s> {
    /// A look at so many coins.
    pub(crate) fn new(store: &'s Store, place: Place, coins: usize) -> Result<Self, Setback> {
        if place == Place::Reactor && coins > INLINE_MAX { Err(Setback::NotCached) } else { Ok(Self { store, place }) }
    }

    /// The number of a coin; `None` where it is not issued.
    pub(crate) fn number(&self, coin: CoinId) -> Result<Option<AuthenticityNumber>, Setback> {
        match self.place {
            Place::Reactor => match self.store.peek(coin) {
                Peek::Issued(record) => Ok(Some(record.an)),
                Peek::NotIssued => Ok(None),
                Peek::NotCached => Err(Setback::NotCached),
            },
            Place::Worker => Ok(self.store.read(coin)?.map(|record| record.an)),
        }
    }

    /// Whether a coin is issued and has this number. A coin out of range is not.
    ///
    /// Source: protocol §5.2
    pub(crate) fn is_authentic(&self, claim: &Claim) -> Result<bool, Setback> {
        let Some(coin) = claim.coin.judge() else { return Ok(false) };
        Ok(self.number(coin)?.is_some_and(|number| number == claim.an))
    }
}
