//! Things that are remembered for a while, within bounds.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::hash::Hash;
use std::time::Duration;

use raida_reactor::Instant;

/// What a [`Shelf`] holds at most.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// So many things.
    pub(crate) count: usize,
    /// Of so many octets altogether.
    pub(crate) octets: usize,
    /// Each for so long.
    pub(crate) life: Duration,
}

/// Things that are remembered for a while. The oldest makes room for the newest.
pub(crate) struct Shelf<K, T> {
    bounds: Bounds,
    things: HashMap<K, Kept<T>>,
    /// Oldest first. Has every key of `things`, and those of things that have been put there anew since.
    order: VecDeque<(Instant, K)>,
    octets: usize,
    evicted: u64,
}

struct Kept<T> {
    thing: T,
    octets: usize,
    since: Instant,
}

impl<K: Copy + Eq + Hash, T> Shelf<K, T> {
    /// Nothing yet.
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self { bounds, things: HashMap::new(), order: VecDeque::new(), octets: 0, evicted: 0 }
    }

    /// What is there under this key.
    pub(crate) fn get(&self, key: &K, now: Instant) -> Option<&T> {
        self.things.get(key).filter(|kept| now < kept.since + self.bounds.life).map(|kept| &kept.thing)
    }

    /// The same, to be changed. Its time goes on, and so do its octets.
    pub(crate) fn get_mut(&mut self, key: &K, now: Instant) -> Option<&mut T> {
        let life = self.bounds.life;
        self.things.get_mut(key).filter(|kept| now < kept.since + life).map(|kept| &mut kept.thing)
    }

    /// Keeps a thing of so many octets from now on, unless it is too large. What was there under its key is gone.
    pub(crate) fn put(&mut self, key: K, thing: T, octets: usize, now: Instant) {
        let Bounds { count, octets: octets_max, life } = self.bounds;
        if count == 0 || octets > octets_max {
            return;
        }
        while let Some((since, oldest)) = self.order.front().copied()
            && (self.order.len() >= count || self.octets + octets > octets_max || since + life <= now)
        {
            self.order.pop_front();
            // The same key may have been used anew since.
            if self.things.get(&oldest).is_some_and(|kept| kept.since == since) {
                self.evicted += u64::from(now < since + life);
                self.forget(&oldest);
            }
        }
        self.forget(&key);
        self.octets += octets;
        self.order.push_back((now, key));
        self.things.insert(key, Kept { thing, octets, since: now });
    }

    fn forget(&mut self, key: &K) {
        if let Some(kept) = self.things.remove(key) {
            self.octets -= kept.octets;
        }
    }

    /// How many things are there, some of them perhaps beyond their time.
    pub(crate) fn len(&self) -> usize {
        self.things.len()
    }

    /// How many things have made room for others before their time was over.
    pub(crate) const fn evicted(&self) -> u64 {
        self.evicted
    }
}

impl<K, T> fmt::Debug for Shelf<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shelf")
            .field("bounds", &self.bounds)
            .field("things", &self.things.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds { count: 100, octets: 1000, life: Duration::from_micros(10) };

    fn at(micros: u64) -> Instant {
        Instant::from_micros(micros)
    }

    #[test]
    fn a_thing_is_there_for_its_time() {
        let mut shelf = Shelf::new(BOUNDS);
        shelf.put(1, 'a', 1, at(0));
        *shelf.get_mut(&1, at(9)).unwrap() = 'b';
        assert_eq!((shelf.get(&1, at(9)), shelf.get(&1, at(10)), shelf.get(&2, at(0))), (Some(&'b'), None, None));
        assert_eq!(shelf.get_mut(&1, at(10)), None);
    }

    #[test]
    fn the_oldest_makes_room_and_nothing_piles_up() {
        let mut shelf = Shelf::new(Bounds { life: Duration::from_secs(1), ..BOUNDS });
        for number in 0..5000 {
            shelf.put(number, (), 1, at(number));
        }
        let kept = (0..5000).filter(|number| shelf.get(number, at(5000)).is_some());
        assert_eq!(kept.collect::<Vec<_>>(), (4900..5000).collect::<Vec<_>>());
        assert_eq!((shelf.len(), shelf.evicted(), shelf.octets), (100, 4900, 100));
        shelf.put(4900, (), 1, at(2_000_000));
        assert_eq!(shelf.evicted(), 4900, "whose time is over makes no room");
        assert_eq!((shelf.order.len(), shelf.things.len(), shelf.octets), (1, 1, 1));
    }

    #[test]
    fn large_things_leave_room_for_fewer_and_the_largest_is_not_kept() {
        let mut shelf = Shelf::new(BOUNDS);
        for number in 0..10 {
            shelf.put(number, (), 300, at(0));
            let held: usize = shelf.things.values().map(|kept| kept.octets).sum();
            assert!(held == shelf.octets && held <= BOUNDS.octets);
        }
        assert!(shelf.get(&9, at(1)).is_some() && shelf.get(&6, at(1)).is_none());
        shelf.put(10, (), 1001, at(0));
        assert!(shelf.get(&10, at(0)).is_none() && shelf.get(&9, at(0)).is_some());
    }

    #[test]
    fn what_is_put_there_anew_does_not_go_with_its_old_place() {
        let mut shelf = Shelf::new(BOUNDS);
        shelf.put(0, 'a', 1, at(0));
        shelf.put(0, 'b', 1, at(1));
        (1..99).for_each(|number| shelf.put(number, 'c', 1, at(2)));
        shelf.put(99, 'd', 1, at(3));
        assert_eq!((shelf.get(&0, at(3)), shelf.evicted()), (Some(&'b'), 0));
    }
}
