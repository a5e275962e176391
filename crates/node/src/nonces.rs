//! Nonces that have been used, and what was answered under them.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use raida_reactor::Instant;
use raida_reactor::service::{Answer, Request};
use raida_wire::header::Keying;
use raida_wire::{CipherKey, Head, KeyName};
use sha2::{Digest, Sha256};

use crate::sealed::Sealed;
use crate::shelf::{Bounds, Shelf};

/// How long a nonce is remembered.
const LIFE: Duration = Duration::from_secs(600);
/// The longest answer that is kept, in octets.
const ANSWER_MAX: usize = 2048;
/// Octets kept for each answer, on average. Few are longer; those leave room for fewer.
const ANSWER_OCTETS: usize = 256;
/// What a nonce weighs against that.
const NONCE_OCTETS: usize = 256;

/// The nonces of requests under types 1 and 2, each with its key. Whoever sends one a second time gets the former answer if
/// he asks the same, and nothing if he asks anything else: one keystream seals one answer.
///
/// A nonce is taken when its request has been opened, that is by whoever has proved the key, and the key with the most makes
/// room for the others. Neither key nor request is kept: of the key there is a salted digest, of the request a digest as it
/// came, and the answer is there as it was sealed.
///
/// Source: protocol §2.3
pub(crate) struct Nonces {
    is_on: bool,
    salt: [u8; 32],
    table: Mutex<Table>,
}

#[derive(Debug)]
struct Table {
    used: Shelf<Name, Owner, Use>,
    /// Where to find those whose key is not there any more.
    headings: HashMap<Heading, Name>,
    repeated: u64,
    came_early: u64,
    refused: u64,
}

/// A digest of the key. Coins of one locker have one key: it counts, and not how it is called.
type Owner = [u8; 16];

/// Key and nonce.
type Name = (Owner, [u8; 8]);

/// What a header says of them.
type Heading = (KeyName, [u8; 8]);

/// What a nonce was used for.
#[derive(Debug)]
struct Use {
    note: Note,
    state: State,
}

#[derive(Debug)]
enum State {
    /// A thread is at it.
    Running,
    /// It was refused or put off, and has changed nothing: no payload was sealed, and the same may run.
    Open,
    /// It is done; the answer, unless it was too long.
    Answered(Option<Sealed>),
}

/// What has come again, and what has been forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Requests that got their former answer.
    pub(crate) repeated: u64,
    /// Requests that came while the first one ran.
    pub(crate) came_early: u64,
    /// Requests that were refused because of their nonce.
    pub(crate) refused: u64,
    /// Nonces that made room for others before their time was over.
    pub(crate) evicted: u64,
}

/// Names one request under types 1 and 2: what its header says of key and nonce, and the digest of all its octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Note {
    heading: Heading,
    digest: [u8; 32],
}

/// Why a request does not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Again {
    /// Its former answer has been given again.
    Answered,
    /// The same is running.
    Running,
    /// Its nonce was used for something else, or for the same and the answer was too long to be kept.
    Refused,
}

/// A request that runs. Until this is dropped, the same one does not run a second time.
pub(crate) struct Using<'n> {
    nonces: &'n Nonces,
    name: Name,
    note: Note,
    began: Instant,
}

impl Drop for Using<'_> {
    fn drop(&mut self) {
        let mut table = self.nonces.lock();
        if let Some(used) = table.used.get_mut(&self.name, self.began)
            && matches!(used.state, State::Running)
        {
            used.state = State::Open;
        }
    }
}

impl Using<'_> {
    /// Keeps its sealed answer.
    pub(crate) fn keep(self, now: Instant, answer: &mut Answer<'_>) {
        let sealed = Some(Sealed::of(answer)).filter(|sealed| sealed.len() <= ANSWER_MAX);
        let octets = NONCE_OCTETS + sealed.as_ref().map_or(0, Sealed::len);
        let used = Use { note: self.note, state: State::Answered(sealed) };
        self.nonces.lock().put(self.name, used, octets, now);
    }
}

impl Nonces {
    /// Remembers so many; none at 0.
    pub(crate) fn new(max: usize) -> Self {
        let mut salt = [0; 32];
        // The keys are as good as random themselves: without salt their digests tell next to nothing.
        let _ = getrandom::fill(&mut salt);
        let octets = max.saturating_mul(NONCE_OCTETS + ANSWER_OCTETS).max(NONCE_OCTETS + ANSWER_MAX);
        let used = Shelf::new(Bounds { count: max, octets, life: LIFE });
        let table = Table { used, headings: HashMap::new(), repeated: 0, came_early: 0, refused: 0 };
        Self { is_on: max > 0, salt, table: Mutex::new(table) }
    }

