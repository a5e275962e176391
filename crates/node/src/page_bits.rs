//! Some coins of a page.

use std::iter;

use raida_store::PageId;
use raida_wire::CoinId;

/// One bit per coin of a page: bit n mod 64 of word n / 64 for the coin of record n.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PageBits(pub(crate) [u64; PageId::RECORDS / 64]);

impl PageBits {
    /// Whether a coin, which is of this page, is among them.
    pub(crate) fn has(&self, coin: CoinId) -> bool {
        let (place, bit) = place_of(coin);
        self.0.get(place).is_some_and(|word| word & bit != 0)
    }

    /// Puts a coin of this page among them.
    pub(crate) fn set(&mut self, coin: CoinId) {
        let (place, bit) = place_of(coin);
        self.0.get_mut(place).into_iter().for_each(|word| *word |= bit);
    }

    /// Takes it out again.
    pub(crate) fn clear(&mut self, coin: CoinId) {
        let (place, bit) = place_of(coin);
        self.0.get_mut(place).into_iter().for_each(|word| *word &= !bit);
    }

    /// Those that are not among others.
    pub(crate) fn without(mut self, others: &Self) -> Self {
        for (word, other) in self.0.iter_mut().zip(others.0) {
            *word &= !other;
        }
        self
    }

    /// The coins, ascending. 64 that are not among them cost one look.
    pub(crate) fn coins(self, page: PageId) -> impl Iterator<Item = CoinId> {
        self.0.into_iter().zip((0..).step_by(64)).flat_map(move |(word, first)| {
            let words = iter::successors(Some(word), |word| Some(word & word.wrapping_sub(1)));
            let records = words.take_while(|word| *word != 0).map(move |word| first + word.trailing_zeros() as usize);
            records.filter_map(move |record| page.coin(record))
        })
    }
}

fn place_of(coin: CoinId) -> (usize, u64) {
    let record = coin.serial_number.get() as usize % PageId::RECORDS;
    (record / 64, 1 << (record % 64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_coin_has_a_bit_of_its_own() {
        let coin = |number: u32| CoinId::new(-3, 5 * 1024 + number).unwrap();
        let (page, numbers) = (PageId::of(coin(0)), [0, 1, 63, 64, 700, 1023]);
        let mut bits = PageBits::default();
        numbers.iter().for_each(|number| bits.set(coin(*number)));
        assert_eq!(bits.coins(page).collect::<Vec<_>>(), numbers.map(coin));
        assert!((0..1024).all(|number| bits.has(coin(number)) == numbers.contains(&number)));
        let mut others = bits;
        others.clear(coin(64));
        assert_eq!(bits.without(&others).coins(page).collect::<Vec<_>>(), [coin(64)]);
    }
}
