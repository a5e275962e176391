//! What an honest client sees of the world while it acts, and what excuses the node.

use std::time::Duration;

use raida_reactor::Instant;

use crate::dice::Dice;
use crate::sim::Sim;

/// What surrounds a client's act.
pub(crate) struct Scene<'s> {
    pub(crate) sim: &'s mut Sim,
    pub(crate) dice: &'s mut Dice,
    pub(crate) now: Instant,
    pub(crate) troubles: &'s Troubles,
    /// No request is anywhere inside the node.
    pub(crate) is_calm: bool,
    /// Datagrams may get lost.
    pub(crate) is_lossy: bool,
    /// The node may run out of memory for requests.
    pub(crate) is_short: bool,
    /// What has come is received long before anybody could lose patience.
    pub(crate) is_prompt: bool,
    pub(crate) requests_max: u32,
}

/// When the node last had an excuse.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Troubles {
    /// For not answering whoever asked until then.
    pub(crate) until: Instant,
    /// For ending a connection over which octets of a request had come. Descriptors and places may be missing, workers may
    /// stand still: that is no reason to leave somebody without an answer whose request has begun.
    pub(crate) cut_at: Instant,
    /// For having forgotten which datagrams it has seen.
    pub(crate) forgot_at: Instant,
    /// The time went on without the node.
    pub(crate) jumped_at: Instant,
    /// It is stopping in order, and until then it finishes what it has begun.
    pub(crate) finishes_until: Option<Instant>,
}

impl Troubles {
    /// Something happened that excuses the node until `until`.
    pub(crate) fn fault(&mut self, until: Instant) {
        self.until = self.until.max(until);
    }

    /// All connections may have been lost by now.
    pub(crate) fn cut(&mut self, now: Instant) {
        self.cut_at = now;
        self.fault(now + AFTERMATH);
    }
}

/// How long after a trouble what it left is still felt.
pub(crate) const AFTERMATH: Duration = Duration::from_secs(40);
