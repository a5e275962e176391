//! How many descriptors the process may have.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::warn;

/// Raises the soft `RLIMIT_NOFILE` to the hard one, where the system lets us, and returns it. `u64::MAX`: no limit.
#[must_use]
pub fn raise() -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    let raised = raised.inspect_err(|error| warn!(%error, "RLIMIT_NOFILE cannot be raised"));
    raised.map_or(current, |()| maximum).unwrap_or(u64::MAX)
}
