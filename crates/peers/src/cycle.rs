//! One integrity cycle: votes, ballots, and what follows.

use std::error::Error;
use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::sync::{Arc, Weak};
use std::time::Duration;

use raida_client::{Deadline, Options, Target, Transport, vote};
use raida_store::{Forest, Store, StoreError};
use raida_wire::vote::ROOTS_LEN;
use raida_wire::{Command, Denomination, Recipient};
use tracing::debug;

use crate::ballot::{Agreement, BALLOTS_MIN, Ballot, Tally, Vote, agreement};
use crate::circle::{Circle, Kind};
use crate::exchange::{self, Question};
use crate::failure::Failure;
use crate::fan_out::fan_out;
use crate::heal::{Bounds, Search};
use crate::patience::Patience;
use crate::report::{Outcome, Report};

/// One integrity cycle, to be run as often as wished.
///
/// Source: protocol §6.3, §6.4
#[derive(Clone, Debug)]
pub struct Cycle {
    /// Whom to ask.
    pub circle: Circle,
    /// How long stage 1 waits for votes: 2 seconds, says the protocol.
    pub vote_wait: Duration,
    /// How long one peer is waited for in all that comes after.
    pub patience: Patience,
    /// How many differing pages one cycle looks at.
    pub pages_max: NonZeroUsize,
    /// How long one cycle may look for differing pages and replace them.
    pub healing_max: Duration,
}

impl Cycle {
    /// The usual bounds: votes 2 s, 100 pages, 10 minutes.
    #[must_use]
    pub fn new(circle: Circle) -> Self {
        Self {
            circle,
            vote_wait: Duration::from_secs(2),
            patience: Patience::default(),
            pages_max: NonZeroUsize::MIN.saturating_add(99),
            healing_max: Duration::from_secs(600),
        }
    }

    /// Runs it on the coins of a store, which is held only for the moments in which it is read or changed. Between two
    /// steps it asks `is_over` whether the node is being stopped.
    ///
    /// Takes [`vote_wait`](Self::vote_wait), plus one [`Patience::total`] for ballots, plus
    /// [`healing_max`](Self::healing_max) at most, and the time of the store.
    ///
    /// # Errors
    ///
    /// The trees could not be brought up to date, or the node is being stopped.
    pub fn run(&self, store: &Weak<Store>, is_over: &dyn Fn() -> bool) -> Result<Report, CycleError> {
        let own = {
            let store = store.upgrade().ok_or(CycleError::Stopped)?;
            store.refresh_trees().map_err(CycleError::Store)?;
            store.forest()
        };
        let votes = self.votes(own.roots());
        let tally = Tally::of(self.circle.len(), votes.iter().map(|(_, vote)| *vote));
        let report = |ballots, outcome| Ok(Report { votes: tally, ballots, outcome });
        if tally.is_agreed() {
            return report(0, Outcome::Agreed);
        }
        if tally.mismatches == 0 {
            return report(0, Outcome::Unheard);
        }
        if is_over() {
            return Err(CycleError::Stopped);
        }
        let others = votes.into_iter().filter(|(_, vote)| !vote.is_match);
        let ballots = self.ballots(others.collect(), own.roots());
        let count = ballots.len();
        if count < BALLOTS_MIN {
            return report(count, Outcome::FewBallots);
        }
        match agreement(ballots) {
            Agreement::None { most } => report(count, Outcome::Divided { most }),
            Agreement::Roots { roots, holders } => report(count, self.outvoted(store, own, &roots, holders, is_over)),
        }
    }

    /// What to do where thirteen agree on these roots.
    fn outvoted(
        &self,
        store: &Weak<Store>,
        own: Arc<Forest>,
        roots: &[u8; ROOTS_LEN],
        holders: Vec<SocketAddr>,
        is_over: &dyn Fn() -> bool,
    ) -> Outcome {
        let denominations = differing(own.roots(), roots);
        if denominations.is_empty() {
            return Outcome::Agreed;
        }
        let healed = match (&self.circle.kind, self.circle.peers.first()) {
            (Kind::Mirrors { healing }, Some(peer)) => {
                let bounds = Bounds { pages_max: self.pages_max, total: self.healing_max, patience: self.patience };
                let search = Search::new(store, own, roots, holders, recipient(peer), bounds);
                Some(search.run(healing.as_ref(), is_over))
            }
            (Kind::Network | Kind::Mirrors { .. }, _) => None,
        };
        Outcome::Outvoted { denominations, healed }
    }

