//! Keeping the Merkle trees up to date, page by page, off the way of commits.

use std::sync::{Arc, MutexGuard, PoisonError};

use crate::error::StoreError;
use crate::page_set::PageSet;
use crate::schema;
use crate::store::{Store, Trees, Writer};
use crate::view::View;

/// After so many pages hashed, [`Store::refresh_trees`] is followed by a save: so many are hashed at most at the next
/// start for each refresh that was cut off.
const UNSAVED_MAX: usize = 256;

impl Store {
    /// Hashes the pages that commits have changed since the last time, and publishes the trees of that one committed
    /// state. Returns how many pages there were. Commits go on meanwhile.
    ///
    /// # Errors
    ///
    /// When a page can not be read. It stays marked.
    ///
    /// Source: protocol §6.2
    pub fn refresh_trees(&self) -> Result<usize, StoreError> {
        let mut trees = self.trees();
        let (view, pages) = self.mirror.take_changed();
        if pages.is_empty() {
            return Ok(0);
        }
        let leaves = pages.iter().map(|page| Ok((page, view.leaf(page)?))).collect::<Result<Vec<_>, StoreError>>();
        let leaves = leaves.inspect_err(|_| self.mirror.give_back(&pages))?;
        self.forest.store(Arc::new(self.forest.load().with(&leaves)));
        trees.unsaved.add(&pages);
        Ok(leaves.len())
    }

    /// Puts the leaves that were hashed on disk, so that the next start has less to hash. One durable commit.
    ///
    /// # Errors
    ///
    /// As a commit of coins: see [`Batch::commit`](crate::Batch::commit).
    pub fn save_trees(&self) -> Result<(), StoreError> {
        let mut trees = self.trees();
        let mut writer = self.writer()?;
        let changed = self.mirror.changed();
        if trees.unsaved.is_empty() && changed == writer.stale {
            return Ok(());
        }
        let _unsettled = self.mirror.unsettle();
        self.put_leaves_on_disk(&trees, &mut writer, changed).inspect_err(|_| self.fail(&mut writer))?;
        trees.unsaved = PageSet::new();
        Ok(())
    }

    fn put_leaves_on_disk(&self, trees: &Trees, writer: &mut Writer, changed: PageSet) -> Result<(), StoreError> {
        writer.doubt = Some(Vec::new());
        let forest = self.forest();
        let transaction = writer.database.begin_write()?;
        {
            let mut table = transaction.open_table(schema::LEAVES)?;
            for page in trees.unsaved.iter() {
                if let Some(leaf) = forest.node(page.denomination(), 0, page.number().into()) {
                    table.insert(page.key(), &leaf)?;
                }
            }
            transaction.open_table(schema::FACTS)?.insert(schema::STALE, changed.octets())?;
        }
        transaction.commit()?;
        self.mirror.publish(View::new(&writer.database)?, &[], &[]);
        (writer.stale, writer.doubt) = (changed, None);
        Ok(())
    }

    pub(crate) fn trees(&self) -> MutexGuard<'_, Trees> {
        self.trees.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_worth_saving(&self) -> bool {
        self.trees().unsaved.len() > UNSAVED_MAX
    }
}
