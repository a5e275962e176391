//! How many may do something at once, and whose they are.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Lets so many in at a time, one of each source, and nobody waits. Half of the places, but one at least, are for those who
/// may bear somebody else's address; none of these keeps out whose address it bears.
#[derive(Debug)]
pub(crate) struct Gate {
    inside: Mutex<Vec<Visitor>>,
    max: usize,
}

/// Who wants to be let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Visitor {
    /// Where it comes from (/24, /64); `None` where that does not count.
    pub(crate) source: Option<u64>,
    /// Nothing proves that it does.
    pub(crate) may_be_forged: bool,
}

/// Who holds one is inside; dropping it leaves.
#[derive(Debug)]
pub(crate) struct Pass<'g> {
    gate: &'g Gate,
    visitor: Visitor,
}

impl Gate {
    pub(crate) const fn new(max: usize) -> Self {
        Self { inside: Mutex::new(Vec::new()), max }
    }

    /// `None` where as many are inside as may be.
    pub(crate) fn enter(&self, visitor: Visitor) -> Option<Pass<'_>> {
        let mut inside = self.lock();
        let forged = inside.iter().filter(|other| other.may_be_forged).count();
        let is_full = inside.len() >= self.max || visitor.may_be_forged && forged >= (self.max / 2).max(1);
        let is_there = visitor.source.is_some() && inside.contains(&visitor);
        if is_full || is_there {
            return None;
        }
        inside.push(visitor);
        Some(Pass { gate: self, visitor })
    }

    /// How many are inside.
    pub(crate) fn inside(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Visitor>> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        let mut inside = self.gate.lock();
        if let Some(place) = inside.iter().position(|visitor| *visitor == self.visitor) {
            inside.swap_remove(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANYBODY: Visitor = Visitor { source: None, may_be_forged: false };

    const fn of(source: u64, may_be_forged: bool) -> Visitor {
        Visitor { source: Some(source), may_be_forged }
    }

    #[test]
    fn as_many_are_let_in_as_have_left() {
        let gate = Gate::new(2);
        let first = gate.enter(ANYBODY);
        let second = gate.enter(ANYBODY);
        assert!(first.is_some() && second.is_some() && gate.enter(ANYBODY).is_none());
        drop(first);
        let third = gate.enter(ANYBODY);
        assert!(third.is_some() && gate.enter(ANYBODY).is_none());
        assert!(Gate::new(0).enter(ANYBODY).is_none());
    }

    #[test]
    fn of_each_source_one_is_let_in_and_nobody_keeps_it_out_in_its_name() {
        let gate = Gate::new(8);
        let forged = gate.enter(of(1, true));
        assert!(forged.is_some() && gate.enter(of(1, true)).is_none());
        let first = gate.enter(of(1, false));
        assert!(first.is_some() && gate.enter(of(1, false)).is_none());
        drop(first);
        assert!(gate.enter(of(1, false)).is_some() && gate.inside() == 1);
    }

    #[test]
    fn who_may_be_forged_has_half_of_the_places_and_leaves_one_unless_there_is_only_one() {
        for (max, expected) in [(0, 0), (1, 1), (2, 1), (3, 1), (4, 2), (64, 32)] {
            let gate = Gate::new(max);
            let forged: Vec<_> = (0..100).filter_map(|source| gate.enter(of(source, true))).collect();
            let proven: Vec<_> = (100..200).filter_map(|source| gate.enter(of(source, false))).collect();
            assert_eq!((forged.len(), proven.len()), (expected, max - expected), "of {max}");
        }
    }
}
