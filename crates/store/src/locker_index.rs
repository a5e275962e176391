//! The keys of all lockers in memory, so that an I/O thread can look one up, or refuse it, without asking the disk.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock, RwLockWriteGuard};

use raida_wire::AuthenticityNumber;

use crate::error::StoreError;
use crate::locker::{Key, Row};
use crate::view::View;

/// How many coins each locker holds, by its key. Or nothing, where there are more lockers than may be kept.
///
/// A locker takes some 50 bytes, whatever the number of its coins.
pub(crate) struct LockerIndex {
    lockers: RwLock<Option<BTreeMap<Key, u32>>>,
    max: usize,
}

/// A coin that came into a locker, or left it.
#[derive(Clone, Copy)]
pub(crate) enum Move {
    In(Key),
    Out(Key),
}

impl LockerIndex {
    /// Counts the lockers of this state.
    pub(crate) fn new(view: &View, max: usize) -> Result<Self, StoreError> {
        let index = Self { lockers: RwLock::default(), max };
        index.count(view)?;
        Ok(index)
    }

    /// Counts anew.
    pub(crate) fn count(&self, view: &View) -> Result<(), StoreError> {
        let mut lockers = Some(BTreeMap::new());
        for row in view.locker_rows()? {
            let [key @ .., _, _, _, _, _] = row?;
            self.come(&mut lockers, key);
            if lockers.is_none() {
                break;
            }
        }
        *self.changing() = lockers;
        Ok(())
    }

    /// Takes over what a commit has changed.
    pub(crate) fn change(&self, moves: &[Move]) {
        if moves.is_empty() {
            return;
        }
        let mut lockers = self.changing();
        for moved in moves {
            match moved {
                Move::In(key) => self.come(&mut lockers, *key),
                Move::Out(key) => leave(&mut lockers, key),
            }
        }
    }

    /// The keys that begin with `prefix`, ascending, so many at most; `None` where the disk has to be asked. Never waits.
    pub(crate) fn keys(&self, prefix: [u8; 5], max: usize) -> Option<Vec<AuthenticityNumber>> {
        let lockers = self.lockers.try_read().ok()?;
        let (mut from, mut to) = ([0; 16], [0xFF; 16]);
        for bound in [&mut from, &mut to] {
            bound.iter_mut().zip(prefix).for_each(|(octet, start)| *octet = start);
        }
        let found = lockers.as_ref()?.range(from..=to).take(max);
        Some(found.map(|(key, _)| AuthenticityNumber::new(*key)).collect())
    }

    fn come(&self, lockers: &mut Option<BTreeMap<Key, u32>>, key: Key) {
        if let Some(known) = lockers {
            *known.entry(key).or_default() += 1;
            if known.len() > self.max {
                // From now on the disk is asked, until the store is opened again.
                *lockers = None;
            }
        }
    }

    fn changing(&self) -> RwLockWriteGuard<'_, Option<BTreeMap<Key, u32>>> {
        self.lockers.write().unwrap_or_else(PoisonError::into_inner)
    }
}

fn leave(lockers: &mut Option<BTreeMap<Key, u32>>, key: &Key) {
    if let Some(lockers) = lockers
        && let Some(coins) = lockers.get_mut(key)
    {
        *coins -= 1;
        if *coins == 0 {
            lockers.remove(key);
        }
    }
}

impl Move {
    pub(crate) fn of(row: &Row, comes: bool) -> Self {
        let [key @ .., _, _, _, _, _] = *row;
        if comes { Self::In(key) } else { Self::Out(key) }
    }
}
