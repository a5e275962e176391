//! What all scenarios are played on.

use std::path::PathBuf;
use std::time::Duration;

use raida_behaviour::Node;
use raida_behaviour::node::Builder;

/// The server, and how much there is of everything.
#[derive(Clone, Debug)]
pub(crate) struct Stage {
    pub(crate) server: PathBuf,
    pub(crate) backend: Option<String>,
    pub(crate) quick: bool,
}

impl Stage {
    /// A node on a port that the system picks, not started yet.
    pub(crate) fn node(&self) -> Builder {
        let builder = Node::of(self.server.clone());
        match &self.backend {
            Some(backend) => builder.flag("--backend", backend),
            None => builder,
        }
    }

    /// How long honest clients ask while nothing happens.
    pub(crate) fn quiet(&self) -> Duration {
        Duration::from_millis(if self.quick { 1000 } else { 3000 })
    }

    /// How long an attack lasts.
    pub(crate) fn attack(&self) -> Duration {
        Duration::from_millis(if self.quick { 3000 } else { 10_000 })
    }

    /// So many, or a tenth of it.
    pub(crate) fn many(&self, count: usize) -> usize {
        if self.quick { count.div_ceil(10) } else { count }
    }
}
