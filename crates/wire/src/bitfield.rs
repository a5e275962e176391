//! Bitfields: one bit per coin, least significant bit first.
//!
//! Coin i is bit i mod 8 of octet i / 8; 1 means passed; unused bits are 0.
//!
//! Source: protocol §5.2

/// How many octets the bits of `coins` coins take.
#[must_use]
pub const fn len(coins: usize) -> usize {
    coins.div_ceil(8)
}

/// Writes one bit per result to the front of `out` and returns how many octets they take. Results that find no room
/// in `out` are left out.
///
/// ```
/// let mut bits = [0; 2];
/// let passed = [true, false, false, false, false, false, false, false, true];
/// assert_eq!(raida_wire::bitfield::write(passed, &mut bits), 2);
/// assert_eq!(bits, [0x01, 0x01]);
/// ```
pub fn write(results: impl IntoIterator<Item = bool>, out: &mut [u8]) -> usize {
    let mut results = results.into_iter().peekable();
    let mut written = 0;
    for octet in out {
        if results.peek().is_none() {
            break;
        }
        *octet = (0..8).zip(results.by_ref()).fold(0, |bits, (place, passed)| bits | u8::from(passed) << place);
        written += 1;
    }
    written
}

/// Whether coin `index` passed. `false` behind the end.
#[must_use]
pub fn get(bits: &[u8], index: usize) -> bool {
    bits.get(index / 8).is_some_and(|octet| octet >> (index % 8) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_back_as_they_went_in() {
        for coins in 0..40 {
            let mut bits = [0xFF; 5];
            let written = write((0..coins).map(|i| i % 3 == 0), &mut bits);
            assert_eq!(written, len(coins));
            for i in 0..written * 8 {
                assert_eq!(get(&bits[..written], i), i < coins && i % 3 == 0);
            }
        }
    }

    #[test]
    fn results_without_room_are_left_out() {
        let mut bits = [0; 1];
        assert_eq!(write([true; 9], &mut bits), 1);
        assert_eq!(bits, [0xFF]);
    }
}
