//! How many descriptors there are, and how many connections that makes.

use raida_config::Config;
use raida_config::limits::{self, DescriptorPlan, TooFewDescriptors};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::{info, warn};

/// Raises the limit as far as it goes, derives the number of connections, and says so.
pub(crate) fn plan(config: &Config) -> Result<DescriptorPlan, TooFewDescriptors> {
    let plan = limits::derive(raised(), config)?;
    if plan.is_limited() {
        warn!("{plan}")
    } else {
        info!("{plan}")
    }
    Ok(plan)
}

/// The soft limit, as high as the hard one where the system lets us.
fn raised() -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    if let Err(error) = raised {
        warn!(%error, "RLIMIT_NOFILE cannot be raised");
    }
    raised.map_or(current, |()| maximum).unwrap_or(u64::MAX)
}
