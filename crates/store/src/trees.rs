//! Keeping the Merkle trees up to date, page by page, off the way of commits.

use std::convert::Infallible;
use std::io;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::error::StoreError;
use crate::page_set::PageSet;
use crate::schema;
use crate::store::{Store, Trees};
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
        writer.is_broken = true;
        let forest = self.forest();
        let transaction = self.database.begin_write()?;
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
        self.mirror.publish(View::new(&self.database)?, &[]);
        trees.unsaved = PageSet::new();
        (writer.stale, writer.is_broken) = (changed, false);
        Ok(())
    }

    pub(crate) fn trees(&self) -> MutexGuard<'_, Trees> {
        self.trees.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_worth_saving(&self) -> bool {
        self.trees().unsaved.len() > UNSAVED_MAX
    }
}

/// A thread that keeps the trees of a store up to date until it is dropped.
#[derive(Debug)]
pub struct TreeKeeper {
    stop: Option<mpsc::Sender<Infallible>>,
    thread: Option<JoinHandle<()>>,
}

impl TreeKeeper {
    /// Starts it. Every `pace` it hashes what has changed, and from time to time it saves the leaves; errors go to
    /// `report`.
    ///
    /// # Errors
    ///
    /// When the system gives no thread.
    pub fn start(store: Arc<Store>, pace: Duration, report: impl Fn(StoreError) + Send + 'static) -> io::Result<Self> {
        let (stop, stopped) = mpsc::channel::<Infallible>();
        let thread = thread::Builder::new().name("raida-trees".into()).spawn(move || {
            while stopped.recv_timeout(pace) == Err(RecvTimeoutError::Timeout) {
                let refreshed = store.refresh_trees();
                let saved = if store.is_worth_saving() { store.save_trees() } else { Ok(()) };
                refreshed.map(|_| ()).and(saved).unwrap_or_else(&report);
            }
            // The last act of an orderly stop.
            store.refresh_trees().and_then(|_| store.save_trees()).unwrap_or_else(&report);
        })?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for TreeKeeper {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // It panics only if `report` does, and has said so itself.
            let _ = thread.join();
        }
    }
}
