//! An honest client: it asks one thing at a time, and believes nothing that it can check.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use raida_reactor::Instant;
use raida_wire::{AuthenticityNumber, CoinId, Command, Pending, Status, bitfield};

use super::convoy::Convoy;
use super::errand::{Errand, Question, Road, build};
use super::money::{Owned, Step, fresh, purse};
use super::scene::Scene;
use super::{Violation, violated};
use crate::client::ClientId;
use crate::dice::Dice;
use crate::script::Script;

/// A client and what it knows.
#[derive(Debug)]
pub(crate) struct Actor {
    number: u32,
    peer: SocketAddr,
    /// What the node has acknowledged.
    pub(crate) coins: Vec<Owned>,
    /// The change that nobody knows about.
    pub(crate) open: Option<Step>,
    errand: Option<Errand>,
    /// What reads its answer over TCP.
    convoy: Option<Convoy>,
    /// What reads the answers to the datagrams of late, newest first: they may come again, and late.
    letters: VecDeque<(Instant, Pending)>,
    /// When it last asked for numbers that are free.
    asked_for_numbers: Instant,
    /// What it was told first when it asked last.
    pub(crate) last_word: Option<Status>,
    /// Nothing of the open change is on its way to the node any more.
    settles_from: Instant,
    /// When it acts again; calls for other times are old.
    pub(crate) wakes_at: Instant,
    pub(crate) tally: Tally,
}

/// What became of its questions.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) answers: u64,
    pub(crate) changes: u64,
    pub(crate) settled: u64,
}

/// How long it waits for an answer over TCP.
const PATIENCE: Duration = Duration::from_secs(75);
/// When it sends a datagram again.
const RESEND: Duration = Duration::from_secs(3);
/// How often it sends it at most.
const SENDS: u8 = 3;
/// How long after a trouble a datagram may still be under way.
const UNDER_WAY: Duration = Duration::from_secs(5);
/// How long numbers are kept for whoever asked for them. Source: protocol §5.7
const KEPT_FOR: Duration = Duration::from_secs(16);
/// How late an answer to a datagram may be.
const LATEST: Duration = Duration::from_secs(300);
/// Refusals that are no verdict: too much to do, no memory, a defect, a broken disk, too long for a datagram.
const EXCUSES: [Status; 5] =
    [Status::REQUEST_RATE, Status::MEMORY_ALLOC, Status::INTERNAL, Status::FILESYSTEM, Status::INVALID_UDP_FRAME_COUNT];

impl Actor {
    pub(crate) fn new(number: u32) -> Self {
        let [_, a, b, c] = number.to_be_bytes();
        Self {
            number,
            peer: SocketAddr::from(([10, a, b, c], 4000)),
            coins: purse(number),
            open: None,
            errand: None,
            convoy: None,
            letters: VecDeque::new(),
            asked_for_numbers: Instant::default(),
            last_word: None,
            settles_from: Instant::default(),
            wakes_at: Instant::default(),
            tally: Tally::default(),
        }
    }

    pub(crate) fn peer(&self) -> SocketAddr {
        self.peer
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.errand.is_none()
    }

    /// It is time to do something. `asks`: to begin something new, too. Gives the connection it has opened.
    pub(crate) fn wake(&mut self, scene: &mut Scene<'_>, asks: bool) -> Result<Option<ClientId>, Violation> {
        match &mut self.errand {
            None if asks || self.open.is_some() => Ok(self.ask(scene)),
            None => Ok(None),
            Some(Errand { road: Road::Tcp(id), .. }) => {
                scene.sim.give_up(*id);
                Ok(None)
            }
            Some(Errand { road: Road::Udp(sent), octets, .. }) if *sent < SENDS => {
                *sent += 1;
                scene.sim.post(Duration::ZERO, self.peer, octets);
                self.call(scene, RESEND);
                Ok(None)
            }
            Some(Errand { since, .. }) => {
                if !scene.is_lossy && scene.troubles.until < *since {
                    return violated(format!("{} was never answered, and no datagram was lost", self.peer));
                }
                self.unanswered(scene);
                Ok(None)
            }
        }
    }

    /// It hears from itself again after `span`.
    pub(crate) fn call(&mut self, scene: &mut Scene<'_>, span: Duration) {
        self.wakes_at = scene.now + span;
        scene.sim.call(span, u64::from(self.number));
    }