    /// The name of a request that nobody has opened yet; `None` where its nonce is not looked at.
    pub(crate) fn note(&self, request: &Request<'_>) -> Option<Note> {
        if !self.is_on {
            return None;
        }
        let heading = heading(&request.head)?;
        Some(Note { heading, digest: Sha256::digest(&*request.octets).into() })
    }

    /// Whether a request with such a header has been opened: its key may be gone since, and its answer is known.
    pub(crate) fn knows(&self, head: &Head) -> bool {
        self.is_on && heading(head).is_some_and(|heading| self.lock().headings.contains_key(&heading))
    }

    /// Begins to run a request that this key has opened.
    ///
    /// # Errors
    ///
    /// Its nonce has been used.
    pub(crate) fn begin(
        &self,
        note: Note,
        key: &CipherKey,
        now: Instant,
        answer: &mut Answer<'_>,
    ) -> Result<Using<'_>, Again> {
        let digest = Sha256::new().chain_update(self.salt).chain_update(key.octets()).finalize();
        let (_, nonce) = note.heading;
        let name = (digest.first_chunk().copied().unwrap_or_default(), nonce);
        let mut table = self.lock();
        if let Some(again) = table.again(&name, &note, now, answer) {
            return Err(again);
        }
        match table.used.get_mut(&name, now) {
            Some(used) => used.state = State::Running,
            None => table.put(name, Use { note, state: State::Running }, NONCE_OCTETS, now),
        }
        Ok(Using { nonces: self, name, note, began: now })
    }

    /// What became of the same request, where its key does not open it any more. `None` where nothing is known of it.
    pub(crate) fn recall(&self, note: &Note, now: Instant, answer: &mut Answer<'_>) -> Option<Again> {
        let mut table = self.lock();
        let name = *table.headings.get(&note.heading)?;
        table.used.get(&name, now).filter(|used| used.note == *note)?;
        table.again(&name, note, now, answer)
    }

    /// Counts a request that came again in one batch, and was answered with it.
    pub(crate) fn count_repeated(&self) {
        self.lock().repeated += 1;
    }

    /// How many nonces are remembered now, and what has come of them so far.
    pub(crate) fn tally(&self) -> (usize, Tally) {
        let Table { used, repeated, came_early, refused, .. } = &*self.lock();
        let (repeated, came_early, refused) = (*repeated, *came_early, *refused);
        (used.len(), Tally { repeated, came_early, refused, evicted: used.evicted() })
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// What becomes of a request whose nonce was used; `None` where it may run.
    fn again(&mut self, name: &Name, note: &Note, now: Instant, answer: &mut Answer<'_>) -> Option<Again> {
        let Use { note: first, state } = self.used.get(name, now)?;
        match (first == note, state) {
            (true, State::Open) => None,
            (true, State::Running) => {
                self.came_early += 1;
                Some(Again::Running)
            }
            (true, State::Answered(Some(sealed))) => {
                sealed.write(answer);
                self.repeated += 1;
                Some(Again::Answered)
            }
            (true, State::Answered(None)) | (false, _) => {
                self.refused += 1;
                Some(Again::Refused)
            }
        }
    }

    /// Remembers what a nonce is used for.
    fn put(&mut self, name: Name, used: Use, octets: usize, now: Instant) {
        let (owner, heading) = (name.0, used.note.heading);
        let headings = &mut self.headings;
        self.used.put(name, owner, used, octets, now, |gone| {
            // Of two keys that a coin has had, with one nonce, it goes with the first.
            headings.remove(&gone.note.heading);
        });
        headings.insert(heading, name);
    }
}

/// Key and nonce of types 1 and 2.
fn heading(head: &Head) -> Option<Heading> {
    match head.header().keying {
        Keying::Coin { nonce, .. } | Keying::Locker { nonce, .. } => Some((head.key(), nonce)),
        Keying::None { .. } | Keying::Coin256 { .. } | Keying::TwoCoins { .. } => None,
    }
}

