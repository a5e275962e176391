//! Asking many nodes at once.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::thread;

use raida_wire::CoinId;

use crate::answer::Answer;
use crate::authentication::detect;
use crate::coin::Coin;
use crate::error::AskError;
use crate::healing::get_ticket;
use crate::layout::Layout;
use crate::locker::peek;
use crate::locker_key::locker_key;
use crate::options::Options;
use crate::quorum::{Tally, Vote};
use crate::target::Target;

/// The nodes of a network, and how to ask them about coins.
///
/// Lists are cut into as many requests as it takes; a node that does not answer one of them is not asked the next.
///
/// ```no_run
/// use raida_client::{Coin, Fleet, Options, Target};
///
/// let nodes = (50000..=50024).map(|port| format!("127.0.0.1:{port}").parse().map(Target::new)).collect::<Result<_, _>>()?;
/// let fleet = Fleet::new(nodes, Options::default());
/// let coins: Vec<Coin> = Vec::new();
/// let outcome = fleet.detect(&coins);
/// for (coin, tally) in coins.iter().zip(&outcome.tallies) {
///     println!("{}: {} ({tally})", coin.id, tally.standing());
/// }
/// # Ok::<(), raida_client::AddressError>(())
/// ```
#[derive(Clone)]
pub struct Fleet {
    /// The nodes, each at most once.
    pub nodes: Vec<Target>,
    /// How to ask them.
    pub options: Options,
    /// Who is told how it goes.
    progress: Option<Arc<Tell>>,
}

type Tell = dyn Fn(Progress) + Send + Sync;

/// How far a fleet has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// So many more words of nodes on coins are wanted.
    Planned(usize),
    /// So many of them have come, or will not come.
    Done(usize),
}

/// What the nodes said of each coin of a list.
#[derive(Debug, Default)]
pub struct Outcome {
    /// One for each coin, in their order.
    pub tallies: Vec<Tally>,
    /// What went wrong, at most once per node and step.
    pub errors: Vec<AskError>,
}

/// A ticket, and who gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redeemable {
    /// The node that gave it.
    pub raida_id: u8,
    /// Its number there.
    pub number: NonZeroU32,
    /// The coins that it stands for.
    pub coins: Vec<CoinId>,
}

/// What one node said of each coin of a list, as far as it was asked and answered.
pub(crate) struct Survey<T> {
    pub(crate) raida_id: u8,
    pub(crate) words: Vec<Option<T>>,
    pub(crate) error: Option<AskError>,
}

impl Fleet {
    /// The nodes, and how to ask them.
    #[must_use]
    pub const fn new(nodes: Vec<Target>, options: Options) -> Self {
        Self { nodes, options, progress: None }
    }

    /// Tells how it goes, from the threads that ask.
    #[must_use]
    pub fn telling(self, tell: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        Self { progress: Some(Arc::new(tell)), ..self }
    }

    /// Asks all nodes which coins are authentic. A node that none of a coin's numbers is known of counts as "fail": there
    /// is nothing to show to it.
    #[must_use]
    pub fn detect(&self, coins: &[Coin]) -> Outcome {
        let surveys = self.survey(coins, Layout::DETECT, |_, coin, node| coin.key_coin(node), detect);
        let mut outcome = self.outcome(coins, |coin, node| coin.at(node).number.is_some());
        for survey in surveys {
            outcome.enter(survey, |_, passed| Vote::from(passed));
        }
        outcome
    }

