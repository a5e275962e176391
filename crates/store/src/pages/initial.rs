//! The numbers with which a file-based server fills its pages at first start: everybody can compute them.

use std::io::Write;

use md5::{Digest, Md5};
use raida_wire::CoinId;

/// The public number of a coin that was never issued there.
///
/// Source: protocol §7.4
#[must_use]
pub fn initial_number(coin: CoinId) -> [u8; 16] {
    let (page, record) = (coin.serial_number.get() / 1024, coin.serial_number.get() % 1024);
    // As C prints an int: a negative one has eight digits.
    let denomination = i32::from(coin.denomination.exponent());
    let mut text = [0; 32];
    let mut rest = text.as_mut_slice();
    // 4 + at most 8 + 4 + at most 3 digits: there is room.
    let written = write!(rest, "{SEED:02x}{denomination:02x}{page:04x}{record:02x}");
    let left = rest.len();
    debug_assert!(written.is_ok());
    Md5::digest(text.get(..text.len() - left).unwrap_or_default()).into()
}

const SEED: u16 = 0x4567;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_the_hash_of_four_printed_fields() {
        for (denomination, serial_number, text) in [
            (-8, 1_023_999, "4567fffffff803e73ff"),
            (-1, 0, "4567ffffffff000000"),
            (0, 1024 + 16, "456700000110"),
            (6, 256 * 1024 + 1, "456706010001"),
        ] {
            let expected: [u8; 16] = Md5::digest(text).into();
            assert_eq!(initial_number(CoinId::new(denomination, serial_number).unwrap()), expected, "{text}");
        }
    }
}
