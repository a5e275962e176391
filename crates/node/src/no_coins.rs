//! The stock of a node before its first coin.

use raida_reactor::service::Place;
use raida_wire::audit::Counts;
use raida_wire::{AuthenticityNumber, CoinId};

use crate::census::Census;
use crate::keys::{KeySource, LockerKeys, Lookup};

/// No coin is issued and no locker filled: every key is unknown, and every encrypted request is refused with 34 or 25.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoCoins;

impl KeySource for NoCoins {
    fn number(&self, _: CoinId, _: Place) -> Lookup<AuthenticityNumber> {
        Lookup::Unknown
    }

    fn lockers(&self, _: [u8; 5], _: Place) -> Lookup<LockerKeys> {
        Lookup::Unknown
    }
}

impl Census for NoCoins {
    fn issued(&self) -> Counts {
        Counts::default()
    }
}
