//! One page as a file or a message has it.

use crate::chunk::{Chunk, ChunkId};
use crate::error::StoreError;
use crate::page_id::PageId;
use crate::record;
use crate::store::Store;
use crate::view::View;

/// The size of a page, in octets: 1024 records of number 16 and month 1.
///
/// Source: protocol §7.2
pub const PAGE_LEN: usize = PageId::RECORDS * record::LEN;

impl Store {
    /// Writes a page as it is committed: the whole secret of 1024 coins. Records that are not issued carry month 0 and
    /// the number of [`unissued_number`](Self::unissued_number).
    ///
    /// # Errors
    ///
    /// When the page can not be read.
    ///
    /// Source: protocol §5.8
    pub fn page(&self, page: PageId, out: &mut [u8; PAGE_LEN]) -> Result<(), StoreError> {
        self.mirror.on_view(|view| self.page_of(view, page, out))
    }

    /// The same of one state.
    pub(super) fn page_of(&self, view: &View, page: PageId, out: &mut [u8; PAGE_LEN]) -> Result<(), StoreError> {
        let chunks = view.page(page)?;
        let empty = Chunk::EMPTY;
        for (chunk, out) in chunks.iter().zip(out.as_chunks_mut().0) {
            *out = *chunk.as_ref().unwrap_or(&empty).octets();
        }
        for (place, record) in records_mut(out).iter_mut().enumerate() {
            if let ([number @ .., 0], Some(coin)) = (record, page.coin(place)) {
                *number = *self.unissued.number(coin).octets();
            }
        }
        Ok(())
    }
}

/// The chunks of a page; what is not issued is left out of them.
pub(super) fn chunks(page: PageId, octets: &[u8; PAGE_LEN]) -> impl Iterator<Item = (ChunkId, Chunk)> {
    ChunkId::of_page(page).zip(octets.as_chunks().0).map(|(id, octets)| (id, Chunk::read(octets)))
}

pub(super) fn records_mut(octets: &mut [u8; PAGE_LEN]) -> &mut [[u8; record::LEN]] {
    octets.as_chunks_mut().0
}
