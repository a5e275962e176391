//! Another configuration for a node that runs: all of it, or nothing.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use raida_config::limits::{self, DescriptorPlan};
use raida_config::{Change, Config, Loaded};
use raida_monitor::Subject;
use raida_reactor::handle::Handle;
use tracing::{error, info, warn};

use crate::budget::Budget;
use crate::logs::Log;
use crate::{service_manager, settings, shown};

/// How long an I/O thread may take to work by new bounds, before the log says so.
const PATIENCE: Duration = Duration::from_secs(1);

/// What a newer configuration goes to.
pub(crate) struct Reload<'r, R> {
    /// What the node runs by.
    pub(crate) config: Config,
    pub(crate) plan: &'r DescriptorPlan,
    pub(crate) handles: &'r [Handle],
    pub(crate) log: &'r Log,
    pub(crate) subject: &'r Subject,
    /// Reads the configuration again.
    pub(crate) read: R,
}

impl<E: fmt::Display, R: FnMut() -> Result<Loaded, E>> Reload<'_, R> {
    /// Reads it, and works by what can change. A mistake in it changes nothing; the log says what is wrong.
    pub(crate) fn run(&mut self) {
        service_manager::reloading();
        match (self.read)() {
            Ok(loaded) => self.adopt(&loaded).unwrap_or_else(|error| refuse(&*error)),
            Err(error) => refuse(&error),
        }
        service_manager::ready(&self.subject.status());
    }

    fn adopt(&mut self, loaded: &Loaded) -> Result<(), Box<dyn Error>> {
        let newer = self.config.with_live(&loaded.config);
        // What can fail comes first.
        let budget = self.fits(&newer, &loaded.config)?;
        self.log.adopt(&newer)?;
        let (changed, waiting): (Vec<_>, Vec<_>) =
            self.config.changes(&loaded.config).into_iter().partition(|change| change.is_live);
        let reactor = settings::reactor(&newer, self.plan);
        let taken: Vec<_> = self.handles.iter().map(|handle| handle.adopt(reactor.clone())).collect();
        if !taken.iter().all(|taken| taken.recv_timeout(PATIENCE).is_ok()) {
            error!("an I/O thread has not taken the new bounds over: ask for a reload again");
        }
        self.subject.set_limits(shown::limits(&newer, self.plan));
        if budget != Budget::of(&self.config, self.plan) {
            info!("{budget}");
        }
        self.config = newer;
        loaded.notices.iter().for_each(|notice| warn!("{notice}"));
        info!(changed = names(&changed), "configuration reloaded");
        if !waiting.is_empty() {
            warn!(keys = names(&waiting), "these changes wait for a restart");
        }
        Ok(())
    }

    /// Whether the node could start with all of it, and go on with what can change now: its places for connections are
    /// laid out, so that they can not be fewer.
    fn fits(&self, newer: &Config, whole: &Config) -> Result<Budget, Box<dyn Error>> {
        Budget::fit(whole, limits::derive(self.plan.descriptors, whole)?)?;
        let (budget, maximum) = (Budget::of(newer, self.plan), newer.limits.memory_max as u64);
        let (sum, connections) = (budget.sum(), self.plan.connections_max);
        if maximum > 0 && sum > maximum { Err(OverBudget { sum, connections, maximum }.into()) } else { Ok(budget) }
    }
}

fn refuse(error: &(impl fmt::Display + ?Sized)) {
    error!(%error, "configuration not reloaded, nothing has changed");
}

/// More memory than the node may come to take.
#[derive(Clone, Copy, Debug)]
struct OverBudget {
    sum: u64,
    connections: u32,
    maximum: u64,
}

impl fmt::Display for OverBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sum, connections, maximum } = self;
        write!(
            f,
            "limits.memory_bytes_max is {maximum}, and with the {connections} connections that this node has places for the \
             new values come to {sum}: a restart would lower the connections"
        )
    }
}

impl Error for OverBudget {}

fn names(changes: &[Change]) -> String {
    changes.iter().map(|change| change.key.as_str()).collect::<Vec<_>>().join(",")
}
