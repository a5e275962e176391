//! One result per coin, and the status that sums them up.

use raida_wire::{Status, bitfield};

use crate::reply::Reply;
use crate::setback::{Outcome, Setback};
use crate::statistics::Judged;

/// Sums up: 241, 242, or 243 with one bit per coin.
///
/// Source: protocol §5.2
pub(crate) fn of_coins(
    reply: &mut Reply<'_, '_>,
    results: impl ExactSizeIterator<Item = Result<bool, Setback>>,
) -> Outcome {
    let status = fill(reply, bitfield::len(results.len()), results)?;
    if status != Status::MIXED {
        reply.discard();
    }
    Ok(status)
}

/// Sums up as Remove does: the bits go with each of the three, in one octet more than needed where 8 divides their number.
///
/// Source: protocol §5.6
pub(crate) fn of_removed(
    reply: &mut Reply<'_, '_>,
    results: impl ExactSizeIterator<Item = Result<bool, Setback>>,
) -> Outcome {
    let len = results.len() / 8 + 1;
    fill(reply, len, results)
}

/// The same for coins that pass or fail together.
pub(crate) fn of_all(reply: &mut Reply<'_, '_>, coins: usize, is_passed: bool) -> Outcome {
    let (passed, failed) = if is_passed { (coins, 0) } else { (0, coins) };
    reply.judge(Judged { passed, failed });
    Ok(if is_passed { Status::ALL_PASS } else { Status::ALL_FAIL })
}

fn fill(
    reply: &mut Reply<'_, '_>,
    len: usize,
    results: impl ExactSizeIterator<Item = Result<bool, Setback>>,
) -> Outcome {
    let (bits, coins, mut passed) = (reply.room(len), results.len(), 0);
    for (coin, result) in results.enumerate() {
        let result = result?;
        if let Some(octet) = bits.get_mut(coin / 8) {
            *octet |= u8::from(result) << (coin % 8);
        }
        passed += usize::from(result);
    }
    reply.judge(Judged { passed, failed: coins - passed });
    Ok(match passed {
        0 => Status::ALL_FAIL,
        _ if passed == coins => Status::ALL_PASS,
        _ => Status::MIXED,
    })
}
