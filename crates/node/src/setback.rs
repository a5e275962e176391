//! How a command ends.

use raida_store::StoreError;
use raida_wire::Status;
use tracing::{debug, error};

/// The status that a command ran into. What a changing command has changed stays where it is `Ok`, and only there.
pub(crate) type Outcome = Result<Status, Setback>;

/// Why a command did not do what it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Setback {
    /// The client is told this. Nothing has changed.
    Refused(Status),
    /// The client is told this, and what it asked for may have been done.
    InDoubt(Status),
    /// The I/O thread would have to wait for the disk: a worker has to do it.
    NotCached,
    /// A worker has seen that it would change coins: it is for the batch to do it.
    Proved,
}

impl Setback {
    /// A commit that failed: it is on disk wholly, or not at all.
    pub(crate) fn of_commit(error: StoreError) -> Self {
        tell(&error);
        Self::InDoubt(Status::FILESYSTEM)
    }
}

/// Whether an answer is the last word on a request, so that who asks again is to get it again: a result, even where sealing
/// it failed, or an error behind a change that may have been made. What was refused, or is told to use TCP, has changed
/// nothing and may run.
pub(crate) fn is_last_word(outcome: Outcome, status: Status) -> bool {
    match outcome {
        Ok(_) => status != Status::INVALID_UDP_FRAME_COUNT,
        Err(setback) => matches!(setback, Setback::InDoubt(_)),
    }
}

impl From<Status> for Setback {
    fn from(status: Status) -> Self {
        Self::Refused(status)
    }
}

impl From<StoreError> for Setback {
    fn from(error: StoreError) -> Self {
        tell(&error);
        Self::Refused(Status::FILESYSTEM)
    }
}

/// Tells the operator why, as the client is told only that. A failure is told once, not for every request that it hits:
/// until the store has recovered, it says no more than that it is broken.
pub(crate) fn tell(error: &StoreError) {
    match error {
        StoreError::Broken => debug!("the coins can not be read or changed: answered with 194"),
        StoreError::Database(_) | StoreError::Damaged(_) | _ => {
            error!(%error, "the coins can not be read or changed: answered with 194");
        }
    }
}
