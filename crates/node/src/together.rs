//! Requests that change coins: many of them, one durable commit, then all answers.

use std::collections::HashMap;

use raida_reactor::service::{Answer, Place, Request};
use raida_store::Batch;
use raida_wire::{Month, Status};

use crate::asked::Asked;
use crate::dispatch::Work;
use crate::ledger::Ledger;
use crate::node::{Node, Unopened, guarded, tell};
use crate::reply::Reply;
use crate::resends::{self, Letter};
use crate::setback::{Outcome, Setback};
use crate::statistics::Powned;

/// Serves these requests in order, each on what the ones before it have left, and answers all of them when what they
/// changed is on disk. Where the disk fails, every one of them is told 194.
///
/// A request that panics is answered with 252 and has changed nothing; the others go on.
pub(crate) fn serve<'r, 'q: 'r, 'a: 'r>(
    node: &Node,
    calls: impl Iterator<Item = (&'r mut Request<'q>, &'r mut Answer<'a>)>,
) {
    let now = node.now();
    let mut together = Together {
        node,
        batch: node.store().write().map_err(Setback::from),
        month: node.surroundings.calendar.month(),
        ran: Vec::new(),
    };
    let (mut letters, mut repeats) = (HashMap::new(), Vec::new());
    for (request, answer) in calls {
        let letter = Letter::of(request);
        match letter.map(|letter| (letter, letters.get(&letter).copied())) {
            Some((letter, None)) if node.resends.repeat(&letter, now, answer) => {}
            Some((_, Some(first))) => repeats.push((first, answer)),
            Some((_, None)) | None => {
                if let Some(place) = together.run(request, answer, letter) {
                    letter.and_then(|letter| letters.insert(letter, place));
                }
            }
        }
    }
    let mut answers = together.commit();
    for (first, answer) in repeats {
        if let Some((_, first)) = answers.get_mut(first) {
            resends::copy(first, answer);
        }
    }
    for (letter, answer) in answers {
        if let Some(letter) = letter.filter(|_| answer.status().is_result()) {
            node.resends.keep(letter, now, answer);
        }
    }
}

/// One batch, and the requests that have run in it.
struct Together<'n, 'r, 'a> {
    node: &'n Node,
    /// Why there is none, where there is none.
    batch: Result<Batch<'n>, Setback>,
    month: Month,
    ran: Vec<Ran<'r, 'a>>,
}

/// A request that has run and waits for the commit.
struct Ran<'r, 'a> {
    letter: Option<Letter>,
    reply: Reply<'r, 'a>,
    outcome: Outcome,
    powned: Powned,
}

impl<'r, 'a> Together<'_, 'r, 'a> {
    /// Runs one request, and tells its place among those that wait. One that can not even be opened does not wait.
    fn run(&mut self, request: &mut Request<'_>, answer: &'r mut Answer<'a>, letter: Option<Letter>) -> Option<usize> {
        let (node, head, from, transport) = (self.node, request.head, request.peer.ip(), request.transport);
        let (payload, session) = match node.open(request, Place::Worker) {
            Ok(opened) => opened,
            Err(Unopened::Refused(refusal)) => {
                node.refuse(refusal, &head, answer);
                tell(request, answer.status());
                return None;
            }
            Err(Unopened::NotCached) => return None,
        };
        let asked = Asked::new(head, payload, from, transport, Place::Worker);
        let mut reply = Reply::new(answer, session, transport);
        let ran = self.change(&asked, &mut reply);
        let (outcome, powned) = match ran {
            Ok((status, powned)) => (Ok(status), powned),
            Err(setback) => (Err(setback), Powned::default()),
        };
        if let Err(Setback::Refused(status)) = outcome {
            tell(request, status);
        }
        self.ran.push(Ran { letter, reply, outcome, powned });
        Some(self.ran.len() - 1)
    }

    fn change(&mut self, asked: &Asked<'_>, reply: &mut Reply<'_, '_>) -> Result<(Status, Powned), Setback> {
        let (node, month, command) = (self.node, self.month, asked.head.command());
        let Work::Together(run) = node.entry(command).work else { return Err(Status::INTERNAL.into()) };
        let batch = self.batch.as_mut().map_err(|setback| *setback)?;
        guarded(command, || {
            batch.request(|changes| {
                let mut ledger = Ledger::new(changes, month);
                Ok((run(node, asked, &mut ledger, reply)?, ledger.powned()))
            })
        })
    }

    /// Commits, counts what was powned, seals all answers and hands them back.
    fn commit(self) -> Vec<(Option<Letter>, &'r mut Answer<'a>)> {
        let committed = self.batch.and_then(|batch| batch.commit().map_err(Setback::from));
        let seal = |Ran { letter, reply, outcome, powned }| {
            let outcome = committed.and(outcome);
            if outcome.is_ok() {
                self.node.statistics().count_powned(powned);
            }
            (letter, self.node.seal(reply, outcome))
        };
        self.ran.into_iter().map(seal).collect()
    }
}
