//! Who runs where: server and client apart, so that neither waits for the other's processor.

use anyhow::Result;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Processors that somebody may use.
#[derive(Clone)]
pub(crate) struct Processors(CpuSet);

/// All there are, and their division among server and client.
pub(crate) struct Division {
    pub(crate) all: Processors,
    pub(crate) server: Processors,
    pub(crate) client: Processors,
}

impl Division {
    /// The first half for the server, the second for the client; both have all where there is one only.
    pub(crate) fn of_this_machine() -> Result<Self> {
        let allowed = sched_getaffinity(None)?;
        let usable: Vec<_> = (0..CpuSet::MAX_CPU).filter(|&cpu| allowed.is_set(cpu)).collect();
        let (server, client) = match usable.split_at(usable.len() / 2) {
            ([], all) => (all, all),
            halves => halves,
        };
        Ok(Self { all: Processors(allowed), server: Processors::from(server), client: Processors::from(client) })
    }
}

impl Processors {
    pub(crate) fn count(&self) -> usize {
        usize::try_from(self.0.count()).unwrap_or(1)
    }
}

impl From<&[usize]> for Processors {
    fn from(numbers: &[usize]) -> Self {
        let mut set = CpuSet::new();
        numbers.iter().for_each(|&number| set.set(number));
        Self(set)
    }
}

/// Does something on these processors; a process that is started by it stays there.
pub(crate) fn on<T>(processors: &Processors, act: impl FnOnce() -> T) -> Result<T> {
    let before = sched_getaffinity(None)?;
    sched_setaffinity(None, &processors.0)?;
    let done = act();
    sched_setaffinity(None, &before)?;
    Ok(done)
}
