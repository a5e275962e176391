//! Coins: denomination, serial number, and the five octets that name one.

use core::fmt;

/// The power of ten that a coin is worth, -8 to 6.
///
/// Source: protocol §7.1
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Denomination(i8);

impl Denomination {
    /// The smallest: a hundred-millionth of a coin.
    pub const MIN: Self = Self(-8);
    /// The largest: a million coins.
    pub const MAX: Self = Self(6);
    /// How many denominations there are.
    pub const COUNT: usize = 15;

    /// `None` unless `exponent` is between -8 and 6.
    #[must_use]
    pub const fn new(exponent: i8) -> Option<Self> {
        if exponent >= Self::MIN.0 && exponent <= Self::MAX.0 { Some(Self(exponent)) } else { None }
    }

    /// The exponent, -8 to 6.
    #[must_use]
    pub const fn exponent(self) -> i8 {
        self.0
    }

    /// The octet on the wire: -8 is `F8`, -1 is `FF`.
    #[must_use]
    pub const fn octet(self) -> u8 {
        self.0.cast_unsigned()
    }

    /// What one such coin is worth, in units of 10^-8 coin.
    #[must_use]
    pub const fn value(self) -> u64 {
        10_u64.pow(self.0.abs_diff(Self::MIN.0) as u32)
    }

    /// The place among all denominations: 0 for -8, 14 for 6.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0.abs_diff(Self::MIN.0) as usize
    }

    /// The denomination ten times smaller, if there is one.
    #[must_use]
    pub const fn lower(self) -> Option<Self> {
        Self::new(self.0 - 1)
    }

    /// The denomination ten times larger, if there is one.
    #[must_use]
    pub const fn higher(self) -> Option<Self> {
        Self::new(self.0 + 1)
    }

    /// All fifteen, ascending.
    pub fn all() -> impl DoubleEndedIterator<Item = Self> + ExactSizeIterator {
        const ALL: [Denomination; Denomination::COUNT] = {
            let mut all = [Denomination::MIN; Denomination::COUNT];
            let mut rest: &mut [Denomination] = &mut all;
            let mut exponent = Denomination::MIN.0;
            while let [first, tail @ ..] = rest {
                *first = Denomination(exponent);
                exponent += 1;
                rest = tail;
            }
            all
        };
        ALL.into_iter()
    }
}

impl fmt::Display for Denomination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The number of a coin within its denomination, 0 to 1,023,999.
///
/// Source: protocol §5.2
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SerialNumber(u32);

impl SerialNumber {
    /// How many serial numbers a denomination has.
    pub const COUNT: u32 = 1_024_000;

    /// `None` unless `number` is below 1,024,000.
    #[must_use]
    pub const fn new(number: u32) -> Option<Self> {
        if number < Self::COUNT { Some(Self(number)) } else { None }
    }

    /// The plain number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for SerialNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A coin that can exist. Ordered by denomination, then serial number.
///
/// ```
/// use raida_wire::{CoinId, RawCoinId};
///
/// let coin = CoinId::new(-8, 258).ok_or("out of range")?;
/// assert_eq!(coin.raw(), RawCoinId([0xF8, 0, 0, 1, 2]));
/// assert_eq!(CoinId::new(7, 0), None);
/// # Ok::<(), &str>(())
/// ```
///
/// Source: protocol §5.2
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CoinId {
    /// What it is worth.
    pub denomination: Denomination,
    /// Which one it is.
    pub serial_number: SerialNumber,
}

impl CoinId {
    /// `None` when the denomination or the serial number is out of range.
    #[must_use]
    pub const fn new(denomination: i8, serial_number: u32) -> Option<Self> {
        match (Denomination::new(denomination), SerialNumber::new(serial_number)) {
            (Some(denomination), Some(serial_number)) => Some(Self { denomination, serial_number }),
            _ => None,
        }
    }

    /// The five octets on the wire.
    #[must_use]
    pub const fn raw(self) -> RawCoinId {
        let [a, b, c, d] = self.serial_number.get().to_be_bytes();
        RawCoinId([self.denomination.octet(), a, b, c, d])
    }
}

impl fmt::Display for CoinId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.denomination, self.serial_number)
    }
}

/// Five octets that claim to name a coin: denomination i8, serial number u32. Not judged.
///
/// Source: protocol §5.2
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct RawCoinId(pub [u8; 5]);

impl RawCoinId {
    /// The coin, or `None` when no such coin can exist.
    #[must_use]
    pub const fn judge(self) -> Option<CoinId> {
        CoinId::new(self.denomination(), self.serial_number())
    }

    /// The first octet as a signed number, unjudged.
    #[must_use]
    pub const fn denomination(self) -> i8 {
        let [denomination, ..] = self.0;
        denomination.cast_signed()
    }

    /// The last four octets as a big-endian number, unjudged.
    #[must_use]
    pub const fn serial_number(self) -> u32 {
        let [_, a, b, c, d] = self.0;
        u32::from_be_bytes([a, b, c, d])
    }
}

impl From<CoinId> for RawCoinId {
    fn from(coin: CoinId) -> Self {
        coin.raw()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_powers_of_ten_from_one_to_ten_to_the_fourteenth() {
        let mut expected = 1;
        for (index, denomination) in Denomination::all().enumerate() {
            assert_eq!(denomination.value(), expected);
            assert_eq!(denomination.index(), index);
            assert_eq!(Denomination::new(denomination.exponent()), Some(denomination));
            expected *= 10;
        }
        assert_eq!(expected, 1_000_000_000_000_000);
    }

    #[test]
    fn ends_of_the_range_have_one_neighbour() {
        assert_eq!(Denomination::MIN.lower(), None);
        assert_eq!(Denomination::MAX.higher(), None);
        assert_eq!(Denomination::MIN.higher(), Denomination::new(-7));
    }

    #[test]
    fn octets_name_a_coin_only_inside_both_ranges() {
        for denomination in i8::MIN..=i8::MAX {
            for number in [0, 1_023_999, 1_024_000, 68_133_888, u32::MAX] {
                let [a, b, c, d] = number.to_be_bytes();
                let raw = RawCoinId([denomination.cast_unsigned(), a, b, c, d]);
                let inside = (-8..=6).contains(&denomination) && number < 1_024_000;
                assert_eq!(raw.judge().is_some(), inside);
                assert!(raw.judge().is_none_or(|coin| coin.raw() == raw));
            }
        }
    }
}
