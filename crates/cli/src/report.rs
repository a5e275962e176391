//! What the nodes answered, ready to be shown.

use std::time::Duration;

use raida_client::wire::Status;
use raida_client::wire::audit::Counts;
use raida_client::wire::stats::Stats;
use raida_client::{Answer, AskError, Target, Transport, Trouble};

/// All results of one inquiry, in the order of the nodes.
pub(crate) struct Report {
    pub(crate) command: &'static str,
    pub(crate) transport: Transport,
    pub(crate) rows: Vec<Row>,
}

/// One node's result.
pub(crate) struct Row {
    pub(crate) target: Target,
    pub(crate) result: Result<Answer<Value>, AskError>,
}

/// What a command gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Echo,
    Version([u8; 8]),
    Stats(Stats),
    Audit(Counts),
    Vote { is_match: bool },
}

impl Report {
    /// Whether every node answered well.
    pub(crate) fn is_good(&self) -> bool {
        self.errors().next().is_none()
    }

    pub(crate) fn errors(&self) -> impl Iterator<Item = &AskError> {
        self.rows.iter().filter_map(|row| row.result.as_ref().err())
    }
}

impl Row {
    /// The status that the node gave, if it gave one. A vote has none.
    pub(crate) fn status(&self) -> Option<Status> {
        match &self.result {
            Ok(answer) => match answer.value {
                Value::Echo | Value::Version(_) | Value::Stats(_) | Value::Audit(_) => Some(Status::SUCCESS),
                Value::Vote { .. } => None,
            },
            Err(error) => {
                if let Trouble::Refused(status) = error.trouble() {
                    Some(*status)
                } else {
                    None
                }
            }
        }
    }

    /// How long the answer took, if the node gave one that can be trusted, also a refusal.
    pub(crate) fn latency(&self) -> Option<Duration> {
        match &self.result {
            Ok(answer) => Some(answer.trip.latency),
            Err(error) => self.status().map(|_| error.waited()),
        }
    }
}
