//! Things that are remembered for a while, within bounds.

use std::collections::{BTreeSet, HashMap, VecDeque};
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

/// Things that are remembered for a while, each of somebody's. Where there is no room for one more, the oldest goes of
/// whoever has the most octets: nobody loses his for the sake of one who has more.
pub(crate) struct Shelf<K, O, T> {
    bounds: Bounds,
    things: HashMap<K, Kept<O, T>>,
    /// Every thing by its number, oldest first, and some that are gone.
    order: VecDeque<(u64, K)>,
    owners: HashMap<O, Owned<K>>,
    /// Who has how many octets.
    sizes: BTreeSet<(usize, O)>,
    octets: usize,
    /// Of the next thing: what is put there anew is another one.
    number: u64,
    evicted: u64,
}

struct Kept<O, T> {
    thing: T,
    number: u64,
    owner: O,
    octets: usize,
    since: Instant,
}

struct Owned<K> {
    octets: usize,
    /// As above, and the first is not gone.
    order: VecDeque<(u64, K)>,
}

impl<K: Copy + Eq + Hash, O: Copy + Eq + Hash + Ord, T> Shelf<K, O, T> {
    /// Nothing yet.
    pub(crate) fn new(bounds: Bounds) -> Self {
        let (things, order, owners, sizes) = (HashMap::new(), VecDeque::new(), HashMap::new(), BTreeSet::new());
        Self { bounds, things, order, owners, sizes, octets: 0, number: 0, evicted: 0 }
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

    /// Keeps a thing of so many octets from now on, unless it is too large. What was there under its key is gone, and so is
    /// what makes room: these are handed to `gone`.
    pub(crate) fn put(&mut self, key: K, owner: O, thing: T, octets: usize, now: Instant, mut gone: impl FnMut(T)) {
        let Bounds { count, octets: octets_max, life } = self.bounds;
        if count == 0 || octets > octets_max {
            return;
        }
        if let Some(thing) = self.take(&key) {
            gone(thing);
        }
        while let Some((number, oldest)) = self.order.front().copied() {
            match self.things.get(&oldest).filter(|kept| kept.number == number) {
                Some(kept) if now < kept.since + life => break,
                Some(_) => self.take(&oldest).into_iter().for_each(&mut gone),
                None => {}
            }
            self.order.pop_front();
        }
        while (self.things.len() >= count || self.octets + octets > octets_max)
            && let Some(thing) = self.largest().and_then(|oldest| self.take(&oldest))
        {
            self.evicted += 1;
            gone(thing);
        }
        if self.order.len() > 2 * self.things.len() + 64 {
            let things = &self.things;
            self.order.retain(|(number, key)| things.get(key).is_some_and(|kept| kept.number == *number));
        }
        let number = self.number;
        self.number += 1;
        self.order.push_back((number, key));
        self.things.insert(key, Kept { thing, number, owner, octets, since: now });
        self.owners.entry(owner).or_insert_with(Owned::nothing).order.push_back((number, key));
        self.weigh(owner, |owned| owned + octets);
        self.octets += octets;
    }

    /// Takes away what is there under this key, also where its time is over.
    pub(crate) fn take(&mut self, key: &K) -> Option<T> {
        let Kept { thing, owner, octets, .. } = self.things.remove(key)?;
        self.octets -= octets;
        self.weigh(owner, |owned| owned - octets);
        let (things, owned) = (&self.things, self.owners.get_mut(&owner));
        let order = owned.map(|owned| &mut owned.order)?;
        while let Some((number, oldest)) = order.front()
            && things.get(oldest).is_none_or(|kept| kept.number != *number)
        {
            order.pop_front();
        }
        if order.is_empty()
            && let Some(owned) = self.owners.remove(&owner)
        {
            self.sizes.remove(&(owned.octets, owner));
        }
        Some(thing)
    }

    /// How many things are there, some of them perhaps beyond their time.
    pub(crate) fn len(&self) -> usize {
        self.things.len()
    }

    /// How many things have made room for others before their time was over.
    pub(crate) const fn evicted(&self) -> u64 {
        self.evicted
    }

    /// The oldest thing of whoever has the most octets.
    fn largest(&self) -> Option<K> {
        let (_, owner) = self.sizes.last()?;
        self.owners.get(owner)?.order.front().map(|(_, key)| *key)
    }

    fn weigh(&mut self, owner: O, change: impl FnOnce(usize) -> usize) {
        if let Some(owned) = self.owners.get_mut(&owner) {
            self.sizes.remove(&(owned.octets, owner));
            owned.octets = change(owned.octets);
            self.sizes.insert((owned.octets, owner));
        }
    }
}

impl<K> Owned<K> {
    const fn nothing() -> Self {
        Self { octets: 0, order: VecDeque::new() }
    }
}

impl<K, O, T> fmt::Debug for Shelf<K, O, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shelf")
            .field("bounds", &self.bounds)
            .field("things", &self.things.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BOUNDS: Bounds = Bounds { count: 100, octets: 1000, life: Duration::from_micros(10) };

    fn at(micros: u64) -> Instant {
        Instant::from_micros(micros)
    }

    /// Whatever has happened: its books are right, and within its bounds.
    fn check(shelf: &Shelf<u8, u8, u64>) {
        let Bounds { count, octets, .. } = shelf.bounds;
        assert_eq!(shelf.octets, shelf.things.values().map(|kept| kept.octets).sum::<usize>());
        assert!(shelf.things.len() <= count && shelf.octets <= octets);
        let live = |(number, key): &(u64, u8)| shelf.things.get(key).is_some_and(|kept| kept.number == *number);
        for (key, kept) in &shelf.things {
            assert!(shelf.order.contains(&(kept.number, *key)));
            assert!(shelf.owners[&kept.owner].order.contains(&(kept.number, *key)));
        }
        for (owner, owned) in &shelf.owners {
            let theirs = shelf.things.values().filter(|kept| kept.owner == *owner);
            assert_eq!(owned.octets, theirs.map(|kept| kept.octets).sum::<usize>());
            assert!(owned.order.front().is_some_and(live) && shelf.sizes.contains(&(owned.octets, *owner)));
        }
        assert_eq!(shelf.sizes.len(), shelf.owners.len());
        assert!(shelf.order.len() <= 2 * shelf.things.len() + 66);
    }

    proptest! {
        #[test]
        fn its_books_stay_right(acts in prop::collection::vec((0..30_u8, 0..5_u8, 0..400_usize, 0..4_u64), 0..300)) {
            let mut shelf = Shelf::new(Bounds { count: 12, ..BOUNDS });
            let (mut now, mut put, mut gone) = (0, 0, 0);
            for (key, owner, octets, later) in acts {
                now += later;
                if octets > 350 {
                    gone += usize::from(shelf.take(&key).is_some());
                } else {
                    shelf.put(key, owner, now, octets, at(now), |_| gone += 1);
                    prop_assert_eq!(shelf.get(&key, at(now)), Some(&now));
                    put += 1;
                }
                check(&shelf);
                prop_assert_eq!(shelf.len(), put - gone);
            }
        }
    }

    #[test]
    fn a_thing_is_there_for_its_time() {
        let mut shelf = Shelf::new(BOUNDS);
        shelf.put(1, (), 'a', 1, at(0), drop);
        *shelf.get_mut(&1, at(9)).unwrap() = 'b';
        assert_eq!((shelf.get(&1, at(9)), shelf.get(&1, at(10)), shelf.get(&2, at(0))), (Some(&'b'), None, None));
        assert_eq!(shelf.get_mut(&1, at(10)), None);
    }

    #[test]
    fn the_oldest_makes_room_and_nothing_piles_up() {
        let mut shelf = Shelf::new(Bounds { life: Duration::from_secs(1), ..BOUNDS });
        for number in 0..5000 {
            shelf.put(number, (), (), 1, at(number), drop);
        }
        let kept = (0..5000).filter(|number| shelf.get(number, at(5000)).is_some());
        assert_eq!(kept.collect::<Vec<_>>(), (4900..5000).collect::<Vec<_>>());
        assert_eq!((shelf.len(), shelf.evicted(), shelf.octets), (100, 4900, 100));
        let mut gone = 0;
        shelf.put(4900, (), (), 1, at(2_000_000), |()| gone += 1);
        assert_eq!((gone, shelf.evicted()), (100, 4900), "whose time is over makes no room");
        assert_eq!((shelf.order.len(), shelf.things.len(), shelf.octets), (1, 1, 1));
    }

    #[test]
    fn who_has_most_makes_room_for_the_others_and_for_himself() {
        let mut shelf = Shelf::new(BOUNDS);
        (0..10).for_each(|number| shelf.put(number, "few", (), 5, at(0), drop));
        (1000..6000).for_each(|number| shelf.put(number, "many", (), 5, at(1), drop));
        assert!((0..10).all(|number| shelf.get(&number, at(2)).is_some()));
        assert!(shelf.get(&5909, at(2)).is_none() && shelf.get(&5910, at(2)).is_some());
        shelf.put(10, "few", (), 600, at(2), drop);
        assert!(
            shelf.get(&5929, at(2)).is_none() && shelf.get(&5930, at(2)).is_some() && shelf.get(&0, at(2)).is_some()
        );
        shelf.put(11, "few", (), 5, at(2), drop);
        assert!(shelf.get(&5930, at(2)).is_some() && shelf.get(&0, at(2)).is_none(), "by octets, few has most now");
    }

    #[test]
    fn large_things_leave_room_for_fewer_and_the_largest_is_not_kept() {
        let mut shelf = Shelf::new(BOUNDS);
        (0..10).for_each(|number| shelf.put(number, (), (), 300, at(0), drop));
        assert!(shelf.get(&9, at(1)).is_some() && shelf.get(&6, at(1)).is_none());
        shelf.put(10, (), (), 1001, at(0), drop);
        assert!(shelf.get(&10, at(0)).is_none() && shelf.get(&9, at(0)).is_some());
    }

    #[test]
    fn what_is_put_there_anew_does_not_go_with_its_old_place() {
        let mut shelf = Shelf::new(BOUNDS);
        shelf.put(0, (), 'a', 1, at(0), drop);
        shelf.put(1, (), 'b', 1, at(1), drop);
        shelf.put(0, (), 'c', 1, at(2), drop);
        (2..101).for_each(|number| shelf.put(number, (), 'd', 1, at(3), drop));
        assert_eq!((shelf.get(&0, at(3)), shelf.get(&1, at(3)), shelf.evicted()), (Some(&'c'), None, 1));
    }
}