    /// Asks every node for tickets for all these coins, as few as it takes. "Pass" is a coin that a ticket stands for.
    #[must_use]
    pub fn tickets(&self, coins: &[Coin]) -> (Outcome, Vec<Redeemable>) {
        let mut outcome = self.outcome(coins, |coin, node| coin.at(node).number.is_some());
        let surveys = self.survey(
            coins,
            Layout::DETECT,
            |_, coin, node| coin.key_coin(node),
            |target, part, options| {
                let answer = get_ticket(target, part, options)?;
                Ok(answer.map(|ticket| ticket.passed.iter().map(|passed| ticket.number.filter(|_| *passed)).collect()))
            },
        );
        let mut tickets: Vec<Redeemable> = Vec::new();
        for survey in surveys {
            let raida_id = survey.raida_id;
            outcome.enter(survey, |place, ticket: Option<NonZeroU32>| {
                let (Some(number), Some(coin)) = (ticket, coins.get(place)) else { return Vote::Fail };
                match tickets.last_mut().filter(|last| (last.raida_id, last.number) == (raida_id, number)) {
                    Some(ticket) => ticket.coins.push(coin.id),
                    None => tickets.push(Redeemable { raida_id, number, coins: vec![coin.id] }),
                }
                Vote::Pass
            });
        }
        (outcome, tickets)
    }

    /// Asks every node what is in the locker of these code words: the coins, ascending, with "pass" for the nodes that
    /// list them.
    #[must_use]
    pub fn peek(&self, words: &str) -> (Vec<CoinId>, Outcome) {
        let (lists, errors) = self.gather(|target| peek(target, &locker_key(target.raida_id, words), &self.options));
        let mut tallies: BTreeMap<CoinId, Tally> = BTreeMap::new();
        let has_answered = |node| lists.iter().any(|(answered, _)| *answered == node);
        let nobody = self.tally(|node| if has_answered(node) { Vote::Fail } else { Vote::Unknown });
        for (node, coins) in &lists {
            for coin in coins {
                tallies.entry(*coin).or_insert(nobody).set(*node, Vote::Pass);
            }
        }
        let (ids, tallies) = tallies.into_iter().unzip();
        (ids, Outcome { tallies, errors })
    }

    /// Asks every node about the coins that there is a record for (by place in the list, coin and node), in requests as
    /// large as they may be.
    pub(crate) fn survey<R, T: Send>(
        &self,
        coins: &[Coin],
        layout: Layout,
        record: impl Fn(usize, &Coin, u8) -> Option<R> + Sync,
        ask: impl Fn(&Target, &[R], &Options) -> Result<Answer<Vec<T>>, AskError> + Sync,
    ) -> Vec<Survey<T>> {
        let is_asked = |node, (place, coin): &(usize, &Coin)| record(*place, coin, node).is_some();
        let asked = |target: &Target| coins.iter().enumerate().filter(|coin| is_asked(target.raida_id, coin)).count();
        if self.progress.is_some() {
            self.tell(Progress::Planned(self.nodes.iter().map(asked).sum()));
        }
        ask_all(&self.nodes, |target| self.survey_one(target, coins, layout, &record, &ask))
    }

    fn survey_one<R, T>(
        &self,
        target: &Target,
        coins: &[Coin],
        layout: Layout,
        record: impl Fn(usize, &Coin, u8) -> Option<R>,
        ask: impl Fn(&Target, &[R], &Options) -> Result<Answer<Vec<T>>, AskError>,
    ) -> Survey<T> {
        let raida_id = target.raida_id;
        let mut survey = Survey { raida_id, words: coins.iter().map(|_| None).collect(), error: None };
        let indexed = survey.words.iter_mut().zip(coins).enumerate();
        let mut rest = indexed.filter_map(|(place, (word, coin))| Some((word, record(place, coin, raida_id)?)));
        loop {
            let (words, part): (Vec<_>, Vec<R>) = rest.by_ref().take(layout.most(target, &self.options)).unzip();
            if part.is_empty() {
                return survey;
            }
            match ask(target, &part, &self.options) {
                Ok(answer) => words.into_iter().zip(answer.value).for_each(|(word, found)| *word = Some(found)),
                Err(error) => {
                    self.tell(Progress::Done(part.len() + rest.count()));
                    survey.error = Some(error);
                    return survey;
                }
            }
            self.tell(Progress::Done(part.len()));
        }
    }

