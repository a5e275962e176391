//! One look at a node.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use raida_client::wire::Status;
use raida_monitor::{Connections, Report, fetch};

/// What was seen, and when.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) at: Instant,
    pub(crate) report: Report,
    pub(crate) connections: Connections,
}

/// How long a look may take.
const PATIENCE: Duration = Duration::from_secs(5);

impl Sample {
    /// Looks now.
    pub(crate) fn take(monitor: SocketAddr, connections: usize) -> Result<Self> {
        let ask = |path: &str| {
            fetch(monitor, path, PATIENCE).with_context(|| {
                format!(
                    "{monitor}{path}: does the node run, and is this address in monitor.listen of its configuration?"
                )
            })
        };
        let report = serde_json::from_slice(&ask("/report")?).context("reading /report")?;
        let connections = serde_json::from_slice(&ask(&format!("/connections?max={connections}"))?);
        Ok(Self { at: Instant::now(), report, connections: connections.context("reading /connections")? })
    }

    /// One of the node's figures.
    pub(crate) fn figure(&self, name: &str) -> u64 {
        self.report.figures.get(name).copied().unwrap_or(0)
    }

    /// All refusals and all answers that are no result of their command.
    pub(crate) fn errors(&self) -> u64 {
        let is_error = |status: &u8| !Status(*status).is_result();
        let answers = self.report.answers.iter().filter(|(status, _)| is_error(status)).map(|(_, count)| count);
        self.report.refusals.values().chain(answers).sum()
    }
}
