//! Another configuration for a node that runs: all of it, or nothing.

use std::time::Duration;

use raida_config::limits::DescriptorPlan;
use raida_config::{Change, Config, ConfigError, Loaded};
use raida_monitor::Subject;
use raida_reactor::handle::Handle;
use tracing::{error, info, warn};

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

impl<R: FnMut() -> Result<Loaded, ConfigError>> Reload<'_, R> {
    /// Reads it, and works by what can change. A mistake in it changes nothing; the log says what is wrong.
    pub(crate) fn run(&mut self) {
        service_manager::reloading();
        match (self.read)() {
            Ok(loaded) => self.adopt(&loaded),
            Err(error) => error!(%error, "configuration not reloaded, nothing has changed"),
        }
        service_manager::ready(&self.subject.status());
    }

    fn adopt(&mut self, loaded: &Loaded) {
        let newer = self.config.with_live(&loaded.config);
        // The only step that can fail comes first.
        if let Err(error) = self.log.adopt(&newer) {
            return error!(%error, "configuration not reloaded, nothing has changed");
        }
        let (changed, waiting): (Vec<_>, Vec<_>) =
            self.config.changes(&loaded.config).into_iter().partition(|change| change.is_live);
        let reactor = settings::reactor(&newer, self.plan);
        let taken: Vec<_> = self.handles.iter().map(|handle| handle.adopt(reactor.clone())).collect();
        if !taken.iter().all(|taken| taken.recv_timeout(PATIENCE).is_ok()) {
            error!("an I/O thread has not taken the new bounds over: ask for a reload again");
        }
        self.subject.set_limits(shown::limits(&newer, self.plan));
        self.config = newer;
        loaded.notices.iter().for_each(|notice| warn!("{notice}"));
        info!(changed = names(&changed), "configuration reloaded");
        if !waiting.is_empty() {
            warn!(keys = names(&waiting), "these changes wait for a restart");
        }
    }
}

fn names(changes: &[Change]) -> String {
    changes.iter().map(|change| change.key.as_str()).collect::<Vec<_>>().join(",")
}
