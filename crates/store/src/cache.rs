//! The chunks kept in memory, so many at most.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwapOption;

use crate::chunk::{Chunk, ChunkId};
use crate::page_id::PageId;

/// One slot per chunk, most of them vacant. A look into a slot takes no lock.
pub(crate) struct Cache {
    /// By page: the slots of its chunks, once one of them was ever taken.
    pages: Box<[OnceLock<Slots>]>,
}

type Slots = Box<[Slot; ChunkId::PER_PAGE]>;

#[derive(Default)]
struct Slot {
    chunk: ArcSwapOption<Chunk>,
    /// Looked at since the hand passed last.
    used: AtomicBool,
}

/// Which slots are taken. Whoever has it may change the cache.
#[derive(Debug)]
pub(crate) struct Residents {
    ring: Vec<ChunkId>,
    hand: usize,
    capacity: usize,
    evictions: u64,
}

impl Residents {
    pub(crate) const fn new(capacity: usize) -> Self {
        Self { ring: Vec::new(), hand: 0, capacity, evictions: 0 }
    }

    /// How many chunks were let go to make room.
    pub(crate) const fn evictions(&self) -> u64 {
        self.evictions
    }

    pub(crate) const fn len(&self) -> usize {
        self.ring.len()
    }
}

impl Cache {
    pub(crate) fn new() -> Self {
        Self { pages: (0..PageId::COUNT).map(|_| OnceLock::new()).collect() }
    }

    fn slot(&self, id: ChunkId) -> Option<&Slot> {
        self.pages.get(id.page().index())?.get()?.get(id.part())
    }

    /// Looks at a chunk where it lies; `None` where it is not here.
    pub(crate) fn look<T>(&self, id: ChunkId, at: impl FnOnce(&Chunk) -> T) -> Option<T> {
        let slot = self.slot(id)?;
        let chunk = slot.chunk.load();
        let found = at(chunk.as_deref()?);
        slot.touch();
        Some(found)
    }

    /// A share of a chunk; `None` where it is not here.
    pub(crate) fn get(&self, id: ChunkId) -> Option<Arc<Chunk>> {
        let slot = self.slot(id)?;
        let chunk = slot.chunk.load_full()?;
        slot.touch();
        Some(chunk)
    }

    /// Takes a chunk in, and lets another go where there is no room.
    pub(crate) fn insert(&self, residents: &mut Residents, id: ChunkId, chunk: Arc<Chunk>) {
        let slots = self.pages.get(id.page().index()).map(|page| page.get_or_init(Slots::default));
        let Some(slot) = slots.and_then(|slots| slots.get(id.part())) else { return };
        if slot.chunk.swap(Some(chunk)).is_some() {
            return;
        }
        if residents.ring.len() < residents.capacity {
            residents.ring.push(id);
            return;
        }
        // Second chance: what was looked at since the hand's last turn stays for one more.
        while let Some(place) = residents.ring.get_mut(residents.hand) {
            residents.hand = (residents.hand + 1) % residents.capacity;
            if self.let_go(*place) {
                *place = id;
                residents.evictions += 1;
                return;
            }
        }
    }

    /// Puts the new state of a chunk in place of the old, where that is here.
    pub(crate) fn replace(&self, _: &mut Residents, id: ChunkId, chunk: &Arc<Chunk>) {
        if let Some(slot) = self.slot(id)
            && slot.chunk.load().is_some()
        {
            slot.chunk.store(Some(Arc::clone(chunk)));
        }
    }

    /// Empties a slot unless it was used.
    fn let_go(&self, id: ChunkId) -> bool {
        let Some(slot) = self.slot(id) else { return true };
        if slot.used.swap(false, Ordering::Relaxed) {
            return false;
        }
        slot.chunk.store(None);
        true
    }
}

impl Slot {
    /// Reads first: a line that all threads only read stays in every core's cache.
    fn touch(&self) {
        if !self.used.load(Ordering::Relaxed) {
            self.used.store(true, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(key: u32) -> ChunkId {
        ChunkId::read(key).unwrap()
    }

    fn resident(cache: &Cache) -> Vec<u32> {
        (0..100).filter(|key| cache.get(id(*key)).is_some()).collect()
    }

    #[test]
    fn never_more_than_the_bound_is_kept() {
        let (cache, mut residents) = (Cache::new(), Residents::new(3));
        for key in 0..100 {
            cache.insert(&mut residents, id(key), Arc::new(Chunk::EMPTY));
            assert!(resident(&cache).len() <= 3 && residents.len() <= 3);
            assert!(cache.get(id(key)).is_some());
        }
    }

    #[test]
    fn what_is_looked_at_stays_longer() {
        let (cache, mut residents) = (Cache::new(), Residents::new(4));
        for key in 0..50 {
            cache.insert(&mut residents, id(key), Arc::new(Chunk::EMPTY));
            assert!(cache.look(id(0), |_| ()).is_some(), "let go at {key}");
        }
    }

    #[test]
    fn replacing_takes_nothing_in() {
        let (cache, mut residents) = (Cache::new(), Residents::new(4));
        cache.replace(&mut residents, id(1), &Arc::new(Chunk::EMPTY));
        assert!(cache.get(id(1)).is_none());
    }
}
