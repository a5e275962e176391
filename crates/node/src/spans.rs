//! Free serial numbers as 3/120 writes them: ranges and singles.

use std::collections::BTreeSet;

use raida_store::PageId;
use raida_wire::{CoinId, Denomination, SerialNumber};

/// How many free numbers are looked at.
const NUMBERS_MAX: usize = 1029;
/// How many ranges, and how many singles, one octet can count.
const COUNT_MAX: usize = 255;

/// Ascending serial numbers of one denomination.
///
/// Source: protocol §5.5
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Spans {
    /// First and last, at least two numbers.
    ranges: Vec<(u32, u32)>,
    singles: Vec<u32>,
}

impl Spans {
    /// The first of these numbers, which ascend: as many as can be told.
    pub(crate) fn of(free: impl Iterator<Item = CoinId>) -> Self {
        let mut spans = Self::default();
        let mut free = free.take(NUMBERS_MAX).map(|coin| coin.serial_number.get()).peekable();
        while let Some(first) = free.next() {
            let mut last = first;
            while let Some(next) = free.next_if_eq(&(last + 1)) {
                last = next;
            }
            let is_full = if first == last { spans.singles.len() } else { spans.ranges.len() } == COUNT_MAX;
            if is_full {
                break;
            }
            if first == last {
                spans.singles.push(first);
            } else {
                spans.ranges.push((first, last));
            }
        }
        spans
    }

    /// Writes them behind what is in `out`: denomination, how many ranges, how many singles, the ranges, the singles.
    /// Nothing where there are none.
    pub(crate) fn write(&self, denomination: Denomination, out: &mut Vec<u8>) {
        if self.ranges.is_empty() && self.singles.is_empty() {
            return;
        }
        let count = |len| u8::try_from(len).unwrap_or(u8::MAX);
        out.extend([denomination.octet(), count(self.ranges.len()), count(self.singles.len())]);
        out.extend(
            self.ranges
                .iter()
                .flat_map(|(first, last)| [first, last])
                .chain(&self.singles)
                .flat_map(|number| number.to_be_bytes()),
        );
    }

    /// The pages on which they lie.
    pub(crate) fn pages(&self, denomination: Denomination) -> BTreeSet<PageId> {
        let singles = self.singles.iter().map(|number| (*number, *number));
        let numbers = self.ranges.iter().copied().chain(singles).flat_map(|(first, last)| first..=last);
        let coins = numbers.filter_map(SerialNumber::new).map(|serial_number| CoinId { denomination, serial_number });
        coins.map(PageId::of).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(numbers: impl IntoIterator<Item = u32>) -> Spans {
        Spans::of(numbers.into_iter().map(|number| CoinId::new(0, number).unwrap()))
    }

    fn written(spans: &Spans) -> Vec<u8> {
        let mut out = Vec::new();
        spans.write(Denomination::new(-1).unwrap(), &mut out);
        out
    }

    #[test]
    fn neighbours_make_ranges_and_the_others_are_singles() {
        let spans = spans([3, 5, 6, 8, 9, 10, 12]);
        assert_eq!(spans, Spans { ranges: vec![(5, 6), (8, 10)], singles: vec![3, 12] });
        let expected = [[0, 0, 0, 5], [0, 0, 0, 6], [0, 0, 0, 8], [0, 0, 0, 10], [0, 0, 0, 3], [0, 0, 0, 12]];
        assert_eq!(written(&spans), [&[0xFF, 2, 2][..], expected.as_flattened()].concat());
        assert_eq!(written(&self::spans([])), []);
    }

    #[test]
    fn only_the_first_1029_free_numbers_count() {
        assert_eq!(spans(100..5000), Spans { ranges: vec![(100, 1128)], singles: vec![] });
    }

    #[test]
    fn counts_stop_at_255() {
        let singles = spans((0..600).map(|i| 2 * i));
        assert_eq!((singles.singles.len(), written(&singles).len()), (255, 3 + 4 * 255));
        let ranges = spans((0..400).flat_map(|i| [3 * i, 3 * i + 1]));
        assert_eq!((ranges.ranges.len(), written(&ranges).len()), (255, 3 + 8 * 255));
    }

    #[test]
    fn pages_are_those_of_the_numbers() {
        let pages = |numbers: &[u32]| {
            let pages = spans(numbers.iter().copied()).pages(Denomination::new(0).unwrap());
            pages.into_iter().map(PageId::number).collect::<Vec<_>>()
        };
        assert_eq!(pages(&[0, 1023, 1024, 1025, 5000]), [0, 1, 4]);
    }
}
