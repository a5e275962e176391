//! Finding the key that opens a body.

use raida_reactor::service::Place;
use raida_store::{Peek, Store};
use raida_wire::envelope::LOCKERS_MAX;
use raida_wire::{AuthenticityNumber, CoinId, Key, KeyName, RawCoinId};

use crate::setback;

/// What became of a look-up.
#[derive(Debug)]
pub(crate) enum Lookup<T> {
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

    /// Two together. One that does not exist decides, whatever is known of the other: its check comes before all that a
    /// request would be refused for while the other one is fetched.
    fn both<U>(self, other: Lookup<U>) -> Lookup<(T, U)> {
        match (self, other) {
            (Self::Found(one), Lookup::Found(other)) => Lookup::Found((one, other)),
            (Self::Unknown, _) | (_, Lookup::Unknown) => Lookup::Unknown,
            (Self::Failed, _) | (_, Lookup::Failed) => Lookup::Failed,
            (Self::NotCached, _) | (_, Lookup::NotCached) => Lookup::NotCached,
        }
    }
}

/// The key or keys for one body.
#[derive(Debug)]
pub(crate) enum Keys {
    None,
    Coin(AuthenticityNumber),
    /// At most sixteen, ascending.
    Lockers(Vec<AuthenticityNumber>),
    TwoCoins(AuthenticityNumber, AuthenticityNumber),
}

impl Keys {
    /// Looks up what a request names. At [`Place::Reactor`] nothing blocks or touches the disk. Coins that are out of
    /// range or not issued are unknown.
    ///
    /// Source: protocol §2.3, §3.3
    pub(crate) fn find(store: &Store, name: KeyName, place: Place) -> Lookup<Self> {
        let number = |coin: RawCoinId| coin.judge().map_or(Lookup::Unknown, |coin| number(store, coin, place));
        match name {
            KeyName::None => Lookup::Found(Self::None),
            KeyName::Coin(coin) => number(coin).map(Self::Coin),
            KeyName::Locker(prefix) => lockers(store, prefix, place).map(Self::Lockers),
            KeyName::TwoCoins(first, second) => {
                number(first).both(number(second)).map(|(first, second)| Self::TwoCoins(first, second))
            }
        }
    }

    /// As the wire format takes them.
    pub(crate) fn as_key(&self) -> Key<'_> {
        match self {
            Self::None => Key::None,
            Self::Coin(number) => Key::Coin(number),
            Self::Lockers(keys) => Key::Lockers(keys),
            Self::TwoCoins(first, second) => Key::TwoCoins(first, second),
        }
    }
}

fn number(store: &Store, coin: CoinId, place: Place) -> Lookup<AuthenticityNumber> {
    match (store.peek(coin), place) {
        (Peek::Issued(record), _) => Lookup::Found(record.an),
        (Peek::NotIssued, _) => Lookup::Unknown,
        (Peek::NotCached, Place::Reactor) => Lookup::NotCached,
        (Peek::NotCached, Place::Worker) => {
            read(store.read(coin)).and_then(|found| found.map_or(Lookup::Unknown, |record| Lookup::Found(record.an)))
        }
    }
}

fn lockers(store: &Store, prefix: [u8; 5], place: Place) -> Lookup<Vec<AuthenticityNumber>> {
    let keys = match (store.peek_lockers(prefix, LOCKERS_MAX), place) {
        (Some(keys), _) => Lookup::Found(keys),
        (None, Place::Reactor) => Lookup::NotCached,
        (None, Place::Worker) => read(store.lockers(prefix, LOCKERS_MAX)),
    };
    keys.and_then(|keys| if keys.is_empty() { Lookup::Unknown } else { Lookup::Found(keys) })
}

fn read<T>(outcome: Result<T, raida_store::StoreError>) -> Lookup<T> {
    match outcome {
        Ok(found) => Lookup::Found(found),
        Err(error) => {
            setback::tell(&error);
            Lookup::Failed
        }
    }
}
