//! One result per coin, and the status that sums them up.

use raida_wire::{Status, bitfield};

use crate::reply::Reply;
use crate::setback::{Outcome, Setback};

/// Sums up: 241, 242, or 243 with one bit per coin.
///
/// Source: protocol §5.2
pub(crate) fn of_coins(
    reply: &mut Reply<'_, '_>,
    results: impl ExactSizeIterator<Item = Result<bool, Setback>>,
) -> Outcome {
    let status = fill(reply.room(bitfield::len(results.len())), results)?;
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
    fill(reply.room(results.len() / 8 + 1), results)
}

fn fill(bits: &mut [u8], results: impl ExactSizeIterator<Item = Result<bool, Setback>>) -> Outcome {
    let (coins, mut passed) = (results.len(), 0);
    for (coin, result) in results.enumerate() {
        let result = result?;
        if let Some(octet) = bits.get_mut(coin / 8) {
            *octet |= u8::from(result) << (coin % 8);
        }
        passed += usize::from(result);
    }
    Ok(match passed {
        0 => Status::ALL_FAIL,
        _ if passed == coins => Status::ALL_PASS,
        _ => Status::MIXED,
    })
}
