//! What is computed from the records: issued bits, locker index, leaves. Loaded at start; rebuilt where it is another
//! version's.

use std::collections::BTreeMap;

use raida_wire::merkle::Node;
use redb::{Database, ReadableDatabase, ReadableTable};

use crate::chunk::ChunkId;
use crate::error::{Damage, StoreError};
use crate::issued::Issued;
use crate::locker;
use crate::page_id::PageId;
use crate::page_set::PageSet;
use crate::schema;
use crate::view::View;

/// The issued bits of one page as they lie on disk.
pub(crate) type PageBits = [u8; 128];

/// Puts the bits of a chunk among those of its page.
pub(crate) fn put_bits(page: &mut PageBits, id: ChunkId, bits: u64) {
    if let Some(word) = page.as_chunks_mut().0.get_mut(id.part()) {
        *word = bits.to_le_bytes();
    }
}

/// Loads the issued bits of all pages.
pub(crate) fn load_issued(database: &Database, issued: &Issued) -> Result<(), StoreError> {
    let table = database.begin_read()?.open_table(schema::ISSUED)?;
    for row in ReadableTable::range::<u16>(&table, ..)? {
        let (key, bits) = row?;
        for (id, word) in ChunkId::of_page(page(key.value())?).zip(bits.value().as_chunks().0) {
            issued.set(id, u64::from_le_bytes(*word));
        }
    }
    Ok(())
}

/// All saved leaves.
pub(crate) fn leaves(database: &Database) -> Result<Vec<(PageId, Node)>, StoreError> {
    let table = database.begin_read()?.open_table(schema::LEAVES)?;
    let rows = ReadableTable::range::<u16>(&table, ..)?.map(|row| {
        let (key, leaf) = row?;
        Ok((page(key.value())?, *leaf.value()))
    });
    rows.collect()
}

/// Computes issued bits and locker index from the records, and marks every page to be hashed.
pub(crate) fn rebuild(database: &Database) -> Result<(), StoreError> {
    let view = View::new(database)?;
    let transaction = database.begin_write()?;
    transaction.delete_table(schema::ISSUED)?;
    transaction.delete_table(schema::LOCKERS)?;
    transaction.delete_table(schema::LEAVES)?;
    transaction.open_table(schema::LEAVES)?;
    {
        let mut lockers = transaction.open_table(schema::LOCKERS)?;
        let mut bits: BTreeMap<PageId, PageBits> = BTreeMap::new();
        for row in view.chunks()? {
            let (id, chunk) = row?;
            put_bits(bits.entry(id.page()).or_insert([0; 128]), id, chunk.issued());
            for (_, row) in locker::rows(id, &chunk) {
                lockers.insert(&row, ())?;
            }
        }
        let mut issued = transaction.open_table(schema::ISSUED)?;
        for (page, bits) in bits {
            issued.insert(page.key(), &bits)?;
        }
        transaction.open_table(schema::FACTS)?.insert(schema::STALE, PageSet::all().octets())?;
    }
    schema::note_derived(&transaction)?;
    Ok(transaction.commit()?)
}

fn page(key: u16) -> Result<PageId, StoreError> {
    PageId::at(usize::from(key)).ok_or(StoreError::Damaged(Damage::PageKey(key)))
}
