//! Checking a store against its own records, from scratch.

use std::collections::BTreeMap;

use raida_wire::audit::Counts;
use raida_wire::merkle;
use redb::{Database, ReadableDatabase, ReadableTable};

use crate::chunk::ChunkId;
use crate::derived::{self, PageBits};
use crate::error::{Damage, StoreError};
use crate::locker::{self, Row};
use crate::page_id::PageId;
use crate::schema;
use crate::store::Store;
use crate::view::View;

impl Store {
    /// Reads every record and compares what is computed from them (issued bits on disk and in memory, locker index, saved
    /// leaves, Merkle trees) with a computation from scratch. Changes wait meanwhile; readers do not. Returns how many
    /// coins of each denomination are issued.
    ///
    /// # Errors
    ///
    /// [`StoreError::Damaged`] with the first difference, or when something can not be read.
    pub fn verify(&self) -> Result<Counts, StoreError> {
        self.refresh_trees()?;
        let (_no_hashing, no_changes) = (self.trees(), self.writer()?);
        let view = self.mirror.view();
        let (mut issued, mut lockers) = (BTreeMap::new(), Vec::new());
        for row in view.chunks()? {
            let (id, chunk) = row?;
            derived::put_bits(issued.entry(id.page()).or_insert([0; 128]), id, chunk.issued());
            lockers.extend(locker::rows(id, &chunk).map(|(_, row)| row));
        }
        self.verify_issued(&no_changes.database, &issued)?;
        verify_lockers(&view, lockers)?;
        self.verify_trees(&no_changes.database, &view, &issued)?;
        Ok(self.issued())
    }

    fn verify_issued(&self, database: &Database, expected: &BTreeMap<PageId, PageBits>) -> Result<(), StoreError> {
        let table = database.begin_read()?.open_table(schema::ISSUED)?;
        for page in PageId::all() {
            let expected = expected.get(&page).copied().unwrap_or([0; 128]);
            let on_disk = ReadableTable::get(&table, page.key())?.map_or([0; 128], |row| *row.value());
            let mut in_memory = [0; 128];
            for id in ChunkId::of_page(page) {
                derived::put_bits(&mut in_memory, id, self.mirror.issued.word(id));
            }
            if on_disk != expected || in_memory != expected {
                return Err(StoreError::Damaged(Damage::Issued(page)));
            }
        }
        Ok(())
    }

    /// Leaves of pages that a commit has changed since are older by right.
    fn verify_trees(
        &self,
        database: &Database,
        view: &View,
        issued: &BTreeMap<PageId, PageBits>,
    ) -> Result<(), StoreError> {
        let (changed, stale) = (self.mirror.changed(), schema::stale(database)?);
        let forest = self.forest();
        let saved: BTreeMap<_, _> = derived::leaves(database)?.into_iter().collect();
        for page in PageId::all() {
            let expected = if issued.contains_key(&page) { view.leaf(page)? } else { merkle::EMPTY_LEAF };
            let in_memory = forest.node(page.denomination(), 0, page.number().into());
            let on_disk = saved.get(&page).copied().unwrap_or(merkle::EMPTY_LEAF);
            let differs = in_memory != Some(expected) && !changed.contains(page);
            if differs || on_disk != expected && !stale.contains(page) {
                return Err(StoreError::Damaged(Damage::Leaf(page)));
            }
        }
        Ok(())
    }
}

fn verify_lockers(view: &View, mut expected: Vec<Row>) -> Result<(), StoreError> {
    expected.sort_unstable();
    let mut expected = expected.into_iter();
    for row in view.locker_rows()? {
        if expected.next() != Some(row?) {
            return Err(StoreError::Damaged(Damage::Lockers));
        }
    }
    if expected.next().is_some() { Err(StoreError::Damaged(Damage::Lockers)) } else { Ok(()) }
}