impl fmt::Debug for Nonces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Nonces").field("table", &self.table).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use raida_reactor::buffer::Buffer;
    use raida_wire::{AuthenticityNumber, RawCoinId, Status};

    use super::*;

    fn at(seconds: u64) -> Instant {
        Instant::from_micros(seconds * 1_000_000)
    }

    fn key(octet: u8) -> CipherKey {
        CipherKey::plain(&AuthenticityNumber::new([octet; 16]))
    }

    fn note(nonce: u8, digest: u8) -> Note {
        Note { heading: (KeyName::Coin(RawCoinId([0; 5])), [nonce; 8]), digest: [digest; 32] }
    }

    /// Runs a request whose answer is this long.
    fn run(nonces: &Nonces, note: Note, now: Instant, answer_len: usize) -> Result<(), Again> {
        let mut buffer = Buffer::zeroed(4000);
        let mut answer = Answer::new(&mut buffer);
        let using = nonces.begin(note, &key(1), now, &mut answer)?;
        answer.buffer(answer_len);
        answer.finish(0..answer_len, Status::SUCCESS);
        using.keep(now, &mut answer);
        Ok(())
    }

    #[test]
    fn a_nonce_is_good_for_one_request_for_ten_minutes() {
        let nonces = Nonces::new(100);
        assert_eq!(run(&nonces, note(1, 1), at(0), 40), Ok(()));
        assert_eq!(run(&nonces, note(1, 1), at(1), 40), Err(Again::Answered));
        assert_eq!(run(&nonces, note(1, 2), at(599), 40), Err(Again::Refused));
        assert_eq!(run(&nonces, note(2, 2), at(599), 40), Ok(()), "another nonce");
        assert_eq!(run(&nonces, note(1, 2), at(600), 40), Ok(()), "its time is over");
        let tally = Tally { repeated: 1, came_early: 0, refused: 1, evicted: 0 };
        assert_eq!(nonces.tally(), (2, tally));
    }

    #[test]
    fn under_another_key_it_is_another_nonce() {
        let (nonces, mut buffer) = (Nonces::new(100), Buffer::zeroed(64));
        let mut answer = Answer::new(&mut buffer);
        let first = nonces.begin(note(1, 1), &key(1), at(0), &mut answer);
        assert!(first.is_ok() && nonces.begin(note(1, 2), &key(2), at(0), &mut answer).is_ok());
    }

    #[test]
    fn what_runs_does_not_run_twice_at_once_and_what_came_to_nothing_may_run_again() {
        let (nonces, mut buffer) = (Nonces::new(100), Buffer::zeroed(64));
        let mut answer = Answer::new(&mut buffer);
        let using = nonces.begin(note(1, 1), &key(1), at(0), &mut answer).ok().unwrap();
        assert_eq!(run(&nonces, note(1, 1), at(0), 40), Err(Again::Running));
        assert_eq!(run(&nonces, note(1, 2), at(0), 40), Err(Again::Refused));
        drop(using);
        assert_eq!(run(&nonces, note(1, 2), at(0), 40), Err(Again::Refused), "the nonce stays taken");
        assert_eq!(run(&nonces, note(1, 1), at(0), 40), Ok(()));
    }

    #[test]
    fn an_answer_too_long_to_keep_is_given_once() {
        let nonces = Nonces::new(100);
        assert_eq!(run(&nonces, note(1, 1), at(0), ANSWER_MAX), Ok(()));
        assert_eq!(run(&nonces, note(1, 1), at(0), ANSWER_MAX), Err(Again::Answered));
        assert_eq!(run(&nonces, note(2, 2), at(0), ANSWER_MAX + 1), Ok(()));
        assert_eq!(run(&nonces, note(2, 2), at(0), ANSWER_MAX + 1), Err(Again::Refused));
    }

    #[test]
    fn who_uses_most_nonces_makes_room_for_the_others() {
        let nonces = Nonces::new(100);
        let (mut buffer, others) = (Buffer::zeroed(64), 150_u8);
        let mut answer = Answer::new(&mut buffer);
        drop(nonces.begin(note(200, 1), &key(1), at(0), &mut answer));
        drop(nonces.begin(note(201, 1), &key(1), at(0), &mut answer));
        let flood = |number: u8| {
            nonces.begin(note(number, 2), &key(2), at(1), &mut Answer::new(&mut Buffer::zeroed(64))).is_ok()
        };
        assert!((0..others).all(flood), "all are new");
        assert_eq!((nonces.tally().0, nonces.tally().1.evicted), (100, 52), "the bound");
        assert_eq!(run(&nonces, note(200, 3), at(2), 40), Err(Again::Refused), "and no other's is forgotten");
        assert!(flood(0), "but his own oldest");
        assert_eq!(nonces.lock().headings.len(), 100);
    }

    #[test]
    fn a_heading_goes_with_its_nonce() {
        let nonces = Nonces::new(2);
        (0..50).for_each(|number| assert_eq!(run(&nonces, note(number, 1), at(0), 40), Ok(())));
        assert_eq!(nonces.lock().headings.len(), 2);
        assert_eq!(run(&nonces, note(99, 1), at(600), 40), Ok(()));
        assert_eq!(nonces.lock().headings.len(), 1, "their time is over");
        assert_eq!(nonces.tally().0, 1);
    }
}
