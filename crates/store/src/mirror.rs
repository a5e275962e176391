//! What is in memory of the committed state: the view of the disk, the cache, the issued bits.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::{ArcSwap, ArcSwapOption};
use raida_wire::CoinId;

use crate::cache::{Cache, Residents};
use crate::chunk::{Chunk, ChunkId};
use crate::error::StoreError;
use crate::issued::Issued;
use crate::locker_index::{LockerIndex, Move};
use crate::page_set::PageSet;
use crate::record::Record;
use crate::tally::{Figures, Tally};
use crate::view::View;

/// The committed state, as readers see it.
///
/// Single coins are read without any lock. A look at several coins is checked against `version`, which is odd while a
/// commit is being taken over; that takes microseconds, and the disk has no part in it.
pub(crate) struct Mirror {
    pub(crate) tally: Tally,
    cache: Cache,
    pub(crate) issued: Issued,
    pub(crate) lockers: LockerIndex,
    view: ArcSwap<View>,
    /// The chunks, ascending, of which nobody knows what a power failure would leave: nobody is told what they hold.
    doubt: ArcSwapOption<Vec<ChunkId>>,
    /// Whether there are any: cheaper to ask.
    has_doubt: AtomicBool,
    /// Held while the database may turn out to have failed, until readers have a view that works.
    unsettled: Mutex<()>,
    version: AtomicU64,
    /// Held by whoever changes any of the above.
    changing: Mutex<Changing>,
    nothing: Arc<Chunk>,
}

#[derive(Debug)]
struct Changing {
    residents: Residents,
    /// Pages changed since they were last taken for hashing.
    changed: PageSet,
}

/// What memory alone knows of a coin.
///
/// Source: protocol §5.2
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Peek {
    /// It is issued, and this is its record.
    Issued(Record),
    /// It is not issued.
    NotIssued,
    /// It is issued, but its record is on disk: [`Store::read`](crate::Store::read) fetches it.
    NotCached,
}

/// How often a look at several coins is tried before it asks for quiet.
const TRIES: usize = 4;

impl Mirror {
    pub(crate) fn new(view: View, lockers: LockerIndex, cache_chunks: usize, changed: PageSet) -> Self {
        Self {
            lockers,
            tally: Tally::default(),
            cache: Cache::new(),
            issued: Issued::new(),
            view: ArcSwap::from_pointee(view),
            doubt: ArcSwapOption::empty(),
            has_doubt: AtomicBool::new(false),
            unsettled: Mutex::new(()),
            version: AtomicU64::new(0),
            changing: Mutex::new(Changing { residents: Residents::new(cache_chunks), changed }),
            nothing: Arc::new(Chunk::EMPTY),
        }
    }

    pub(crate) fn peek(&self, coin: CoinId) -> Peek {
        let (id, place) = ChunkId::of(coin);
        if self.is_in_doubt(id) {
            return Peek::NotCached;
        }
        let known = match self.cache.look(id, |chunk| chunk.get(place)) {
            Some(Some(record)) => Peek::Issued(record),
            None if self.issued.contains(id, place) => return Peek::NotCached,
            None | Some(None) => Peek::NotIssued,
        };
        self.tally.hit();
        known
    }

    pub(crate) fn read(&self, coin: CoinId) -> Result<Option<Record>, StoreError> {
        match self.peek(coin) {
            Peek::Issued(record) => Ok(Some(record)),
            Peek::NotIssued => Ok(None),
            Peek::NotCached => {
                let (id, place) = ChunkId::of(coin);
                self.on_view(|view| Ok(self.load(view, id)?.get(place)))
            }
        }
    }

    /// Several coins as they stood at one moment.
    pub(crate) fn read_all(&self, coins: &[CoinId]) -> Result<Vec<Option<Record>>, StoreError> {
        if let Some(Some(records)) = self.glance(|| coins.iter().map(|coin| self.cached(*coin)).collect()) {
            return Ok(records);
        }
        self.on_view(|view| {
            let mut last: Option<(ChunkId, Arc<Chunk>)> = None;
            let records = coins.iter().map(|coin| {
                let (id, place) = ChunkId::of(*coin);
                let chunk = match last.take() {
                    Some((known, chunk)) if known == id => chunk,
                    _ => self.load(view, id)?,
                };
                let record = chunk.get(place);
                last = Some((id, chunk));
                Ok(record)
            });
            records.collect()
        })
    }

