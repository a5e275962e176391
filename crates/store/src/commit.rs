//! The durable commit of a batch, and what follows from it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use redb::WriteTransaction;

use crate::batch::Changed;
use crate::chunk::{Chunk, ChunkId};
use crate::derived::{self, PageBits};
use crate::error::StoreError;
use crate::locker;
use crate::locker_index::Move;
use crate::page_id::PageId;
use crate::schema;
use crate::store::{Store, Writer};
use crate::view::View;

/// One chunk, and what it was.
struct Change {
    id: ChunkId,
    before: Arc<Chunk>,
    after: Arc<Chunk>,
}

impl Store {
    /// Puts these chunks on disk with one durable commit, then shows them to readers.
    pub(crate) fn commit(&self, writer: &mut Writer, changed: Changed) -> Result<(), StoreError> {
        let mut changes = Vec::with_capacity(changed.len());
        for (id, after) in changed {
            let before = self.mirror.chunk(id)?;
            if before != after {
                changes.push(Change { id, before, after });
            }
        }
        if changes.is_empty() {
            return Ok(());
        }
        let _unsettled = self.mirror.unsettle();
        self.put_on_disk(writer, changes).inspect_err(|_| self.fail(writer))
    }

    fn put_on_disk(&self, writer: &mut Writer, changes: Vec<Change>) -> Result<(), StoreError> {
        // Whatever goes wrong from here on: nobody knows how much of it is on disk.
        writer.doubt = Some(changes.iter().map(|change| change.id).collect());
        let mut stale = writer.stale.clone();
        changes.iter().for_each(|change| stale.insert(change.id.page()));
        let transaction = writer.database.begin_write()?;
        write_chunks(&transaction, &changes)?;
        let moves = write_lockers(&transaction, &changes)?;
        self.write_issued(&transaction, &changes)?;
        if stale != writer.stale {
            transaction.open_table(schema::FACTS)?.insert(schema::STALE, stale.octets())?;
        }
        // One sync of the disk for the whole batch: the database's default, in which a checksum tells a commit that
        // was cut short.
        let began = Instant::now();
        transaction.commit()?;
        self.mirror.tally.commit(began.elapsed());
        let view = View::new(&writer.database)?;
        let changes: Vec<_> = changes.into_iter().map(|Change { id, after, .. }| (id, after)).collect();
        self.mirror.publish(view, &changes, &moves);
        (writer.stale, writer.doubt) = (stale, None);
        Ok(())
    }

    fn write_issued(&self, transaction: &WriteTransaction, changes: &[Change]) -> Result<(), StoreError> {
        let mut pages: BTreeMap<PageId, PageBits> = BTreeMap::new();
        for Change { id, before, after } in changes {
            let bits = after.issued();
            if bits == before.issued() {
                continue;
            }
            let page = pages.entry(id.page()).or_insert_with(|| {
                let mut page = [0; 128];
                ChunkId::of_page(id.page())
                    .for_each(|id| derived::put_bits(&mut page, id, self.mirror.issued.word(id)));
                page
            });
            derived::put_bits(page, *id, bits);
        }
        if pages.is_empty() {
            return Ok(());
        }
        let mut table = transaction.open_table(schema::ISSUED)?;
        for (page, bits) in pages {
            if bits == [0; 128] {
                table.remove(page.key())?;
            } else {
                table.insert(page.key(), &bits)?;
            }
        }
        Ok(())
    }
}

fn write_chunks(transaction: &WriteTransaction, changes: &[Change]) -> Result<(), StoreError> {
    let mut table = transaction.open_table(schema::CHUNKS)?;
    for Change { id, after, .. } in changes {
        if **after == Chunk::EMPTY {
            table.remove(id.key())?;
        } else {
            table.insert(id.key(), after.octets())?;
        }
    }
    Ok(())
}

/// The index changes as the records do, whichever command changed them.
fn write_lockers(transaction: &WriteTransaction, changes: &[Change]) -> Result<Vec<Move>, StoreError> {
    let (mut table, mut moves) = (None, Vec::new());
    for Change { id, before, after } in changes {
        let (mut gone, mut come) = (locker::rows(*id, before), locker::rows(*id, after));
        let (mut old, mut new) = (gone.next(), come.next());
        while old.is_some() || new.is_some() {
            let table = match &mut table {
                Some(table) => table,
                None => table.insert(transaction.open_table(schema::LOCKERS)?),
            };
            // Both ascend by place; what stands at the same place on both sides may be the same row.
            match (old, new) {
                (Some(a), Some(b)) if a == b => (old, new) = (gone.next(), come.next()),
                (Some((place, row)), _) if new.is_none_or(|(other, _)| place <= other) => {
                    table.remove(&row)?;
                    moves.push(Move::of(&row, false));
                    old = gone.next();
                }
                (_, Some((_, row))) => {
                    table.insert(&row, ())?;
                    moves.push(Move::of(&row, true));
                    new = come.next();
                }
                (_, None) => break,
            }
        }
    }
    Ok(moves)
}
