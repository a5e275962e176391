//! Chunks: 64 neighbouring records, the unit of storage and of the cache.

use std::ops::Range;

use raida_wire::CoinId;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::page_id::PageId;
use crate::record::{self, Record};

/// How many records a chunk has: as many as a word has bits.
pub(crate) const RECORDS: usize = 64;

/// The size of a chunk on disk. Three of them fill a leaf of the database.
pub(crate) const LEN: usize = RECORDS * record::LEN;

/// Names one of 240 000 chunks, by denomination, then serial number: a sixteenth of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ChunkId {
    page: PageId,
    part: u8,
}

impl ChunkId {
    pub(crate) const PER_PAGE: usize = Self::KEYS_PER_PAGE as usize;
    const KEYS_PER_PAGE: u32 = 16;
    pub(crate) const PER_DENOMINATION: usize = PageId::PER_DENOMINATION * Self::PER_PAGE;
    pub(crate) const COUNT: usize = PageId::COUNT * Self::PER_PAGE;

    /// The chunk of a coin, and the coin's place in it, 0 to 63.
    pub(crate) fn of(coin: CoinId) -> (Self, usize) {
        let record = coin.serial_number.get() as usize % PageId::RECORDS;
        let part = u8::try_from(record / RECORDS).unwrap_or_default();
        (Self { page: PageId::of(coin), part }, record % RECORDS)
    }

    /// The chunks of a page, ascending.
    pub(crate) fn of_page(page: PageId) -> impl Iterator<Item = Self> {
        (0..).take(Self::PER_PAGE).map(move |part| Self { page, part })
    }

    /// The keys of a page's chunks on disk.
    pub(crate) fn keys_of(page: PageId) -> Range<u32> {
        let first = u32::from(page.key()) * Self::KEYS_PER_PAGE;
        first..first + Self::KEYS_PER_PAGE
    }

    /// `None` unless a chunk has this key on disk.
    pub(crate) fn read(key: u32) -> Option<Self> {
        let (page, part) = (key as usize / Self::PER_PAGE, key as usize % Self::PER_PAGE);
        Some(Self { page: PageId::at(page)?, part: u8::try_from(part).ok()? })
    }

    /// The key of its row on disk.
    pub(crate) fn key(self) -> u32 {
        u32::from(self.page.key()) * Self::KEYS_PER_PAGE + u32::from(self.part)
    }

    /// Its place among all chunks, 0 to 239 999.
    pub(crate) fn index(self) -> usize {
        self.page.index() * Self::PER_PAGE + self.part()
    }

    pub(crate) const fn page(self) -> PageId {
        self.page
    }

    /// Its place within its page, 0 to 15.
    pub(crate) fn part(self) -> usize {
        usize::from(self.part)
    }

    /// The coin at a place of the chunk; `None` unless the place is below 64.
    pub(crate) fn coin(self, place: usize) -> Option<CoinId> {
        self.page.coin(self.part() * RECORDS + place).filter(|_| place < RECORDS)
    }
}

/// The records themselves. All zero where nothing is issued. Wiped when dropped.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub(crate) struct Chunk([[u8; record::LEN]; RECORDS]);

impl Chunk {
    pub(crate) const EMPTY: Self = Self([[0; record::LEN]; RECORDS]);

    /// Takes records as they lie on disk; what is not issued becomes zero.
    pub(crate) fn read(octets: &[u8; LEN]) -> Self {
        let mut chunk = Self::EMPTY;
        for (record, found) in chunk.0.iter_mut().zip(octets.as_chunks().0) {
            if is_issued(found) {
                *record = *found;
            }
        }
        chunk
    }

    pub(crate) fn octets(&self) -> &[u8; LEN] {
        // The sizes are the same: the alternative is never taken.
        self.0.as_flattened().try_into().unwrap_or(&[0; LEN])
    }

    pub(crate) fn get(&self, place: usize) -> Option<Record> {
        self.0.get(place).and_then(Record::read)
    }

    pub(crate) fn set(&mut self, place: usize, record: &Record) {
        match self.0.get_mut(place) {
            Some(octets) if record.month.is_issued() => record.write(octets),
            _ => self.free(place),
        }
    }

    pub(crate) fn free(&mut self, place: usize) {
        if let Some(octets) = self.0.get_mut(place) {
            octets.fill(0);
        }
    }

    /// One bit per record, the first record in the lowest: 1 where a coin is issued.
    pub(crate) fn issued(&self) -> u64 {
        self.0.iter().rev().fold(0, |bits, record| bits << 1 | u64::from(is_issued(record)))
    }

    /// The number of every record, `None` where nothing is issued.
    pub(crate) fn numbers(&self) -> impl ExactSizeIterator<Item = Option<&[u8; 16]>> {
        self.0.iter().map(|record| record.first_chunk().filter(|_| is_issued(record)))
    }
}

fn is_issued(record: &[u8; record::LEN]) -> bool {
    let [.., month] = record;
    *month != 0
}

#[cfg(test)]
mod tests {
    use raida_wire::Month;

    use super::*;

    #[test]
    fn every_chunk_holds_its_coins() {
        for key in (0..240_000).step_by(61) {
            let id = ChunkId::read(key).unwrap();
            assert_eq!((id.key(), id.index()), (key, key as usize));
            for place in [0, 63] {
                assert_eq!(ChunkId::of(id.coin(place).unwrap()), (id, place));
            }
            assert_eq!(id.coin(64), None);
            assert!(ChunkId::of_page(id.page()).any(|other| other == id));
        }
        assert_eq!(ChunkId::read(240_000), None);
    }

    #[test]
    fn bits_tell_which_records_are_issued() {
        let mut chunk = Chunk::EMPTY;
        let record = Record { an: [3; 16].into(), month: Month(9) };
        for place in [0, 1, 63] {
            chunk.set(place, &record);
        }
        assert_eq!(chunk.issued(), 1 << 63 | 3);
        assert_eq!(chunk.get(63), Some(record.clone()));
        chunk.set(63, &Record { month: Month::UNISSUED, ..record });
        assert_eq!((chunk.issued(), chunk.get(63)), (3, None));
    }

    #[test]
    fn nothing_of_an_unissued_record_is_kept() {
        let mut octets = [7; LEN];
        octets[16] = 0;
        let chunk = Chunk::read(&octets);
        assert_eq!(chunk.octets()[..17], [0; 17]);
        assert_eq!(chunk.octets()[17..], octets[17..]);
    }
}
