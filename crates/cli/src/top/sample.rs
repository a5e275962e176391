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

    /// All answers to one command, given as `1/10`.
    pub(crate) fn answers_to(&self, command: &str) -> u64 {
        let figures = self.report.commands.iter().filter(|figures| figures.command == command);
        figures.flat_map(|figures| figures.answers.values()).sum()
    }

    /// Coins that commands have judged so: `pass` or `fail`.
    pub(crate) fn coins(&self, verdict: &str) -> u64 {
        self.report.commands.iter().filter_map(|figures| figures.coins.get(verdict)).sum()
    }

    /// One of the figures of what it keeps and has done behind its commands.
    pub(crate) fn service(&self, name: &str) -> u64 {
        self.report.service.get(name).copied().unwrap_or(0)
    }

    /// All refusals and all answers that are no result of their command.
    pub(crate) fn errors(&self) -> u64 {
        let is_error = |status: &u8| !Status(*status).is_result();
        let answers = self.report.answers.iter().filter(|(status, _)| is_error(status)).map(|(_, count)| count);
        self.report.refusals.values().chain(answers).sum()
    }
}