    fn ask(&mut self, scene: &mut Scene<'_>) -> Option<ClientId> {
        if self.open.is_some() && (!scene.is_calm || scene.now < self.settles_from) {
            self.call(scene, Duration::from_millis(500));
            return None;
        }
        let question = if self.open.is_some() { Question::Settle } else { self.next(scene.dice) };
        self.begin(scene, question, None)
    }

    /// Asks its last question: what it is told is its [`last_word`](Self::last_word).
    pub(crate) fn ask_last(&mut self, scene: &mut Scene<'_>, is_change: bool, by_datagram: bool) -> Option<ClientId> {
        self.last_word = None;
        let question = match is_change {
            // So few that each of those who ask at once takes another road.
            true => Question::Change(Command::POWN, self.renumber(2, || fresh(scene.dice, false))),
            false => Question::Look { by_sum: false },
        };
        self.begin(scene, question, Some(by_datagram))
    }

    /// Whether it waits for something, or does not know what it has.
    pub(crate) fn is_unsettled(&self) -> bool {
        self.errand.is_some() || self.open.is_some()
    }

    fn begin(&mut self, scene: &mut Scene<'_>, question: Question, by_datagram: Option<bool>) -> Option<ClientId> {
        let (command, payload) = question.payload(&self.coins, self.open.as_ref(), self.number + 1);
        let key = self.coins.first().filter(|_| self.open.is_none() && scene.dice.odds(30));
        let (mut octets, pending) = build(scene.dice, command, &payload, key)?;
        let by_datagram = octets.len() <= 1400 && by_datagram.unwrap_or_else(|| scene.dice.odds(40));
        if matches!(question, Question::Offer { .. }) {
            self.asked_for_numbers = scene.now;
        }
        let road = if by_datagram {
            scene.sim.post(Duration::ZERO, self.peer, &octets);
            self.call(scene, RESEND);
            let is_old = |(since, _): &(Instant, Pending)| scene.now > *since + LATEST;
            while self.letters.back().is_some_and(is_old) {
                self.letters.pop_back();
            }
            self.letters.push_front((scene.now, pending));
            Road::Udp(1)
        } else {
            let (all, convoy) = Convoy::gather(scene.dice, (octets, pending), scene.requests_max - 1);
            (octets, self.convoy) = (all, Some(convoy));
            let script = script(scene, &octets);
            let id = scene.sim.connect(Duration::ZERO, self.peer, script);
            self.call(scene, PATIENCE);
            Road::Tcp(id)
        };
        if let Question::Change(_, step) = &question {
            self.open = Some(step.clone());
        }
        self.errand = Some(Errand { question, octets, road, since: scene.now });
        match road {
            Road::Tcp(id) => Some(id),
            Road::Udp(_) => None,
        }
    }

    fn next(&self, dice: &mut Dice) -> Question {
        match dice.below(10) {
            0..3 => Question::Echo,
            3..6 => Question::Look { by_sum: dice.odds(40) },
            6 => Question::Offer { is_break: dice.odds(50) },
            7 => {
                let number = fresh(dice, true);
                Question::Change(Command::STORE, self.renumber(2, || number.clone()))
            }
            _ => self.pown(dice),
        }
    }

    fn pown(&self, dice: &mut Dice) -> Question {
        // All of them are so many that the node wants to see a proof first.
        let count = if dice.odds(30) { self.coins.len() } else { 2 };
        Question::Change(Command::POWN, self.renumber(count, || fresh(dice, false)))
    }

    /// Other numbers for so many of its coins.
    fn renumber(&self, count: usize, mut number: impl FnMut() -> AuthenticityNumber) -> Step {
        let before: Vec<_> = self.coins.iter().rev().take(count).cloned().collect();
        let after = before.iter().map(|old| Owned { coin: old.coin, number: number() }).collect();
        Step { before, after }
    }