    /// Stage 1: who has the same roots, by UDP.
    fn votes(&self, own: &[u8; ROOTS_LEN]) -> Vec<(Target, Vote)> {
        let (own, options) = (*own, Options { transport: Transport::Udp, timeout: self.vote_wait, retries: 0 });
        let ask = move |peer: Target| {
            let answer = vote(&peer, &own, &options);
            (peer, answer)
        };
        let mut votes = Vec::new();
        // The asking threads keep to the time themselves: a little more lets the slowest be heard.
        let deadline = Deadline::after(self.vote_wait.saturating_add(GRACE));
        let _ = fan_out(self.circle.peers.clone(), deadline, ask, |(peer, answer)| {
            match answer {
                Ok(answer) => votes.push((peer, Vote { peer: answer.trip.peer, is_match: answer.value })),
                Err(error) => debug!(peer = %error.address(), reason = %error.trouble(), "no vote"),
            }
            ControlFlow::Continue(())
        });
        votes
    }

    /// Stage 2: the roots of those who have others, by TCP, from where they voted.
    fn ballots(&self, others: Vec<(Target, Vote)>, own: &[u8; ROOTS_LEN]) -> Vec<Ballot> {
        let (own, patience) = (*own, self.patience);
        let ask = move |(peer, vote): (Target, Vote)| {
            let ballot = ballot(&peer, vote, &own, patience);
            (peer, ballot)
        };
        let mut ballots = Vec::new();
        let deadline = Deadline::after(patience.total().saturating_add(GRACE));
        let _ = fan_out(others, deadline, ask, |(peer, ballot)| {
            match ballot {
                Ok(ballot) => ballots.push(ballot),
                Err(reason) => debug!(peer = %peer.address, %reason, "no ballot"),
            }
            ControlFlow::Continue(())
        });
        ballots
    }
}

/// How much later than its own bound an answer may be handed over.
const GRACE: Duration = Duration::from_millis(200);

fn ballot(peer: &Target, vote: Vote, own: &[u8; ROOTS_LEN], patience: Patience) -> Result<Ballot, Failure> {
    let (command, answer_max) = (Command::GET_ALL_ROOTS, ROOTS_LEN);
    let question = Question { recipient: recipient(peer), command, payload: own, key: None, answer_max };
    let answer = exchange::ask(&[vote.peer], &question, patience)?;
    let roots = answer.payload.as_slice().try_into().map_err(|_| Failure::Length(answer.payload.len()))?;
    Ok(Ballot { peer: answer.peer, roots: Box::new(roots) })
}

fn recipient(peer: &Target) -> Recipient {
    Recipient { raida_id: peer.raida_id, coin_id: peer.coin_id, shard: 0 }
}

fn differing(own: &[u8; ROOTS_LEN], theirs: &[u8; ROOTS_LEN]) -> Vec<Denomination> {
    let roots = own.as_chunks::<32>().0.iter().zip(theirs.as_chunks::<32>().0);
    Denomination::all()
        .zip(roots)
        .filter(|(_, (own, theirs))| own != theirs)
        .map(|(denomination, _)| denomination)
        .collect()
}

/// Why a cycle gives no report.
#[derive(Debug)]
pub enum CycleError {
    /// The trees could not be brought up to date.
    Store(StoreError),
    /// The node is being stopped.
    Stopped,
}

impl fmt::Display for CycleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(error) => write!(f, "trees not up to date: {error}"),
            Self::Stopped => f.write_str("node is being stopped"),
        }
    }
}

impl Error for CycleError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Store(error) => error.source(),
            Self::Stopped => None,
        }
    }
}
