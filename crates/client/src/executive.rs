//! The commands of the Executive group: issuing coins and withdrawing them. All need the admin key.
//!
//! In clear the key is there for everybody on the way to read; a node refuses it then, with 38, unless it comes from the
//! same computer.
//!
//! Source: protocol §5.5

use std::ops::RangeInclusive;

use raida_wire::{AuthenticityNumber, CoinId, Command, Denomination, Status};

use crate::admin_key::AdminKey;
use crate::answer::Answer;
use crate::ask::ask_for;
use crate::authentication::owned;
use crate::envelope::KeyCoin;
use crate::error::{AskError, PayloadError, Trouble};
use crate::layout::Layout;
use crate::options::Options;
use crate::payload::Payload;
use crate::question::Question;
use crate::target::Target;
use crate::verdict::{done, exactly, passes, success};

/// Free serial numbers of one denomination, in the order in which the node tells them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FreeNumbers {
    /// Which denomination.
    pub denomination: Denomination,
    /// First and last of each run; one that stands alone is both.
    pub ranges: Vec<RangeInclusive<u32>>,
}

/// Which serial numbers of one denomination are issued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuedNumbers {
    bits: Vec<u8>,
}

/// Asks for free serial numbers of some denominations, and reserves their pages for the session during 16 seconds.
///
/// # Errors
///
/// See [`AskError`]; any status but 250 is one, 38 for a wrong key among them.
pub fn available_numbers(
    target: &Target,
    session: u32,
    key: &AdminKey,
    wanted: impl IntoIterator<Item = Denomination>,
    options: &Options,
) -> Result<Answer<Vec<FreeNumbers>>, AskError> {
    let mut flags = [0; 16];
    for denomination in wanted {
        if let Some(flag) = flags.get_mut(denomination.index()) {
            *flag = 1;
        }
    }
    let payload = Payload::with_room(36).u32(session).octets(key.octets()).octets(&flags).finish();
    let question = Question::raw(Command::GET_AVAILABLE_SNS, payload).repeatable();
    ask_for(target, &question, options, |status, payload| read_free(success(status, payload)?))
}

/// Issues coins: what the node knows each by from now on, in their order. The pages must be reserved for the session.
///
/// It is sent once. When the answer is lost, the coins may have been issued and nobody knows their numbers:
/// [`free`] withdraws them.
///
/// # Errors
///
/// See [`AskError`]; any status but 250 is one, 40 for a coin that is issued already and 41 for one that is not reserved
/// among them.
pub fn create(
    target: &Target,
    session: u32,
    key: &AdminKey,
    coins: &[CoinId],
    options: &Options,
) -> Result<Answer<Vec<AuthenticityNumber>>, AskError> {
    let payload = Payload::with_room(Layout::CREATE.len(coins.len())).u32(session).octets(key.octets());
    let question = Question::raw(Command::CREATE_COINS, payload.coins(coins.iter().copied()).finish());
    ask_for(target, &question, options, |status, payload| read_numbers(status, payload, coins.len()))
}

/// Withdraws coins whose authenticity numbers are known. One word per coin, in their order.
///
/// # Errors
///
/// See [`AskError`]; any status but 241, 242 and 243 is one.
pub fn delete(
    target: &Target,
    key: &AdminKey,
    coins: &[KeyCoin],
    options: &Options,
) -> Result<Answer<Vec<bool>>, AskError> {
    let question = Question::raw(Command::DELETE_COINS, owned(Layout::DELETE, key.octets(), coins));
    ask_for(target, &question, options, |status, payload| passes(status, payload, coins.len()))
}

/// Withdraws coins, whoever owns them.
///
/// # Errors
///
/// See [`AskError`]; any status but 250 is one.
pub fn free(target: &Target, key: &AdminKey, coins: &[CoinId], options: &Options) -> Result<Answer<()>, AskError> {
    let payload = Payload::with_room(Layout::CREATE.len(coins.len())).octets(&[0; 4]).octets(key.octets());
    let question = Question::raw(Command::FREE_COINS, payload.coins(coins.iter().copied()).finish());
    ask_for(target, &question, options, done)
}

/// Asks which serial numbers of a denomination are issued. By TCP only: the answer has 128 005 octets.
///
/// # Errors
///
/// See [`AskError`]; any status but 250 is one.
pub fn all_numbers(
    target: &Target,
    key: &AdminKey,
    denomination: Denomination,
    options: &Options,
) -> Result<Answer<IssuedNumbers>, AskError> {
    let payload = Payload::with_room(17).octets(key.octets()).octets(&[denomination.octet()]).finish();
    let question = Question::raw(Command::GET_ALL_SNS, payload).repeatable();
    ask_for(target, &question, options, |status, payload| read_issued(success(status, payload)?, denomination))
}