    /// Its connection is over.
    pub(crate) fn over(&mut self, scene: &mut Scene<'_>, id: ClientId) -> Result<Option<ClientId>, Violation> {
        let Some(Errand { road, since, .. }) = &self.errand else { return Ok(None) };
        let Some(client) = scene.sim.known(id).filter(|_| *road == Road::Tcp(id)) else { return Ok(None) };
        let (peer, received, end) = (self.peer, client.received(), client.end());
        let Some(convoy) = &self.convoy else { return Ok(None) };
        let found = convoy.read(received).map_err(|what| Violation(format!("{peer} {what}")))?;
        let is_excused = client.is_broken() || *since <= scene.troubles.until;
        // Neither a stop in order nor a want of anything is a reason to close what has begun.
        let has_patience = scene.now < *since + PATIENCE;
        let must_stay = has_patience && !client.is_broken() && scene.troubles.cut_at < *since;
        let is_heard = client.taken_by_node() > 0;
        // Between two requests a stop closes at once. Who sends the next one before he has read his answer loses it to a reset,
        // here as with the kernels that then forget what they have received; Linux does not.
        let was_answered = convoy.is_long() && client.given_by_node() > 0 && *since <= scene.troubles.until;
        if found.answers == 0 && must_stay && !was_answered && (is_heard || scene.is_prompt && client.is_unheard()) {
            return violated(format!("{peer} had begun to ask at {since:?}, and was not answered: {end:?}"));
        }
        let may_end_early = is_excused || found.answers > 0 && scene.is_short;
        if !found.is_all && !may_end_early {
            let octets = received.len();
            return violated(format!(
                "{peer} asked at {since:?} and has {octets} octets of its answers when its connection ends: {end:?}"
            ));
        }
        match found.answer {
            Some((status, payload)) => self.answered(scene, status, &payload),
            None => {
                self.unanswered(scene);
                Ok(None)
            }
        }
    }

    /// A datagram has come for it.
    pub(crate) fn datagram(&mut self, scene: &mut Scene<'_>, octets: &[u8]) -> Result<Option<ClientId>, Violation> {
        let read = |pending: &Pending| {
            let mut octets = octets.to_vec();
            pending.read(&mut octets).map(|response| (response.status, response.payload.to_vec())).ok()
        };
        let Some(which) = self.letters.iter().position(|(_, pending)| read(pending).is_some()) else {
            return violated(format!("{} was sent a datagram that answers none of its questions", self.peer));
        };
        let answer = self.letters.get(which).and_then(|(_, pending)| read(pending));
        let is_awaited = which == 0 && matches!(self.errand, Some(Errand { road: Road::Udp(_), .. }));
        match answer.filter(|_| is_awaited) {
            Some((status, payload)) => self.answered(scene, status, &payload),
            None => Ok(None),
        }
    }

    /// Nobody will answer any more.
    fn unanswered(&mut self, scene: &mut Scene<'_>) {
        if let Some(errand) = self.errand.take()
            && !matches!(errand.question, Question::Change(..))
        {
            self.rest(scene, Duration::from_secs(2));
            return;
        }
        self.remain_open(scene);
    }

    /// What became of the change will be found out.
    fn remain_open(&mut self, scene: &mut Scene<'_>) {
        self.settles_from = scene.now + UNDER_WAY;
        self.call(scene, UNDER_WAY);
    }

    /// A pause.
    fn rest(&mut self, scene: &mut Scene<'_>, most: Duration) {
        let most = u64::try_from(most.as_micros()).unwrap_or(u64::MAX);
        let span = Duration::from_micros(scene.dice.below(most));
        self.call(scene, span);
    }

    fn answered(
        &mut self,
        scene: &mut Scene<'_>,
        status: Status,
        payload: &[u8],
    ) -> Result<Option<ClientId>, Violation> {
        let Some(Errand { question, road, since, .. }) = self.errand.take() else { return Ok(None) };
        self.tally.answers += 1;
        self.last_word.get_or_insert(status);
        self.wakes_at = Instant::default();
        let is_sure = road_is_sure(road, since, scene);
        match (question, status) {
            (Question::Echo, Status::SUCCESS) | (Question::Look { .. }, Status::ALL_PASS) => {}
            (Question::Offer { is_break }, Status::SUCCESS) => {
                if let Some(question) = self.exchange(scene, is_break, payload) {
                    return Ok(self.begin(scene, question, None));
                }
            }
            (Question::Settle, Status::ALL_PASS | Status::ALL_FAIL | Status::MIXED) => self.settle(status, payload)?,
            (Question::Change(..), Status::ALL_PASS | Status::SUCCESS) => {
                if let Some(step) = self.open.take() {
                    step.make(&mut self.coins);
                    self.tally.changes += 1;
                }
            }
            // A defect or a broken disk may come before the change or behind it.
            (Question::Change(..), Status::INTERNAL | Status::FILESYSTEM) => self.remain_open(scene),
            (Question::Change(..), status) if EXCUSES.contains(&status) || self.is_late(status, scene) => match road {
                Road::Tcp(_) => self.open = None,
                Road::Udp(_) => self.remain_open(scene),
            },
            (Question::Settle, status) if EXCUSES.contains(&status) => self.remain_open(scene),
            (Question::Look { .. } | Question::Echo | Question::Offer { .. }, status) if EXCUSES.contains(&status) => {}
            // It ran once more than it was answered.
            (Question::Change(..), _) if !is_sure => self.remain_open(scene),
            (question, status) => {
                let (peer, coins, open) = (self.peer, self.coins.len(), self.open.is_some());
                return violated(format!(
                    "{peer} ({coins} coins, open: {open}) asked {} at {since:?} and was told {status}",
                    name(&question)
                ));
            }
        }
        Ok(None)
    }

