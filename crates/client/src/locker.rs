//! The commands of the Locker group: coins that belong to whoever knows a locker key.
//!
//! Source: protocol §5.6

use raida_wire::{AuthenticityNumber, CoinId, Command, RawCoinId, Status, bitfield};

use crate::answer::Answer;
use crate::ask::ask_for;
use crate::authentication::{owned, summed};
use crate::envelope::KeyCoin;
use crate::error::{AskError, PayloadError, Trouble};
use crate::layout::Layout;
use crate::options::Options;
use crate::question::Question;
use crate::target::Target;
use crate::verdict::{all_or_nothing, bits, exactly};

/// Puts coins into a locker: the key becomes the authenticity number of all. All or none.
///
/// It is sent once. When the answer is lost, [`find`](crate::find) with the key as proposed number tells what happened.
///
/// # Errors
///
/// See [`AskError`]; any status but 241 and 242 is one, 40 for a coin that is listed twice among them.
pub fn store(
    target: &Target,
    coins: &[KeyCoin],
    key: &AuthenticityNumber,
    options: &Options,
) -> Result<Answer<bool>, AskError> {
    let payload = summed(Layout::POWN_SUM, coins).number(key).finish();
    ask_for(target, &Question::raw(Command::STORE, payload), options, all_or_nothing)
}

/// Asks what is in a locker, ascending. Empty is what does not exist.
///
/// # Errors
///
/// See [`AskError`]; any status but 241 and 242 is one.
pub fn peek(target: &Target, key: &AuthenticityNumber, options: &Options) -> Result<Answer<Vec<CoinId>>, AskError> {
    let question = Question::raw(Command::PEEK, *key.octets()).repeatable();
    ask_for(target, &question, options, |status, payload| match status {
        Status::ALL_PASS => read_coins(payload),
        Status::ALL_FAIL => exactly(payload, 0).map(|()| Vec::new()),
        refused => Err(Trouble::Refused(refused)),
    })
}

/// Takes coins out of a locker; each gets the authenticity number that stands with it. One word per coin, in their order.
///
/// It is sent once. When the answer is lost, [`find`](crate::find) with the key and the new number tells what happened.
///
/// # Errors
///
/// See [`AskError`]; any status but 241, 242 and 243 is one.
pub fn remove(
    target: &Target,
    key: &AuthenticityNumber,
    coins: &[KeyCoin],
    options: &Options,
) -> Result<Answer<Vec<bool>>, AskError> {
    let question = Question::raw(Command::REMOVE, owned(Layout::DELETE, key.octets(), coins));
    let question = question.expecting(removed_len(coins.len()));
    ask_for(target, &question, options, |status, payload| read_removed(status, payload, coins.len()))
}

/// Remove's bitfield has an octet more than it needs when eight divides the number of coins.
const fn removed_len(coins: usize) -> usize {
    coins / 8 + 1
}

/// The bitfield comes with each of the three statuses, but not from a node that does not know the locker. "All passed"
/// is taken without it, too: whoever refuses that would lose coins over a formality.
fn read_removed(status: Status, payload: &[u8], coins: usize) -> Result<Vec<bool>, Trouble> {
    let passed = match status {
        Status::ALL_PASS | Status::ALL_FAIL if payload.is_empty() => vec![status == Status::ALL_PASS; coins],
        Status::ALL_PASS | Status::ALL_FAIL | Status::MIXED => {
            exactly(payload, removed_len(coins))?;
            bits(payload, coins)
        }
        refused => return Err(Trouble::Refused(refused)),
    };
    let is_consistent = match status {
        Status::ALL_PASS => passed.iter().all(|passed| *passed),
        Status::ALL_FAIL => passed.iter().all(|passed| !passed),
        _ => true,
    };
    if is_consistent { Ok(passed) } else { Err(Trouble::Payload(PayloadError::Contradiction)) }
}

/// Five octets for each coin.
pub(crate) fn read_coins(payload: &[u8]) -> Result<Vec<CoinId>, Trouble> {
    let (coins, rest) = payload.as_chunks();
    let malformed = || Trouble::Payload(PayloadError::Coins);
    if !rest.is_empty() {
        return Err(malformed());
    }
    coins.iter().map(|octets| RawCoinId(*octets).judge().ok_or_else(malformed)).collect()
}

const _: () = assert!(bitfield::len(7) == removed_len(7) && bitfield::len(8) + 1 == removed_len(8));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remove_has_its_bitfield_with_every_status_and_one_octet_too_many_at_eight() {
        assert_eq!(read_removed(Status::ALL_PASS, &[0xFF, 0], 8).unwrap(), [true; 8]);
        assert_eq!(read_removed(Status::ALL_PASS, &[0x07], 3).unwrap(), [true; 3]);
        assert_eq!(read_removed(Status::ALL_FAIL, &[0, 0], 8).unwrap(), [false; 8]);
        assert_eq!(read_removed(Status::ALL_FAIL, &[], 8).unwrap(), [false; 8]);
        assert_eq!(read_removed(Status::MIXED, &[1], 2).unwrap(), [true, false]);
        assert!(read_removed(Status::MIXED, &[1], 8).is_err());
        assert!(read_removed(Status::ALL_PASS, &[0xFF], 8).is_err());
    }

    #[test]
    fn status_and_bitfield_that_contradict_each_other_are_no_answer() {
        for (status, octets) in [(Status::ALL_PASS, [1]), (Status::ALL_FAIL, [1])] {
            let read = read_removed(status, &octets, 2);
            assert!(matches!(read, Err(Trouble::Payload(PayloadError::Contradiction))));
        }
    }

    #[test]
    fn coins_that_can_not_be_are_no_answer() {
        assert_eq!(read_coins(&[0xF8, 0, 0, 1, 2]).unwrap(), [CoinId::new(-8, 258).unwrap()]);
        assert!(read_coins(&[0xF8, 0, 0, 1]).is_err());
        assert!(read_coins(&[7, 0, 0, 1, 2]).is_err());
    }
}
