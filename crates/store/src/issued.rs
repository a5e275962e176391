//! Which coins are issued: one bit each, always in memory.

use std::array;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use raida_wire::audit::Counts;
use raida_wire::{Denomination, SerialNumber};

use crate::chunk::ChunkId;
use crate::page_id::PageId;

/// The size of one denomination's bitmap, in octets.
///
/// Source: protocol §5.5
pub const BITMAP_LEN: usize = SerialNumber::COUNT as usize / 8;

/// One word per chunk and one count per denomination: 2 MB. Read by all threads, changed by one at a time.
#[derive(Debug)]
pub(crate) struct Issued {
    words: Box<[AtomicU64]>,
    counts: [AtomicU32; Denomination::COUNT],
}

impl Issued {
    pub(crate) fn new() -> Self {
        let words = (0..ChunkId::COUNT).map(|_| AtomicU64::new(0)).collect();
        Self { words, counts: array::from_fn(|_| AtomicU32::new(0)) }
    }

    /// The bits of a chunk's 64 records.
    pub(crate) fn word(&self, id: ChunkId) -> u64 {
        // ORDERING: a bit stands for itself; who needs several bits of one moment asks the mirror.
        self.words.get(id.index()).map_or(0, |word| word.load(Ordering::Relaxed))
    }

    pub(crate) fn contains(&self, id: ChunkId, place: usize) -> bool {
        self.word(id) >> place & 1 == 1
    }

    /// Whether any coin of a page is issued.
    pub(crate) fn is_any(&self, page: PageId) -> bool {
        ChunkId::of_page(page).any(|id| self.word(id) != 0)
    }

    /// Puts new bits in place. Only ever called by one thread at a time.
    pub(crate) fn set(&self, id: ChunkId, bits: u64) {
        let (Some(word), Some(count)) =
            (self.words.get(id.index()), self.counts.get(id.index() / ChunkId::PER_DENOMINATION))
        else {
            return;
        };
        let before = word.swap(bits, Ordering::Relaxed);
        // Wrapping, as one of the two differences is negative.
        count.fetch_add(bits.count_ones().wrapping_sub(before.count_ones()), Ordering::Relaxed);
    }

    pub(crate) fn counts(&self) -> Counts {
        Counts(array::from_fn(|place| self.counts.get(place).map_or(0, |count| count.load(Ordering::Relaxed))))
    }

    /// Bit sn mod 8 of octet sn / 8, least significant first.
    pub(crate) fn bitmap(&self, denomination: Denomination, out: &mut [u8; BITMAP_LEN]) {
        for (octets, word) in out.as_chunks_mut().0.iter_mut().zip(self.of(denomination)) {
            *octets = word.load(Ordering::Relaxed).to_le_bytes();
        }
    }

    /// The coins of a page that are not issued: bit n mod 64 of word n / 64.
    pub(crate) fn free(&self, page: PageId) -> [u64; ChunkId::PER_PAGE] {
        let mut free = [0; ChunkId::PER_PAGE];
        for (bits, id) in free.iter_mut().zip(ChunkId::of_page(page)) {
            *bits = !self.word(id);
        }
        free
    }

    fn of(&self, denomination: Denomination) -> &[AtomicU64] {
        let first = denomination.index() * ChunkId::PER_DENOMINATION;
        self.words.get(first..first + ChunkId::PER_DENOMINATION).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use raida_wire::CoinId;

    use super::*;

    #[test]
    fn counts_bits_and_free_coins_agree() {
        let issued = Issued::new();
        let denomination = Denomination::new(3).unwrap();
        let (id, place) = ChunkId::of(CoinId::new(3, 70).unwrap());
        issued.set(id, 0xFF);
        issued.set(id, 1 << place | 1);
        assert_eq!(issued.counts().0[denomination.index()], 2);
        assert_eq!(issued.counts().0.iter().sum::<u32>(), 2);
        let mut bitmap = [0; BITMAP_LEN];
        issued.bitmap(denomination, &mut bitmap);
        assert_eq!(bitmap.iter().map(|octet| octet.count_ones()).sum::<u32>(), 2);
        assert_eq!(bitmap[8], 1 | 1 << 6);
        let page = |number| PageId::new(denomination, number).unwrap();
        assert_eq!(issued.free(page(0))[..3], [u64::MAX, !(1 << 6 | 1), u64::MAX]);
        assert_eq!(issued.free(page(999)), [u64::MAX; 16]);
    }
}
