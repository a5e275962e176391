//! The commands of the Change group: one coin into ten, ten into one.
//!
//! Source: protocol §5.7

use std::num::NonZeroU32;

use raida_wire::{CoinId, Command, Denomination};

use crate::answer::Answer;
use crate::ask::ask_for;
use crate::envelope::KeyCoin;
use crate::error::{AskError, PayloadError, Trouble};
use crate::options::Options;
use crate::payload::Payload;
use crate::question::Question;
use crate::target::Target;
use crate::verdict::{done, success};

/// Which way to change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// One coin into ten of the next lower denomination.
    Break,
    /// Ten coins into one of the next higher denomination.
    Join,
}

impl Change {
    /// The denomination that comes out, if there is one.
    #[must_use]
    pub const fn outcome(self, denomination: Denomination) -> Option<Denomination> {
        match self {
            Self::Break => denomination.lower(),
            Self::Join => denomination.higher(),
        }
    }

    const fn code(self) -> u8 {
        match self {
            Self::Break => 1,
            Self::Join => 2,
        }
    }
}

/// Asks for up to 64 free coins of the denomination that comes out when coins of `denomination` are changed, ascending.
/// They are reserved for the session during 16 seconds.
///
/// # Errors
///
/// See [`AskError`]; any status but 250 is one, 40 when nothing comes out among them.
pub fn available_change(
    target: &Target,
    session: NonZeroU32,
    change: Change,
    denomination: Denomination,
    options: &Options,
) -> Result<Answer<Vec<CoinId>>, AskError> {
    let front = [change.code(), denomination.octet()];
    let payload = Payload::with_room(6).u32(session.get()).octets(&front).finish();
    let question = Question::raw(Command::GET_AVAILABLE_CHANGE_SNS, payload).repeatable().expecting(CHANGE_LEN);
    ask_for(target, &question, options, |status, payload| {
        read_change(success(status, payload)?, change.outcome(denomination))
    })
}

/// Breaks a coin into ten, each with the number that the node shall know it by. They must be reserved for the session.
///
/// It is sent once. When the answer is lost, [`detect`](crate::detect) of the ten tells what happened.
///
/// # Errors
///
/// See [`AskError`]; any status but 250 is one, 242 when the coin is not authentic among them.
pub fn break_coin(
    target: &Target,
    session: NonZeroU32,
    coin: &KeyCoin,
    pieces: &[KeyCoin; 10],
    options: &Options,
) -> Result<Answer<()>, AskError> {
    exchange(Change::Break, target, session, [coin].into_iter().chain(pieces), options)
}

/// Joins ten coins into one, with the number that the node shall know it by. It must be reserved for the session.
///
/// It is sent once. When the answer is lost, [`detect`](crate::detect) of the one tells what happened.
///
/// # Errors
///
/// See [`AskError`]; any status but 250 is one, 242 when a coin is not authentic among them.
pub fn join_coins(
    target: &Target,
    session: NonZeroU32,
    whole: &KeyCoin,
    pieces: &[KeyCoin; 10],
    options: &Options,
) -> Result<Answer<()>, AskError> {
    exchange(Change::Join, target, session, [whole].into_iter().chain(pieces), options)
}

/// The answer has at most a denomination and 64 serial numbers.
const CHANGE_LEN: usize = 1 + 4 * 64;

/// Break or Join: the one coin, then the ten.
pub(crate) fn exchange<'c>(
    change: Change,
    target: &Target,
    session: NonZeroU32,
    coins: impl IntoIterator<Item = &'c KeyCoin>,
    options: &Options,
) -> Result<Answer<()>, AskError> {
    let command = match change {
        Change::Break => Command::BREAK,
        Change::Join => Command::JOIN,
    };
    ask_for(target, &Question::raw(command, exchange_payload(session, coins)), options, done)
}

/// Both commands have the same layout.
fn exchange_payload<'c>(session: NonZeroU32, coins: impl IntoIterator<Item = &'c KeyCoin>) -> Vec<u8> {
    let add = |payload: Payload, KeyCoin { coin, number }: &KeyCoin| payload.coin(*coin).number(number);
    coins.into_iter().fold(Payload::with_room(235).u32(session.get()), add).finish()
}

fn read_change(payload: &[u8], expected: Option<Denomination>) -> Result<Vec<CoinId>, Trouble> {
    let malformed = || Trouble::Payload(PayloadError::FreeNumbers);
    let (denomination, numbers) = payload.split_first().ok_or_else(malformed)?;
    let denomination = denomination.cast_signed();
    if expected.map(Denomination::exponent) != Some(denomination) {
        return Err(malformed());
    }
    let (numbers, rest) = numbers.as_chunks();
    if !rest.is_empty() {
        return Err(malformed());
    }
    let coin = |octets: &[u8; 4]| CoinId::new(denomination, u32::from_be_bytes(*octets)).ok_or_else(malformed);
    numbers.iter().map(coin).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn change_is_of_the_denomination_that_comes_out() {
        let lower = Denomination::new(-1);
        let coins = read_change(&[0xFF, 0, 0, 0, 7, 0, 0, 1, 0], lower).unwrap();
        assert_eq!(coins, [CoinId::new(-1, 7).unwrap(), CoinId::new(-1, 256).unwrap()]);
        assert!(read_change(&[0xFF], lower).unwrap().is_empty());
        for payload in [&[][..], &[0, 0, 0, 0, 7], &[0xFF, 0, 0, 7], &[0xFF, 0xFF, 0, 0, 7]] {
            assert!(read_change(payload, lower).is_err(), "{payload:?}");
        }
    }

    #[test]
    fn both_ways_end_at_the_last_denomination() {
        assert_eq!(Change::Break.outcome(Denomination::MIN), None);
        assert_eq!(Change::Join.outcome(Denomination::MAX), None);
        assert_eq!(Change::Join.outcome(Denomination::MIN), Denomination::new(-7));
    }

    #[test]
    fn request_has_235_octets() {
        let coin = KeyCoin { coin: CoinId::new(1, 2).unwrap(), number: [9; 16].into() };
        let payload = exchange_payload(NonZeroU32::MIN, &vec![coin; 11]);
        assert_eq!(payload.len(), 235);
        assert_eq!(payload[..10], [0, 0, 0, 1, 1, 0, 0, 0, 2, 9]);
    }
}