impl IssuedNumbers {
    /// The size of the bitmap in octets: one bit for each of 1 024 000 serial numbers.
    const LEN: u32 = 128_000;

    /// Whether it is issued.
    #[must_use]
    pub fn contains(&self, serial_number: u32) -> bool {
        usize::try_from(serial_number).is_ok_and(|index| raida_wire::bitfield::get(&self.bits, index))
    }

    /// How many are issued.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.bits.iter().map(|octet| octet.count_ones()).sum()
    }
}

fn read_free(mut payload: &[u8]) -> Result<Vec<FreeNumbers>, Trouble> {
    let malformed = || Trouble::Payload(PayloadError::FreeNumbers);
    let mut free = Vec::new();
    while let Some(([denomination, ranges, singles], rest)) = payload.split_first_chunk() {
        let denomination = Denomination::new(denomination.cast_signed()).ok_or_else(malformed)?;
        let lens = (8 * usize::from(*ranges), 4 * usize::from(*singles));
        let (ranges, rest) = rest.split_at_checked(lens.0).ok_or_else(malformed)?;
        let (singles, rest) = rest.split_at_checked(lens.1).ok_or_else(malformed)?;
        let ranges = ranges.as_chunks().0.iter().map(|[a, b, c, d, e, f, g, h]| {
            u32::from_be_bytes([*a, *b, *c, *d])..=u32::from_be_bytes([*e, *f, *g, *h])
        });
        let singles = singles.as_chunks().0.iter().map(|octets| u32::from_be_bytes(*octets)).map(|one| one..=one);
        let ranges: Vec<_> = ranges.chain(singles).collect();
        if ranges.iter().any(|range| range.is_empty() || CoinId::new(0, *range.end()).is_none()) {
            return Err(malformed());
        }
        free.push(FreeNumbers { denomination, ranges });
        payload = rest;
    }
    if payload.is_empty() { Ok(free) } else { Err(malformed()) }
}

fn read_numbers(status: Status, payload: &[u8], coins: usize) -> Result<Vec<AuthenticityNumber>, Trouble> {
    let payload = success(status, payload)?;
    exactly(payload, 16 * coins)?;
    Ok(payload.as_chunks().0.iter().copied().map(AuthenticityNumber::new).collect())
}

fn read_issued(payload: &[u8], expected: Denomination) -> Result<IssuedNumbers, Trouble> {
    let [a, b, c, d] = IssuedNumbers::LEN.to_be_bytes();
    match payload.strip_prefix(&[expected.octet(), a, b, c, d]) {
        Some(bits) if u32::try_from(bits.len()) == Ok(IssuedNumbers::LEN) => Ok(IssuedNumbers { bits: bits.to_vec() }),
        Some(_) | None => Err(Trouble::Payload(PayloadError::IssuedNumbers)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_numbers_are_runs_and_singles_of_each_denomination() {
        let payload =
            [&[0xF8, 1, 1][..], &[0, 0, 0, 5, 0, 0, 0, 9], &[0, 0, 1, 0], &[0x06, 0, 1], &[0, 0, 0, 0]].concat();
        let free = read_free(&payload).unwrap();
        assert_eq!(free.len(), 2);
        assert_eq!((free[0].denomination, free[0].ranges.as_slice()), (Denomination::MIN, &[5..=9, 256..=256][..]));
        assert_eq!((free[1].denomination, free[1].ranges.as_slice()), (Denomination::MAX, &[0..=0][..]));
        assert!(read_free(&[]).unwrap().is_empty());
    }

    #[test]
    fn free_numbers_that_can_not_be_are_refused() {
        for payload in [
            &[0xF8][..],
            &[0xF8, 1, 0, 0, 0, 0, 5, 0, 0, 0],
            &[0x07, 0, 0],
            &[0, 1, 0, 0, 0, 0, 9, 0, 0, 0, 5],
            &[0, 0, 1, 0, 0x0F, 0xA0, 0],
        ] {
            assert!(matches!(read_free(payload), Err(Trouble::Payload(PayloadError::FreeNumbers))), "{payload:?}");
        }
    }

    #[test]
    fn bitmap_counts_and_finds_issued_numbers() {
        let mut payload = vec![0; 128_005];
        payload[..5].copy_from_slice(&[0xFF, 0, 1, 0xF4, 0]);
        (payload[5], payload[128_004]) = (0b10, 0x80);
        let denomination = Denomination::new(-1).unwrap();
        let issued = read_issued(&payload, denomination).unwrap();
        assert_eq!(issued.count(), 2);
        assert!(issued.contains(1) && issued.contains(1_023_999) && !issued.contains(0) && !issued.contains(u32::MAX));
        assert!(read_issued(&payload, Denomination::MAX).is_err());
        assert!(read_issued(&payload[..128_004], denomination).is_err());
    }
}