    /// What `look` finds on disk. Where it fails because the database has failed or was opened anew, it waits for the view
    /// that comes instead.
    pub(crate) fn on_view<T>(
        &self,
        mut look: impl FnMut(&Arc<View>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut view = self.view();
        loop {
            let found = look(&view);
            if matches!(found, Ok(_) | Err(StoreError::Broken)) {
                return found;
            }
            drop(self.unsettle());
            let newest = self.view();
            if Arc::ptr_eq(&view, &newest) {
                return found;
            }
            view = newest;
        }
    }

    /// A chunk as it stands now.
    pub(crate) fn chunk(&self, id: ChunkId) -> Result<Arc<Chunk>, StoreError> {
        if let Some(chunk) = self.cache.get(id) {
            return Ok(chunk);
        }
        if self.issued.word(id) == 0 {
            return Ok(Arc::clone(&self.nothing));
        }
        self.on_view(|view| self.load(view, id))
    }

    /// What `look` finds, all of it at one moment.
    pub(crate) fn stable<T>(&self, look: impl Fn() -> T) -> T {
        for _ in 0..TRIES {
            if let Some(found) = self.glance(&look) {
                return found;
            }
        }
        let _quiet = self.changing();
        look()
    }

    /// From now on, until they are trusted again, nobody is told what these chunks hold.
    pub(crate) fn distrust(&self, doubt: &[ChunkId]) {
        self.doubt.store((!doubt.is_empty()).then(|| Arc::new(doubt.to_vec())));
        // ORDERING: whoever sees it sees which they are.
        self.has_doubt.store(!doubt.is_empty(), Ordering::Release);
    }

    /// Whether the lockers can be told: a chunk in doubt may have coins in any of them.
    pub(crate) fn trusts_lockers(&self) -> bool {
        !self.has_doubt.load(Ordering::Acquire)
    }

    fn is_in_doubt(&self, id: ChunkId) -> bool {
        self.has_doubt.load(Ordering::Acquire)
            && self.doubt.load().as_ref().is_some_and(|doubt| doubt.binary_search(&id).is_ok())
    }

    /// From now on, until this is dropped, readers whose view fails wait.
    pub(crate) fn unsettle(&self) -> MutexGuard<'_, ()> {
        self.unsettled.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn view(&self) -> Arc<View> {
        self.view.load_full()
    }

    /// What was counted.
    pub(crate) fn figures(&self) -> Figures {
        self.tally.figures(self.changing().residents.evictions())
    }

    /// How many chunks the cache holds.
    pub(crate) fn cached_chunks(&self) -> usize {
        self.changing().residents.len()
    }

    /// Takes over a commit: from now on readers see `view`, in which these chunks have changed.
    pub(crate) fn publish(&self, view: View, changes: &[(ChunkId, Arc<Chunk>)], moves: &[Move]) {
        let mut changing = self.changing();
        // ORDERING: as in a sequence lock. The fence puts the odd version before every change below; the even one is
        // released behind them. Pairs with `glance`.
        let version = self.version.load(Ordering::Relaxed);
        self.version.store(version.wrapping_add(1), Ordering::Relaxed);
        fence(Ordering::Release);
        // The view first: what is not in the cache is then read from the new one, and a chunk of the old one finds its
        // view outdated when it asks to be taken in.
        self.view.store(Arc::new(view));
        for (id, chunk) in changes {
            self.cache.replace(&mut changing.residents, *id, chunk);
            self.issued.set(*id, chunk.issued());
            changing.changed.insert(id.page());
        }
        self.lockers.change(moves);
        self.version.store(version.wrapping_add(2), Ordering::Release);
    }

    /// The pages changed since this was last called, and the state in which they are to be hashed.
    pub(crate) fn take_changed(&self) -> (Arc<View>, PageSet) {
        let mut changing = self.changing();
        (self.view(), std::mem::replace(&mut changing.changed, PageSet::new()))
    }

    /// Gives back pages that could not be hashed.
    pub(crate) fn give_back(&self, pages: &PageSet) {
        self.changing().changed.add(pages);
    }

    pub(crate) fn changed(&self) -> PageSet {
        self.changing().changed.clone()
    }

    /// `None` where a commit was taken over meanwhile.
    fn glance<T>(&self, look: impl FnOnce() -> T) -> Option<T> {
        // ORDERING: pairs with `publish`. The fence keeps the second look at the version behind all that `look` read.
        let version = self.version.load(Ordering::Acquire);
        if version % 2 == 1 {
            return None;
        }
        let found = look();
        fence(Ordering::Acquire);
        (self.version.load(Ordering::Relaxed) == version).then_some(found)
    }

    /// `None` where the disk has to be asked.
    fn cached(&self, coin: CoinId) -> Option<Option<Record>> {
        match self.peek(coin) {
            Peek::Issued(record) => Some(Some(record)),
            Peek::NotIssued => Some(None),
            Peek::NotCached => None,
        }
    }

    /// Reads a chunk of a view, and keeps it if it holds anything and that view is still the current one.
    fn load(&self, view: &Arc<View>, id: ChunkId) -> Result<Arc<Chunk>, StoreError> {
        self.tally.miss();
        if self.is_in_doubt(id) {
            return Err(StoreError::Broken);
        }
        let chunk = Arc::new(view.chunk(id)?);
        if *chunk == *self.nothing {
            return Ok(chunk);
        }
        let mut changing = self.changing();
        if Arc::ptr_eq(view, &self.view.load()) {
            self.cache.insert(&mut changing.residents, id, Arc::clone(&chunk));
        }
        Ok(chunk)
    }

    fn changing(&self) -> MutexGuard<'_, Changing> {
        // Nothing below this lock can panic half-way.
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use raida_wire::Month;

    use super::*;
    use crate::testing::Disk;
    use crate::{Options, Store};

    #[test]
    fn what_was_read_from_an_outdated_view_is_not_kept() {
        let store = Store::open_on(Disk::new().plug_in(), &Options::new([7; 32])).unwrap();
        let coin = CoinId::new(0, 0).unwrap();
        let [first, second] = [1, 2].map(|month| Record { an: [month; 16].into(), month: Month(month) });
        let commit = |record: &Record| {
            let mut batch = store.write().unwrap();
            batch.request(|changes| changes.set(coin, record)).unwrap();
            batch.commit().unwrap();
        };
        commit(&first);
        // A slow reader: it took its view before the second commit, and comes back with the chunk after it.
        let outdated = store.mirror.view();
        commit(&second);
        let (id, place) = ChunkId::of(coin);
        assert_eq!(store.mirror.load(&outdated, id).unwrap().get(place), Some(first));
        assert_eq!(store.read(coin).unwrap(), Some(second));
    }
}
