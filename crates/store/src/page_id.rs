//! Pages: 1024 neighbouring serial numbers of one denomination.

use std::fmt;

use raida_wire::{CoinId, Denomination, SerialNumber, merkle};

/// Names one of the 15 000 pages: leaf of a Merkle tree, file of the page layout.
///
/// Source: protocol §7.2
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PageId {
    denomination: Denomination,
    number: u16,
}

impl PageId {
    /// How many coins a page has.
    pub const RECORDS: usize = merkle::RECORDS;
    /// How many pages a denomination has.
    pub const PER_DENOMINATION: usize = merkle::LEAVES;
    /// How many pages there are.
    pub const COUNT: usize = Denomination::COUNT * Self::PER_DENOMINATION;

    /// `None` unless `number` is below 1000.
    #[must_use]
    pub fn new(denomination: Denomination, number: u32) -> Option<Self> {
        let number = u16::try_from(number).ok().filter(|number| usize::from(*number) < Self::PER_DENOMINATION)?;
        Some(Self { denomination, number })
    }

    /// The page of a coin.
    #[must_use]
    pub fn of(coin: CoinId) -> Self {
        let number = u16::try_from(coin.serial_number.get() / 1024).unwrap_or_default();
        Self { denomination: coin.denomination, number }
    }

    /// All pages, by denomination, then number.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..Self::COUNT).filter_map(Self::at)
    }

    /// Its denomination.
    #[must_use]
    pub const fn denomination(self) -> Denomination {
        self.denomination
    }

    /// Its number within the denomination, 0 to 999.
    #[must_use]
    pub const fn number(self) -> u16 {
        self.number
    }

    /// The coin whose record has this place on the page; `None` unless `record` is below 1024.
    #[must_use]
    pub fn coin(self, record: usize) -> Option<CoinId> {
        let record = u32::try_from(record).ok().filter(|record| *record < 1024)?;
        let serial_number = SerialNumber::new(u32::from(self.number) * 1024 + record)?;
        Some(CoinId { denomination: self.denomination, serial_number })
    }

    /// Its place among all pages, 0 to 14 999.
    #[must_use]
    pub fn index(self) -> usize {
        self.denomination.index() * Self::PER_DENOMINATION + usize::from(self.number)
    }

    /// The page at a place among all pages.
    pub(crate) fn at(index: usize) -> Option<Self> {
        let denomination = Denomination::all().nth(index / Self::PER_DENOMINATION)?;
        Self::new(denomination, u32::try_from(index % Self::PER_DENOMINATION).ok()?)
    }

    /// The key of its rows on disk.
    pub(crate) fn key(self) -> u16 {
        u16::try_from(self.index()).unwrap_or(u16::MAX)
    }
}

impl fmt::Display for PageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "page {} of denomination {}", self.number, self.denomination)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_is_named_once_and_holds_its_coins() {
        for (index, page) in PageId::all().enumerate() {
            assert_eq!((page.index(), usize::from(page.key())), (index, index));
            for record in [0, 1023] {
                assert_eq!(PageId::of(page.coin(record).unwrap()), page);
            }
            assert_eq!(page.coin(1024), None);
        }
        assert_eq!(PageId::all().count(), PageId::COUNT);
        assert_eq!(PageId::new(Denomination::MAX, 1000), None);
    }
}
