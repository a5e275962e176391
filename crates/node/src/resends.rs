//! Answers kept for datagrams that come again.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use raida_reactor::Instant;
use raida_reactor::service::{Answer, Flow, Request, Transport};
use raida_reactor::sources::source;
use raida_wire::Status;
use sha2::{Digest, Sha256};

use crate::sealed::Sealed;
use crate::shelf::{Bounds, Shelf};

/// How long an answer is kept.
const LIFE: Duration = Duration::from_secs(10);
/// Octets kept for each answer that may be kept, on average. Few are longer; those leave room for fewer.
const ANSWER_OCTETS: usize = 2048;

/// The sealed answers to commands that would do something else if they ran a second time: a client that lost the answer
/// gets it again instead.
///
/// Source: protocol §1.11
#[derive(Debug)]
pub(crate) struct Resends {
    table: Mutex<Table>,
}

/// By letter and by source (/24, /64), whose addresses one sender may well have to himself. The oldest of whichever has most
/// makes room for the newest; its command then simply runs again.
type Answers = Shelf<Letter, u64, Sealed>;

#[derive(Debug)]
struct Table {
    /// What has changed something, or may have.
    changes: Answers,
    /// What has failed and changed nothing. Anybody can have as many of these as he likes, and from any address.
    failures: Answers,
    /// Those that a thread is at: so many threads at most, and one batch.
    running: HashSet<Letter>,
    repeated: u64,
    came_early: u64,
}

/// What has come again, and what has been forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Datagrams that got their former answer.
    pub(crate) repeated: u64,
    /// Datagrams that came while the first one ran.
    pub(crate) came_early: u64,
    /// Answers that made room for others before their time was over.
    pub(crate) evicted: u64,
}

/// Names one datagram: who sent it, and the digest of what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Letter {
    sender: SocketAddr,
    datagram: usize,
    digest: [u8; 32],
}

/// What becomes of a datagram.
pub(crate) enum Turn<'r> {
    /// It has to run.
    First(Running<'r>),
    /// Its former answer has been given again.
    Repeated,
    /// It is running: whoever runs it will answer.
    Running,
}

/// A datagram that runs. Until this is dropped, the same one does not run a second time.
#[derive(Debug)]
pub(crate) struct Running<'r> {
    resends: &'r Resends,
    letter: Letter,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.resends.lock().running.remove(&self.letter);
    }
}

impl Running<'_> {
    /// Keeps its sealed answer.
    pub(crate) fn keep(self, now: Instant, answer: &mut Answer<'_>) {
        self.resends.keep(self.letter, now, answer);
    }
}

impl Letter {
    /// The name of a request that nobody has opened yet; `None` unless it came in a datagram.
    pub(crate) fn of(request: &Request<'_>) -> Option<Self> {
        match request.transport {
            Transport::Tcp => None,
            Transport::Udp { datagram, .. } => {
                Some(Self { sender: request.peer, datagram, digest: Sha256::digest(&*request.octets).into() })
            }
        }
    }
}

impl Resends {
    /// Keeps so many answers; a quarter of them may be failures.
    pub(crate) fn new(max: usize) -> Self {
        let answers =
            |count: usize| Shelf::new(Bounds { count, octets: count.saturating_mul(ANSWER_OCTETS), life: LIFE });
        let (changes, failures) = (answers(max - max / 4), answers(max / 4));
        Self { table: Mutex::new(Table { changes, failures, running: HashSet::new(), repeated: 0, came_early: 0 }) }
    }

