//! One node for all tests of a binary that do not mind each other.

use std::sync::{Arc, Mutex, Weak};

use crate::Node;

/// Started by the first test that asks, ended with the last one that holds it: nothing is left running, as a node in a
/// plain `static` would be.
#[derive(Debug)]
pub struct Shared {
    start: fn() -> Node,
    running: Mutex<Weak<Node>>,
}

impl Shared {
    /// Not started yet.
    #[must_use]
    pub const fn new(start: fn() -> Node) -> Self {
        Self { start, running: Mutex::new(Weak::new()) }
    }

    /// The running node, to be held for as long as the test needs it.
    #[must_use]
    pub fn hold(&self) -> Arc<Node> {
        let mut running = self.running.lock().unwrap();
        running.upgrade().unwrap_or_else(|| {
            let node = Arc::new((self.start)());
            *running = Arc::downgrade(&node);
            node
        })
    }
}
