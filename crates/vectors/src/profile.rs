//! The state of the node that the cases assume.

use std::collections::HashMap;

use raida_wire::{AuthenticityNumber, CoinId, Head, Key, KeyName, Month, RawCoinId, Rules, Status};
use serde_json::Value;

use crate::case::{Fields, Reason};

/// Who the node is, and the keys it knows.
#[derive(Debug)]
pub(crate) struct Profile {
    pub(crate) rules: Rules,
    pub(crate) datagram_max: usize,
    /// Issued coins only: the others are no keys.
    coins: HashMap<CoinId, AuthenticityNumber>,
    /// In ascending order of the key.
    lockers: Vec<AuthenticityNumber>,
}

impl Profile {
    pub(crate) fn read(profile: Option<&Value>) -> Result<Self, Reason> {
        let profile = Fields::new("profile", profile.ok_or_else(|| Reason::new("profile is missing"))?);
        let mut coins = HashMap::new();
        for coin in profile.list("coins")? {
            let coin = Fields::new("coin", coin);
            if Month(coin.number("mfs")?).is_issued() {
                coins.insert(coin_id(coin, "den", "sn")?, coin.array("an")?.into());
            }
        }
        let mut keys = Vec::new();
        for locker in profile.list("lockers")? {
            keys.push(Fields::new("locker", locker).array::<16>("key")?);
        }
        keys.sort_unstable();
        let rules =
            Rules { raida_id: profile.number("raida_id")?, coin_id: profile.number("coin_id")?, body_max: u16::MAX };
        let datagram_max = profile.number("udp_payload_limit")?;
        Ok(Self { rules, datagram_max, coins, lockers: keys.into_iter().map(Into::into).collect() })
    }

    /// Check 10: the keys that a head names, or the status for an unknown one.
    pub(crate) fn keys(&self, head: &Head) -> Result<Keys, Status> {
        let coin = |name: RawCoinId| self.raw_coin(name).cloned().ok_or(head.unknown_key());
        match head.key() {
            KeyName::None => Ok(Keys::None),
            KeyName::Coin(name) => Ok(Keys::Coin(coin(name)?)),
            KeyName::TwoCoins(first, second) => Ok(Keys::TwoCoins(coin(first)?, coin(second)?)),
            KeyName::Locker(prefix) => {
                let keys: Vec<_> = self.lockers.iter().filter(|key| key.locker_prefix() == prefix).cloned().collect();
                if keys.is_empty() { Err(head.unknown_key()) } else { Ok(Keys::Lockers(keys)) }
            }
        }
    }

    /// The authenticity number of an issued coin.
    pub(crate) fn coin(&self, coin: CoinId) -> Result<&AuthenticityNumber, Reason> {
        self.coins.get(&coin).ok_or_else(|| Reason::new(format_args!("coin {coin} is not in the profile")))
    }

    fn raw_coin(&self, name: RawCoinId) -> Option<&AuthenticityNumber> {
        self.coins.get(&name.judge()?)
    }
}

/// The keys for one body.
#[derive(Debug)]
pub(crate) enum Keys {
    None,
    Coin(AuthenticityNumber),
    Lockers(Vec<AuthenticityNumber>),
    TwoCoins(AuthenticityNumber, AuthenticityNumber),
}

impl Keys {
    pub(crate) fn lend(&self) -> Key<'_> {
        match self {
            Self::None => Key::None,
            Self::Coin(number) => Key::Coin(number),
            Self::Lockers(keys) => Key::Lockers(keys),
            Self::TwoCoins(first, second) => Key::TwoCoins(first, second),
        }
    }
}

/// A coin in range, from a field for the denomination and one for the serial number.
pub(crate) fn coin_id(fields: Fields<'_>, denomination: &str, serial_number: &str) -> Result<CoinId, Reason> {
    CoinId::new(fields.number(denomination)?, fields.number(serial_number)?)
        .ok_or_else(|| Reason::new(format_args!("{denomination} or {serial_number} is out of range")))
}
