//! A whole node under a thousand clients and every fault, on one thread and from one seed.
//!
//! [`World::run`] lets the real reactor, the real machine and the real commands of a node serve simulated clients over a
//! simulated network, with coins on a disk in memory, while the [`Plan`] of its seed lets everything go wrong that can go
//! wrong. What a node promises is checked all the time; the first promise that it breaks ends the run with a
//! [`Violation`].
//!
//! ```
//! use std::time::Duration;
//! use raida_sim::world::{Plan, World};
//!
//! let plan = Plan::of(7).with_clients(5).with_span(Duration::from_secs(60));
//! let report = World::new(plan)?.run()?;
//! assert!(report.answers > 0);
//! # Ok::<(), raida_sim::world::Violation>(())
//! ```

mod actor;
mod convoy;
mod errand;
mod fate;
mod hostile;
mod life;
mod money;
mod plan;
mod scene;
mod watch;
#[expect(clippy::module_inception, reason = "the world is the one noun here")]
mod world;

use std::fmt;

pub use plan::Plan;
pub use world::World;

/// What came of a run in which every promise was kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The same for two runs of one plan, and very nearly only then.
    pub hash: u64,
    /// Connections that the node accepted.
    pub connections: u64,
    /// Answers that honest clients have read and found right.
    pub answers: u64,
    /// Changes of coins that were acknowledged.
    pub changes: u64,
    /// Changes without a clear answer, of which was found later whether they were made.
    pub settled: u64,
    /// Times the node lost power or was killed.
    pub crashes: u64,
    /// Times the node was stopped in order.
    pub stops: u64,
    /// Times the disk broke and worked again under a running node.
    pub mends: u64,
    /// Times the node stood still while the world went on.
    pub jumps: u64,
}

/// A promise that the node broke.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation(pub String);

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Violation {}

/// Fails a run.
pub(crate) fn violated<T>(what: impl Into<String>) -> Result<T, Violation> {
    Err(Violation(what.into()))
}
