//! How a command ends.

use raida_store::StoreError;
use raida_wire::Status;
use tracing::error;

/// The status that a command ran into. What a changing command has changed stays where it is `Ok`, and only there.
pub(crate) type Outcome = Result<Status, Setback>;

/// Why a command did not do what it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Setback {
    /// The client is told this.
    Refused(Status),
    /// The I/O thread would have to wait for the disk: a worker has to do it.
    NotCached,
}

impl From<Status> for Setback {
    fn from(status: Status) -> Self {
        Self::Refused(status)
    }
}

impl From<StoreError> for Setback {
    /// The operator is told why, the client only that.
    fn from(error: StoreError) -> Self {
        error!(%error, "the coins can not be read or changed: answered with 194");
        Self::Refused(Status::FILESYSTEM)
    }
}
