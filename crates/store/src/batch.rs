//! Many clients' changes in one durable commit, each client's whole or not at all.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, MutexGuard};

use raida_wire::{AuthenticityNumber, CoinId};

use crate::chunk::{Chunk, ChunkId};
use crate::error::StoreError;
use crate::record::Record;
use crate::store::{Store, Writer};

/// Chunks as they will be, by place on disk.
pub(crate) type Changed = BTreeMap<ChunkId, Arc<Chunk>>;

/// The one writer's work until its commit.
///
/// While a batch lives no other thread changes a coin, so that what a request has read stays true until its change is
/// committed; readers go on and see the state before the batch. Dropped without [`commit`](Self::commit), it changes
/// nothing.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// use raida_store::{Options, Record, Store};
/// use raida_wire::{CoinId, Month};
///
/// let store = Store::open(folder.path(), &Options::new([7; 32]))?;
/// let coin = CoinId::new(0, 258).ok_or("no such coin")?;
/// let mut batch = store.write()?;
/// let refused = batch.request(|changes| {
///     changes.set(coin, &Record { an: [1; 16].into(), month: Month(45) })?;
///     Err::<(), Box<dyn std::error::Error>>("on second thoughts, no".into())
/// });
/// let kept = batch.request(|changes| {
///     assert_eq!(changes.get(coin)?, None);
///     changes.set(coin, &Record { an: [2; 16].into(), month: Month(45) })
/// });
/// batch.commit()?;
/// assert!(refused.is_err() && kept.is_ok());
/// assert_eq!(store.read(coin)?.map(|record| record.an), Some([2; 16].into()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Batch<'s> {
    store: &'s Store,
    writer: MutexGuard<'s, Writer>,
    changed: Changed,
}

impl<'s> Batch<'s> {
    pub(crate) fn new(store: &'s Store, writer: MutexGuard<'s, Writer>) -> Self {
        Self { store, writer, changed: Changed::new() }
    }

    /// Runs one client's request on the state that the requests before it in this batch have left.
    ///
    /// What it changed stays if `work` returns `Ok`, and is forgotten if it returns an error or panics.
    ///
    /// # Errors
    ///
    /// Those of `work`.
    pub fn request<T, E>(&mut self, work: impl FnOnce(&mut Changes<'_>) -> Result<T, E>) -> Result<T, E> {
        let mut changes = Changes { store: self.store, before: &self.changed, changed: Changed::new() };
        let done = work(&mut changes)?;
        let Changes { mut changed, .. } = changes;
        self.changed.append(&mut changed);
        Ok(done)
    }

    /// Puts every change on disk with one commit, then shows them to readers. Nothing happens where nothing changed.
    ///
    /// # Errors
    ///
    /// The commit failed: readers see nothing of it, and the store takes no more changes until it is opened again. It
    /// then holds the whole batch or nothing of it, so no client may be told either.
    pub fn commit(mut self) -> Result<(), StoreError> {
        self.store.commit(&mut self.writer, std::mem::take(&mut self.changed))
    }

    /// How many groups of 64 neighbouring coins have been changed: 1 KB of memory each until the commit.
    #[must_use]
    pub fn len(&self) -> usize {
        self.changed.len()
    }

    /// Whether there is nothing to commit.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changed.is_empty()
    }

    /// Puts a whole chunk in place.
    pub(crate) fn put(&mut self, id: ChunkId, chunk: Chunk) {
        self.changed.insert(id, Arc::new(chunk));
    }
}

impl fmt::Debug for Batch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch").field("len", &self.len()).finish_non_exhaustive()
    }
}

/// What one request sees and changes.
pub struct Changes<'b> {
    store: &'b Store,
    /// Left by earlier requests of the batch.
    before: &'b Changed,
    /// By this request.
    changed: Changed,
}

impl Changes<'_> {
    /// The record of a coin as this request sees it; `None` where it is not issued.
    ///
    /// # Errors
    ///
    /// When the record is on disk and can not be read.
    pub fn get(&self, coin: CoinId) -> Result<Option<Record>, StoreError> {
        let (id, place) = ChunkId::of(coin);
        Ok(self.chunk(id)?.get(place))
    }

    /// Gives a coin this record. A coin that was not issued is then.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub fn set(&mut self, coin: CoinId, record: &Record) -> Result<(), StoreError> {
        self.change(coin, |chunk, place| chunk.set(place, record))
    }

    /// Makes a coin one that is not issued. Its number is forgotten.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub fn free(&mut self, coin: CoinId) -> Result<(), StoreError> {
        self.change(coin, Chunk::free)
    }

    /// Whether any coin is in the locker of this key as this request sees it.
    ///
    /// # Errors
    ///
    /// When the index of lockers can not be read.
    ///
    /// Source: protocol §5.6
    pub fn has_locker(&self, key: &AuthenticityNumber) -> Result<bool, StoreError> {
        if !key.is_locker_key() {
            return Ok(false);
        }
        // What no request touched is as committed.
        let is_untouched = |coin: CoinId| {
            let (id, _) = ChunkId::of(coin);
            !self.changed.contains_key(&id) && !self.before.contains_key(&id)
        };
        if self.store.mirror.on_view(|view| view.is_any_in_locker(key, is_untouched))? {
            return Ok(true);
        }
        for id in self.changed.keys().chain(self.before.keys()) {
            if self.chunk(*id)?.numbers().flatten().any(|number| number == key.octets()) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn change(&mut self, coin: CoinId, how: impl FnOnce(&mut Chunk, usize)) -> Result<(), StoreError> {
        let (id, place) = ChunkId::of(coin);
        let chunk = match self.changed.get_mut(&id) {
            Some(chunk) => chunk,
            None => {
                let chunk = self.chunk(id)?;
                self.changed.entry(id).or_insert(chunk)
            }
        };
        how(Arc::make_mut(chunk), place);
        Ok(())
    }

    fn chunk(&self, id: ChunkId) -> Result<Arc<Chunk>, StoreError> {
        match self.changed.get(&id).or_else(|| self.before.get(&id)) {
            Some(chunk) => Ok(Arc::clone(chunk)),
            None => self.store.mirror.chunk(id),
        }
    }
}

impl fmt::Debug for Changes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Changes").field("len", &self.changed.len()).finish_non_exhaustive()
    }
}
