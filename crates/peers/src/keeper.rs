//! The thread that runs the integrity cycle from time to time.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use raida_store::Store;
use tracing::{error, info, warn};

use crate::cycle::{Cycle, CycleError};
use crate::report::{Healed, Outcome, Report};
use crate::ticker::Ticker;

/// A thread that runs a cycle once per interval and logs what it finds, until it is dropped.
///
/// It keeps no store open: when the last other holder of the store lets go of it, the thread ends. Dropping waits for the
/// step in progress, but not longer than a second.
#[derive(Debug)]
pub struct Keeper {
    _thread: Ticker,
}

impl Keeper {
    /// Starts it. The first cycle comes after one interval. Every report is logged, then goes to `tell`.
    ///
    /// # Errors
    ///
    /// When the system gives no thread.
    pub fn start(
        store: &Arc<Store>,
        cycle: Cycle,
        interval: Duration,
        mut tell: impl FnMut(Report) + Send + 'static,
    ) -> io::Result<Self> {
        let store = Arc::downgrade(store);
        let thread = Ticker::start("raida-integrity", interval, interval, move |stop| {
            match cycle.run(&store, &|| stop.is_told()) {
                Ok(report) => {
                    log(&report);
                    tell(report);
                }
                Err(CycleError::Stopped) => return false,
                Err(error @ CycleError::Store(_)) => error!(%error, "integrity cycle failed"),
            }
            true
        })?;
        Ok(Self { _thread: thread })
    }
}

/// One line per report.
fn log(report: &Report) {
    let Report { votes, ballots, outcome } = report;
    let (matches, mismatches, silent) = (votes.matches, votes.mismatches, votes.silent);
    match outcome {
        Outcome::Agreed => info!(matches, mismatches, silent, "integrity: the majority agrees"),
        Outcome::Unheard => info!(matches, silent, "integrity: too few peers answered, none disagrees"),
        Outcome::FewBallots => {
            warn!(mismatches, silent, ballots, "integrity: peers disagree, too few give their roots")
        }
        Outcome::Divided { most } => {
            warn!(mismatches, ballots, most, "integrity: peers disagree, also among themselves")
        }
        Outcome::Outvoted { denominations, healed: None } => {
            warn!(mismatches, ballots, ?denominations, "integrity: peers agree on other roots");
        }
        Outcome::Outvoted { denominations, healed: Some(Healed { differing, replaced, coins, end }) } => {
            let (differing, replaced) = (differing.len(), replaced.len());
            warn!(ballots, ?denominations, replaced, coins, differing, ?end, "integrity: mirrors agree on other roots");
        }
    }
}