    /// Whether it is told that its numbers are not kept for it any more, and that may be so.
    fn is_late(&self, status: Status, scene: &Scene<'_>) -> bool {
        let (since, forgot_at) = (self.asked_for_numbers, scene.troubles.forgot_at);
        status == Status::PAGE_IS_NOT_RESERVED && (forgot_at >= since || scene.now >= since + KEPT_FOR)
    }

    /// Reads what is there of the open change.
    fn settle(&mut self, status: Status, payload: &[u8]) -> Result<(), Violation> {
        let Some(step) = self.open.take() else { return Ok(()) };
        let coins = step.before.len() + step.after.len();
        let is_there: Vec<_> = match status {
            Status::MIXED => (0..coins).map(|coin| bit(payload, coin)).collect(),
            _ => vec![status == Status::ALL_PASS; coins],
        };
        if status == Status::MIXED && payload.len() != bitfield::len(coins) {
            return violated(format!("{} was sent {} octets for {coins} coins", self.peer, payload.len()));
        }
        self.tally.settled += 1;
        match step.verdict(&is_there) {
            Some(true) => step.make(&mut self.coins),
            Some(false) => {}
            None => return violated(format!("a change of {} was made in part: {is_there:?}", self.peer)),
        }
        Ok(())
    }

    /// Break or Join, if the offered numbers are enough and the coins too.
    fn exchange(&self, scene: &mut Scene<'_>, is_break: bool, payload: &[u8]) -> Option<Question> {
        let (denomination, numbers) = payload.split_first()?;
        let (numbers, _) = numbers.as_chunks();
        let offered = numbers.iter().filter_map(|n| CoinId::new(denomination.cast_signed(), u32::from_be_bytes(*n)));
        let (large, small): (Vec<_>, Vec<_>) =
            self.coins.iter().cloned().partition(|owned| owned.coin.denomination.exponent() == 1);
        let (command, before, count) = if is_break {
            (Command::BREAK, large.into_iter().take(1).collect::<Vec<_>>(), 10)
        } else {
            (Command::JOIN, small.into_iter().take(10).collect::<Vec<_>>(), 1)
        };
        let after: Vec<_> = offered.take(count).map(|coin| Owned { coin, number: fresh(scene.dice, false) }).collect();
        let is_enough = after.len() == count && before.len() == 11 - count;
        is_enough.then_some(Question::Change(command, Step { before, after }))
    }
}

/// Whether the first answer tells for certain what became of a request.
fn road_is_sure(road: Road, since: Instant, scene: &Scene<'_>) -> bool {
    match road {
        Road::Tcp(_) => true,
        Road::Udp(_) => scene.troubles.forgot_at < since && scene.now < since + Duration::from_secs(9),
    }
}

/// How a request is sent: at once, octet by octet, with more behind it; and how its answer is read.
fn script(scene: &mut Scene<'_>, octets: &[u8]) -> Script {
    let script = match scene.dice.below(8) {
        0 if octets.len() < 400 => Script::new().trickle(octets, Duration::from_millis(1 + scene.dice.below(20))),
        1 => Script::new().send(octets).half_close(),
        2 if scene.requests_max == 1 => {
            let behind = vec![0xA5; 1 + scene.dice.index(3000)];
            Script::new().send_together(&[octets, &behind].concat())
        }
        3 => Script::new().wait(Duration::from_millis(scene.dice.below(1500))).send(octets),
        _ => Script::new().send(octets),
    };
    if scene.dice.odds(10) { script.reads_slowly(8 + scene.dice.index(60), Duration::from_millis(20)) } else { script }
}

fn bit(octets: &[u8], index: usize) -> bool {
    octets.get(index / 8).is_some_and(|octet| octet >> (index % 8) & 1 == 1)
}

/// Without the numbers of the coins.
fn name(question: &Question) -> String {
    match question {
        Question::Change(command, step) => format!("{command} of {} coins", step.before.len()),
        Question::Echo | Question::Look { .. } | Question::Settle | Question::Offer { .. } => format!("{question:?}"),
    }
}
