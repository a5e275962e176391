//! How much of something may go on at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Lets so many in and no more.
#[derive(Debug)]
pub(crate) struct Gate {
    free: Arc<AtomicUsize>,
}

/// The right to be in, given back when dropped.
#[derive(Debug)]
pub(crate) struct Pass {
    free: Arc<AtomicUsize>,
}

impl Gate {
    pub(crate) fn new(most: usize) -> Self {
        Self { free: Arc::new(AtomicUsize::new(most)) }
    }

    /// `None` when it is full. Never waits.
    pub(crate) fn enter(&self) -> Option<Pass> {
        // ORDERING: the count alone is shared, nothing else hangs on it.
        let one_less = |free: usize| free.checked_sub(1);
        self.free.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).ok()?;
        Some(Pass { free: Arc::clone(&self.free) })
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.free.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_leaves_makes_room() {
        let gate = Gate::new(2);
        let (first, second) = (gate.enter(), gate.enter());
        assert!(first.is_some() && second.is_some() && gate.enter().is_none());
        drop(first);
        assert!(gate.enter().is_some(), "given back at once");
        let third = gate.enter();
        assert!(third.is_some() && gate.enter().is_none());
    }
}
