//! An eventfd that the model checker understands.
#![expect(clippy::unwrap_used, reason = "a test may panic, also in its shared parts")]

use loom::sync::{Condvar, Mutex};

/// Runs `model` under every interleaving with at most three preemptions: few bugs need more, and
/// the whole run stays well under a minute.
pub(crate) fn explore(model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}

#[derive(Default)]
pub(crate) struct Bell {
    pending: Mutex<bool>,
    rung: Condvar,
}

impl Bell {
    pub(crate) fn ring(&self) {
        *self.pending.lock().unwrap() = true;
        self.rung.notify_one();
    }

    /// Waits until it rings, or has rung since the last call.
    pub(crate) fn wait(&self) {
        let mut pending = self.pending.lock().unwrap();
        while !*pending {
            pending = self.rung.wait(pending).unwrap();
        }
        *pending = false;
    }
}
