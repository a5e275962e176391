//! What an integrity cycle found and did.

use raida_store::PageId;
use raida_wire::Denomination;

use crate::ballot::Tally;

/// What an integrity cycle found and did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// What the peers voted in stage 1.
    pub votes: Tally,
    /// How many peers gave their roots in stage 2.
    pub ballots: usize,
    /// What follows from it.
    pub outcome: Outcome,
}

/// What follows from the votes and ballots of a cycle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The majority, this node included, has the same roots.
    Agreed,
    /// Too few answered for a majority, and nobody has other roots.
    Unheard,
    /// Some have other roots, and too few of them gave theirs.
    FewBallots,
    /// Some have other roots, and no thirteen of them the same. Nobody is believed.
    Divided {
        /// How many have the most frequent ones.
        most: usize,
    },
    /// At least thirteen peers have the same roots, and this node has not.
    Outvoted {
        /// Where the roots differ.
        denominations: Vec<Denomination>,
        /// What was done about it. `None` among the nodes of the network, where nothing can be done.
        healed: Option<Healed>,
    },
}

/// What was done about pages that mirrors have otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Healed {
    /// Pages that differ and were not replaced.
    pub differing: Vec<PageId>,
    /// Pages that were replaced.
    pub replaced: Vec<PageId>,
    /// How many coins changed in them.
    pub coins: usize,
    /// Why it ended.
    pub end: End,
}

/// Why healing ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Every difference was looked at.
    Complete,
    /// So many pages were found as one cycle may look at. The next one goes on.
    PagesMax,
    /// Its time was over. The next cycle goes on.
    TimeOver,
    /// No mirror is left that answers and does not lie.
    NoMirrorLeft,
    /// No key coin is issued here, so no page can be asked for.
    NoKey,
    /// The node is being stopped.
    Stopped,
}
