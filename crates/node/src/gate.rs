//! How many may do something at once.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Lets so many in at a time, and nobody waits.
#[derive(Debug)]
pub(crate) struct Gate {
    inside: AtomicUsize,
    max: usize,
}

/// Who holds one is inside; dropping it leaves.
#[derive(Debug)]
pub(crate) struct Pass<'g>(&'g Gate);

impl Gate {
    pub(crate) const fn new(max: usize) -> Self {
        Self { inside: AtomicUsize::new(0), max }
    }

    /// `None` where as many are inside as may be.
    pub(crate) fn enter(&self) -> Option<Pass<'_>> {
        // ORDERING: Relaxed: the number stands alone and publishes nothing.
        let enter = |inside| (inside < self.max).then_some(inside + 1);
        self.inside.fetch_update(Ordering::Relaxed, Ordering::Relaxed, enter).ok().map(|_| Pass(self))
    }

    /// How many are inside.
    pub(crate) fn inside(&self) -> usize {
        self.inside.load(Ordering::Relaxed)
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        self.0.inside.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_are_let_in_as_have_left() {
        let gate = Gate::new(2);
        let first = gate.enter();
        let second = gate.enter();
        assert!(first.is_some() && second.is_some() && gate.enter().is_none());
        drop(first);
        let third = gate.enter();
        assert!(third.is_some() && gate.enter().is_none());
        assert!(Gate::new(0).enter().is_none());
    }
}
