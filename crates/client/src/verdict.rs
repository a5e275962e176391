//! Answers that tell coin by coin what passed.
//!
//! Source: protocol §5.2

use raida_wire::{Status, bitfield};

use crate::error::{PayloadError, Trouble};

/// All passed, all failed, or a bitfield that says which of the `coins` coins passed.
pub(crate) fn passes(status: Status, payload: &[u8], coins: usize) -> Result<Vec<bool>, Trouble> {
    match status {
        Status::ALL_PASS | Status::ALL_FAIL => {
            exactly(payload, 0)?;
            Ok(vec![status == Status::ALL_PASS; coins])
        }
        Status::MIXED => {
            exactly(payload, bitfield::len(coins))?;
            Ok(bits(payload, coins))
        }
        refused => Err(Trouble::Refused(refused)),
    }
}

/// As [`passes`], but for all coins together: there is no "some".
pub(crate) fn all_or_nothing(status: Status, payload: &[u8]) -> Result<bool, Trouble> {
    match status {
        Status::ALL_PASS | Status::ALL_FAIL => {
            exactly(payload, 0)?;
            Ok(status == Status::ALL_PASS)
        }
        refused => Err(Trouble::Refused(refused)),
    }
}

/// Success without a word more.
pub(crate) fn done(status: Status, payload: &[u8]) -> Result<(), Trouble> {
    exactly(success(status, payload)?, 0)
}

/// The payload of a success.
pub(crate) fn success(status: Status, payload: &[u8]) -> Result<&[u8], Trouble> {
    if status == Status::SUCCESS { Ok(payload) } else { Err(Trouble::Refused(status)) }
}

/// Demands so many octets.
pub(crate) fn exactly(payload: &[u8], expected: usize) -> Result<(), Trouble> {
    if payload.len() == expected {
        Ok(())
    } else {
        Err(Trouble::Payload(PayloadError::Length { found: payload.len(), expected }))
    }
}

/// The bits of the first `coins` coins.
pub(crate) fn bits(octets: &[u8], coins: usize) -> Vec<bool> {
    (0..coins).map(|coin| bitfield::get(octets, coin)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_length(result: Result<Vec<bool>, Trouble>, lens: (usize, usize)) -> bool {
        matches!(result, Err(Trouble::Payload(PayloadError::Length { found, expected })) if (found, expected) == lens)
    }

    #[test]
    fn three_statuses_tell_coin_by_coin() {
        assert_eq!(passes(Status::ALL_PASS, &[], 3).unwrap(), [true; 3]);
        assert_eq!(passes(Status::ALL_FAIL, &[], 3).unwrap(), [false; 3]);
        assert_eq!(passes(Status::MIXED, &[0b101], 3).unwrap(), [true, false, true]);
        let nine = passes(Status::MIXED, &[0x00, 0x01], 9).unwrap();
        assert_eq!(nine.iter().position(|passed| *passed), Some(8));
    }

    #[test]
    fn bitfield_of_another_size_is_no_answer() {
        assert!(is_length(passes(Status::MIXED, &[1], 9), (1, 2)));
        assert!(is_length(passes(Status::MIXED, &[1, 0], 8), (2, 1)));
        assert!(is_length(passes(Status::ALL_PASS, &[1], 8), (1, 0)));
    }

    #[test]
    fn any_other_status_is_a_refusal() {
        for status in [Status::SUCCESS, Status::COINS_NOT_DIV, Status::FILESYSTEM] {
            assert!(matches!(passes(status, &[], 1), Err(Trouble::Refused(found)) if found == status));
        }
        assert!(matches!(all_or_nothing(Status::MIXED, &[]), Err(Trouble::Refused(Status::MIXED))));
    }
}
