//! One committed state of the coins, as it lies on disk.

use raida_wire::{AuthenticityNumber, CoinId, merkle};
use redb::{Database, ReadOnlyTable, ReadableDatabase, ReadableTable};

use crate::chunk::{self, Chunk, ChunkId};
use crate::error::{Damage, StoreError};
use crate::locker::{self, Row};
use crate::page_id::PageId;
use crate::schema;

/// What was committed at one moment. It stays as it is while later commits go on.
pub(crate) struct View {
    chunks: ReadOnlyTable<u32, &'static [u8; chunk::LEN]>,
    lockers: ReadOnlyTable<&'static Row, ()>,
}

impl View {
    /// What is committed now.
    pub(crate) fn new(database: &Database) -> Result<Self, StoreError> {
        let transaction = database.begin_read()?;
        let (chunks, lockers) = (transaction.open_table(schema::CHUNKS)?, transaction.open_table(schema::LOCKERS)?);
        Ok(Self { chunks, lockers })
    }

    pub(crate) fn chunk(&self, id: ChunkId) -> Result<Chunk, StoreError> {
        let row = ReadableTable::get(&self.chunks, id.key())?;
        Ok(row.map_or(Chunk::EMPTY, |row| Chunk::read(row.value())))
    }

    /// The chunks of a page, ascending; `None` where nothing is issued.
    pub(crate) fn page(&self, page: PageId) -> Result<[Option<Chunk>; ChunkId::PER_PAGE], StoreError> {
        let mut chunks = [const { None }; ChunkId::PER_PAGE];
        for row in ReadableTable::range(&self.chunks, ChunkId::keys_of(page))? {
            let (key, octets) = row?;
            let part = ChunkId::read(key.value()).map_or(0, ChunkId::part);
            if let Some(chunk) = chunks.get_mut(part) {
                *chunk = Some(Chunk::read(octets.value()));
            }
        }
        Ok(chunks)
    }

    /// The Merkle leaf of a page.
    pub(crate) fn leaf(&self, page: PageId) -> Result<merkle::Node, StoreError> {
        let chunks = self.page(page)?;
        if chunks.iter().all(Option::is_none) {
            return Ok(merkle::EMPTY_LEAF);
        }
        let empty = Chunk::EMPTY;
        let chunks = chunks.iter().map(|chunk| chunk.as_ref().unwrap_or(&empty));
        Ok(merkle::leaf(chunks.flat_map(Chunk::numbers)))
    }

    /// Every chunk with something issued, ascending.
    pub(crate) fn chunks(&self) -> Result<impl Iterator<Item = Result<(ChunkId, Chunk), StoreError>>, StoreError> {
        Ok(ReadableTable::range::<u32>(&self.chunks, ..)?.map(|row| {
            let (key, octets) = row?;
            let id = ChunkId::read(key.value()).ok_or(StoreError::Damaged(Damage::ChunkKey(key.value())))?;
            Ok((id, Chunk::read(octets.value())))
        }))
    }

    pub(crate) fn lockers(&self, prefix: [u8; 5], max: usize) -> Result<Vec<AuthenticityNumber>, StoreError> {
        Ok(locker::keys(&self.lockers, prefix, max)?)
    }

    pub(crate) fn locker(&self, key: &AuthenticityNumber, max: usize) -> Result<Vec<CoinId>, StoreError> {
        Ok(locker::coins(&self.lockers, key, max)?)
    }

    /// Whether a locker has a coin like that. Reads no further than to the first.
    pub(crate) fn is_any_in_locker(
        &self,
        key: &AuthenticityNumber,
        is_like_that: impl Fn(CoinId) -> bool,
    ) -> Result<bool, StoreError> {
        for coin in locker::coins_of(&self.lockers, key)? {
            if is_like_that(coin?) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Every row of the index of lockers, ascending.
    pub(crate) fn locker_rows(&self) -> Result<impl Iterator<Item = Result<Row, StoreError>>, StoreError> {
        Ok(ReadableTable::range::<&Row>(&self.lockers, ..)?.map(|row| Ok(*row?.0.value())))
    }
}
