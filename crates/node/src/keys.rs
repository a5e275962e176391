//! Finding the key that opens a body.

use raida_reactor::service::Place;
use raida_wire::envelope::LOCKERS_MAX;
use raida_wire::{AuthenticityNumber, CoinId, Key, KeyName, RawCoinId};

/// Where keys are kept.
///
/// At [`Place::Reactor`] neither method may block or touch the disk; what would take that is [`Lookup::NotCached`], and
/// the request comes again at [`Place::Worker`].
pub trait KeySource: Send + Sync + 'static {
    /// The authenticity number of a coin. A coin that is not issued is unknown.
    ///
    /// Source: protocol §3.3, §7.4
    fn number(&self, coin: CoinId, place: Place) -> Lookup<AuthenticityNumber>;

    /// The keys of every locker that begins so. Several lockers can share a prefix.
    ///
    /// Source: protocol §2.3
    fn lockers(&self, prefix: [u8; 5], place: Place) -> Lookup<LockerKeys>;
}

/// What became of a look-up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup<T> {
    /// Here it is.
    Found(T),
    /// There is no such thing.
    Unknown,
    /// It cannot be told from memory alone: ask at [`Place::Worker`].
    NotCached,
    /// The storage failed. The client is told 194.
    Failed,
}

impl<T> Lookup<T> {
    fn map<U>(self, change: impl FnOnce(T) -> U) -> Lookup<U> {
        self.and_then(|found| Lookup::Found(change(found)))
    }

    fn and_then<U>(self, next: impl FnOnce(T) -> Lookup<U>) -> Lookup<U> {
        match self {
            Self::Found(found) => next(found),
            Self::Unknown => Lookup::Unknown,
            Self::NotCached => Lookup::NotCached,
            Self::Failed => Lookup::Failed,
        }
    }
}

/// At most sixteen locker keys, in the order they are tried. Held in place: looking a locker up allocates nothing.
#[derive(Clone, Debug)]
pub struct LockerKeys {
    keys: [AuthenticityNumber; LOCKERS_MAX],
    len: usize,
}

impl LockerKeys {
    /// The keys in use.
    #[must_use]
    pub fn as_slice(&self) -> &[AuthenticityNumber] {
        self.keys.get(..self.len).unwrap_or_default()
    }
}

impl FromIterator<AuthenticityNumber> for LockerKeys {
    /// Takes the first sixteen. They have to come in ascending order.
    fn from_iter<I: IntoIterator<Item = AuthenticityNumber>>(keys: I) -> Self {
        let mut taken = Self { keys: [const { AuthenticityNumber::new([0; 16]) }; LOCKERS_MAX], len: 0 };
        for (place, key) in taken.keys.iter_mut().zip(keys) {
            *place = key;
            taken.len += 1;
        }
        taken
    }
}

/// The key or keys for one body.
#[expect(
    clippy::large_enum_variant,
    reason = "it lives on the stack while one request is opened; a box would allocate"
)]
#[derive(Debug)]
pub(crate) enum Keys {
    None,
    Coin(AuthenticityNumber),
    Lockers(LockerKeys),
    TwoCoins(AuthenticityNumber, AuthenticityNumber),
}

impl Keys {
    /// Looks up what a request names. Coins out of range are unknown, without asking the source.
    pub(crate) fn find(source: &impl KeySource, name: KeyName, place: Place) -> Lookup<Self> {
        let number = |coin: RawCoinId| coin.judge().map_or(Lookup::Unknown, |coin| source.number(coin, place));
        match name {
            KeyName::None => Lookup::Found(Self::None),
            KeyName::Coin(coin) => number(coin).map(Self::Coin),
            KeyName::Locker(prefix) => source.lockers(prefix, place).map(Self::Lockers),
            KeyName::TwoCoins(first, second) => {
                number(first).and_then(|first| number(second).map(|second| Self::TwoCoins(first, second)))
            }
        }
    }

    /// As the wire format takes them.
    pub(crate) fn as_key(&self) -> Key<'_> {
        match self {
            Self::None => Key::None,
            Self::Coin(number) => Key::Coin(number),
            Self::Lockers(keys) => Key::Lockers(keys.as_slice()),
            Self::TwoCoins(first, second) => Key::TwoCoins(first, second),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_sixteen_locker_keys_are_taken() {
        for len in [0, 1, 16, 17, 40] {
            let keys: LockerKeys = (0..len).map(|i| AuthenticityNumber::new([i; 16])).collect();
            let octets: Vec<u8> = keys.as_slice().iter().map(|key| key.octets()[0]).collect();
            assert_eq!(octets, (0..len.min(16)).collect::<Vec<_>>());
        }
    }
}