    /// Asks all nodes what is not about a list of coins, and keeps the good answers with the nodes' ids.
    pub(crate) fn gather<T: Send>(
        &self,
        ask: impl Fn(&Target) -> Result<Answer<T>, AskError> + Sync,
    ) -> (Vec<(u8, T)>, Vec<AskError>) {
        let (mut good, mut errors) = (Vec::new(), Vec::new());
        for (target, result) in self.nodes.iter().zip(ask_all(&self.nodes, ask)) {
            match result {
                Ok(answer) => good.push((target.raida_id, answer.value)),
                Err(error) => errors.push(error),
            }
        }
        (good, errors)
    }

    /// No words yet: "fail" where there is nothing to ask, "unknown" everywhere else.
    pub(crate) fn outcome(&self, coins: &[Coin], is_asked: impl Fn(&Coin, u8) -> bool) -> Outcome {
        self.beginning(coins, |_, coin, node| if is_asked(coin, node) { Vote::Unknown } else { Vote::Fail })
    }

    /// The votes to begin with, by place in the list, coin and node.
    pub(crate) fn beginning(&self, coins: &[Coin], vote: impl Fn(usize, &Coin, u8) -> Vote) -> Outcome {
        let tallies = coins.iter().enumerate().map(|(place, coin)| self.tally(|node| vote(place, coin, node)));
        Outcome { tallies: tallies.collect(), errors: Vec::new() }
    }

    /// One coin's votes, by node.
    pub(crate) fn tally(&self, vote: impl Fn(u8) -> Vote) -> Tally {
        let mut tally = Tally::default();
        for Target { raida_id, .. } in &self.nodes {
            tally.set(*raida_id, vote(*raida_id));
        }
        tally
    }

    pub(crate) fn tell(&self, progress: Progress) {
        if let Some(tell) = &self.progress {
            tell(progress);
        }
    }
}

impl Outcome {
    /// Enters one node's words.
    pub(crate) fn enter<T>(&mut self, survey: Survey<T>, mut vote: impl FnMut(usize, T) -> Vote) {
        for (place, (tally, word)) in self.tallies.iter_mut().zip(survey.words).enumerate() {
            if let Some(word) = word {
                tally.set(survey.raida_id, vote(place, word));
            }
        }
        self.errors.extend(survey.error);
    }
}

impl From<bool> for Vote {
    fn from(passed: bool) -> Self {
        if passed { Self::Pass } else { Self::Fail }
    }
}

impl fmt::Debug for Fleet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fleet").field("nodes", &self.nodes).field("options", &self.options).finish_non_exhaustive()
    }
}

/// Asks every node at the same time, each on a thread of its own, and gives the results in the order of the targets. It
/// takes as long as the slowest.
///
/// ```no_run
/// use raida_client::{Options, Target, ask_all, version};
///
/// let nodes = (50000..=50024).map(|port| format!("127.0.0.1:{port}").parse().map(Target::new)).collect::<Result<Vec<_>, _>>()?;
/// let answers = ask_all(&nodes, |node| version(node, &Options::default()));
/// println!("{} of 25 answered", answers.iter().flatten().count());
/// # Ok::<(), raida_client::AddressError>(())
/// ```
///
/// # Panics
///
/// When `ask` panics.
pub fn ask_all<T: Send>(targets: &[Target], ask: impl Fn(&Target) -> T + Sync) -> Vec<T> {
    let ask = &ask;
    thread::scope(|scope| {
        let started: Vec<_> = targets
            .iter()
            .map(|target| {
                let thread = thread::Builder::new().name(format!("raida-{}", target.raida_id));
                // Without a thread the node is asked after the others, not given up.
                thread.spawn_scoped(scope, move || ask(target)).map_err(|_| target)
            })
            .collect();
        started
            .into_iter()
            .map(|thread| match thread {
                Ok(thread) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
                Err(target) => ask(target),
            })
            .collect()
    })
}
