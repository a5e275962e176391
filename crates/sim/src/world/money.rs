//! Who owns which coins, as the owner knows it.

use std::error::Error;

use raida_store::testing::Disk;
use raida_store::{Record, Store};
use raida_wire::{AuthenticityNumber, CoinId, Denomination, Month};

use super::life::options;
use super::{Violation, violated};
use crate::dice::Dice;

/// A coin and the number that proves it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Owned {
    pub(crate) coin: CoinId,
    pub(crate) number: AuthenticityNumber,
}

/// A change: these coins become those, all of them or none.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) before: Vec<Owned>,
    pub(crate) after: Vec<Owned>,
}

/// How many coins a client begins with.
pub(crate) const PURSE: u32 = 10;

/// What a client begins with: coins of denomination 1.
pub(crate) fn purse(client: u32) -> Vec<Owned> {
    let coin = |n: u32| CoinId::new(1, client * 64 + n);
    let owned = |coin: CoinId| Owned { coin, number: [coin.serial_number.get().to_be_bytes()[3]; 16].into() };
    (0..PURSE).filter_map(coin).map(owned).collect()
}

/// What so many purses are worth.
pub(crate) fn worth(clients: u32) -> u64 {
    Denomination::new(1).map_or(0, Denomination::value) * u64::from(clients * PURSE)
}

/// A number that nobody has; that of a locker, if wanted.
pub(crate) fn fresh(dice: &mut Dice, is_locker: bool) -> AuthenticityNumber {
    let mut octets = [0; 16];
    for part in octets.chunks_mut(8) {
        part.copy_from_slice(&dice.roll().to_be_bytes());
    }
    let [.., a, b, c, d] = &mut octets;
    (*a, *b, *c, *d) = if is_locker { (0xFF, 0xFF, 0xFF, 0xFF) } else { (0x11, 0x11, 0x11, 0x11) };
    AuthenticityNumber::new(octets)
}

impl Step {
    /// Whether the change was made, from what of the old and of the new is there; `None`: neither made nor not made.
    pub(crate) fn verdict(&self, is_there: &[bool]) -> Option<bool> {
        let (before, after) = is_there.split_at_checked(self.before.len())?;
        let all = |coins: &[bool], expected| coins.iter().all(|is| *is == expected);
        match (all(before, true) && all(after, false), all(before, false) && all(after, true)) {
            (true, false) => Some(false),
            (false, true) => Some(true),
            (true, true) | (false, false) => None,
        }
    }

    /// The change in a purse.
    pub(crate) fn make(self, coins: &mut Vec<Owned>) {
        coins.retain(|owned| self.before.iter().all(|gone| gone.coin != owned.coin));
        coins.extend(self.after);
    }
}

/// Coins with their numbers, one behind the other.
pub(crate) fn claims<'c>(coins: impl IntoIterator<Item = &'c Owned>) -> Vec<u8> {
    coins.into_iter().flat_map(|owned| [&owned.coin.raw().0[..], owned.number.octets()].concat()).collect()
}

/// Coins, and the sum of their numbers.
pub(crate) fn summed(coins: &[Owned]) -> Vec<u8> {
    let mut payload: Vec<u8> = coins.iter().flat_map(|owned| owned.coin.raw().0).collect();
    let zero = AuthenticityNumber::new([0; 16]);
    let sum = coins.iter().fold(zero, |sum, owned| sum.xor(owned.number.octets()));
    payload.extend(sum.octets());
    payload
}

/// Puts coins on a new disk.
pub(crate) fn issue<'c>(disk: &Disk, coins: impl IntoIterator<Item = &'c Owned>) -> Result<(), Box<dyn Error>> {
    let store = Store::open_on(disk.plug_in(), &options(1000))?;
    let mut batch = store.write()?;
    batch.request(|changes| {
        let mut coins = coins.into_iter();
        coins.try_for_each(|Owned { coin, number }| changes.set(*coin, &Record { an: number.clone(), month: Month(1) }))
    })?;
    Ok(batch.commit()?)
}

/// Whatever changed hands, was broken or joined: all coins together are worth what they were.
pub(crate) fn conserves_value(store: &Store, clients: u32) -> Result<(), Violation> {
    let counts = store.issued().0;
    let value = |(denomination, count): (Denomination, u32)| denomination.value() * u64::from(count);
    let found: u64 = Denomination::all().zip(counts).map(value).sum();
    let expected = worth(clients);
    if found == expected { Ok(()) } else { violated(format!("all coins are worth {found}, and were worth {expected}")) }
}