    /// Begins to run a datagram, unless it has been answered lately or runs already.
    pub(crate) fn begin(&self, letter: Letter, now: Instant, answer: &mut Answer<'_>) -> Turn<'_> {
        let mut table = self.lock();
        if table.repeat(&letter, now, answer) {
            Turn::Repeated
        } else if table.running.insert(letter) {
            Turn::First(Running { resends: self, letter })
        } else {
            table.came_early += 1;
            Turn::Running
        }
    }

    /// What became of a datagram whose key is not there, or not any more: its former answer is given again, or it is
    /// running. `None` where nothing is known of it.
    pub(crate) fn recall(&self, letter: &Letter, now: Instant, answer: &mut Answer<'_>) -> Option<Flow> {
        let mut table = self.lock();
        if table.repeat(letter, now, answer) {
            return Some(Flow::Answered);
        }
        let is_running = table.running.contains(letter);
        table.came_early += u64::from(is_running);
        is_running.then_some(Flow::Silent)
    }

    /// Keeps a sealed answer.
    pub(crate) fn keep(&self, letter: Letter, now: Instant, answer: &mut Answer<'_>) {
        let sealed = Sealed::of(answer);
        let (octets, mut table) = (sealed.len(), self.lock());
        // No command changes anything where every coin failed.
        let answers = if answer.status() == Status::ALL_FAIL { &mut table.failures } else { &mut table.changes };
        answers.put(letter, source(letter.sender.ip()), sealed, octets, now, drop);
    }

    /// Counts a datagram that came again in one batch, and was answered with it.
    pub(crate) fn count_repeated(&self) {
        self.lock().repeated += 1;
    }

    /// How many answers are kept now, and what has come of them so far.
    pub(crate) fn tally(&self) -> (usize, Tally) {
        let Table { changes, failures, repeated, came_early, .. } = &*self.lock();
        let evicted = changes.evicted() + failures.evicted();
        let tally = Tally { repeated: *repeated, came_early: *came_early, evicted };
        (changes.len() + failures.len(), tally)
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn repeat(&mut self, letter: &Letter, now: Instant, answer: &mut Answer<'_>) -> bool {
        let kept = self.changes.get(letter, now).or_else(|| self.failures.get(letter, now));
        let Some(sealed) = kept else { return false };
        self.repeated += 1;
        sealed.write(answer);
        true
    }
}

#[cfg(test)]
mod tests {
    use raida_reactor::buffer::Buffer;
    use raida_wire::Status;

    use super::*;

    fn at(micros: u64) -> Instant {
        Instant::from_micros(micros)
    }

    fn letter(number: u16) -> Letter {
        Letter { sender: ([127, 0, 0, 1], number).into(), datagram: 60, digest: [1; 32] }
    }

    fn keep(resends: &Resends, letter: Letter, now: Instant, text: &[u8]) {
        let mut buffer = Buffer::zeroed(64);
        let mut answer = Answer::new(&mut buffer);
        answer.buffer(64)[5..5 + text.len()].copy_from_slice(text);
        answer.finish(5..5 + text.len(), Status::SUCCESS);
        resends.keep(letter, now, &mut answer);
    }

    fn repeated(resends: &Resends, letter: Letter, now: Instant) -> Option<Vec<u8>> {
        let mut buffer = Buffer::zeroed(0);
        let mut answer = Answer::new(&mut buffer);
        let is_repeated = resends.recall(&letter, now, &mut answer) == Some(Flow::Answered);
        let (range, status) = (answer.range(), answer.status());
        assert!(!is_repeated || status == Status::SUCCESS);
        is_repeated.then(|| buffer.as_ref()[range].to_vec())
    }

    #[test]
    fn an_answer_comes_again_for_ten_seconds_and_for_its_sender_alone() {
        let resends = Resends::new(4096);
        keep(&resends, letter(1), at(0), b"answer");
        assert_eq!(repeated(&resends, letter(1), at(9_999_999)), Some(b"answer".to_vec()));
        assert_eq!(repeated(&resends, letter(1), at(10_000_000)), None);
        assert_eq!(repeated(&resends, letter(2), at(1)), None);
        assert_eq!(repeated(&resends, Letter { datagram: 61, ..letter(1) }, at(1)), None);
        assert_eq!(repeated(&resends, Letter { digest: [2; 32], ..letter(1) }, at(1)), None);
    }

    #[test]
    fn the_same_datagram_does_not_run_twice_at_once() {
        let resends = Resends::new(16);
        let mut buffer = Buffer::zeroed(64);
        let mut answer = Answer::new(&mut buffer);
        let Turn::First(running) = resends.begin(letter(1), at(0), &mut answer) else { panic!("it is the first") };
        assert!(matches!(resends.begin(letter(1), at(1), &mut answer), Turn::Running));
        assert_eq!(resends.recall(&letter(1), at(1), &mut answer), Some(Flow::Silent));
        assert_eq!(resends.recall(&letter(2), at(1), &mut answer), None);
        assert!(matches!(resends.begin(letter(2), at(1), &mut answer), Turn::First(_)), "another one may");
        drop(running);
        let Turn::First(running) = resends.begin(letter(1), at(2), &mut answer) else {
            panic!("the first came to nothing")
        };
        answer.finish(0..5, Status::SUCCESS);
        running.keep(at(3), &mut answer);
        assert!(matches!(resends.begin(letter(1), at(4), &mut answer), Turn::Repeated));
        assert!(resends.lock().running.is_empty());
        assert_eq!(resends.tally(), (1, Tally { repeated: 1, came_early: 2, evicted: 0 }));
    }
}
