//! Answers kept for datagrams that come again.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use raida_reactor::Instant;
use raida_reactor::service::{Answer, Request, Transport};
use raida_wire::Status;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// How long an answer is kept.
const LIFE: Duration = Duration::from_secs(10);

/// The sealed answers to commands that would do something else if they ran a second time: a client that lost the answer
/// gets it again instead.
///
/// Source: protocol §1.11
#[derive(Debug)]
pub(crate) struct Resends {
    table: Mutex<Table>,
    /// How many answers are kept. The oldest makes room for the newest; its command then simply runs again.
    max: usize,
}

#[derive(Debug, Default)]
struct Table {
    answers: HashMap<Letter, Kept>,
    /// Oldest first. Has every key of `answers`.
    order: VecDeque<(Instant, Letter)>,
}

/// Names one datagram: who sent it, and the digest of what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Letter {
    sender: SocketAddr,
    datagram: usize,
    digest: [u8; 32],
}

struct Kept {
    octets: Zeroizing<Vec<u8>>,
    status: Status,
    since: Instant,
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kept").field("status", &self.status).finish_non_exhaustive()
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
    pub(crate) fn new(max: usize) -> Self {
        Self { table: Mutex::default(), max }
    }

    /// Gives the former answer again, if it is still here.
    pub(crate) fn repeat(&self, letter: &Letter, now: Instant, answer: &mut Answer<'_>) -> bool {
        let table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(kept) = table.answers.get(letter).filter(|kept| now < kept.since + LIFE) else { return false };
        write(&kept.octets, kept.status, answer);
        true
    }

    /// Keeps a sealed answer.
    pub(crate) fn keep(&self, letter: Letter, now: Instant, answer: &mut Answer<'_>) {
        if self.max == 0 {
            return;
        }
        let (octets, status) = (octets(answer), answer.status());
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some((since, oldest)) = table.order.front().copied()
            && (table.order.len() >= self.max || since + LIFE <= now)
        {
            table.order.pop_front();
            // The same datagram may have been answered anew since.
            if table.answers.get(&oldest).is_some_and(|kept| kept.since == since) {
                table.answers.remove(&oldest);
            }
        }
        table.order.push_back((now, letter));
        table.answers.insert(letter, Kept { octets, status, since: now });
    }
}

/// Gives one finished answer a second time.
pub(crate) fn copy(first: &mut Answer<'_>, second: &mut Answer<'_>) {
    write(&octets(first), first.status(), second);
}

fn octets(answer: &mut Answer<'_>) -> Zeroizing<Vec<u8>> {
    let range = answer.range();
    Zeroizing::new(answer.buffer(0).get(range).unwrap_or_default().to_vec())
}

fn write(octets: &[u8], status: Status, answer: &mut Answer<'_>) {
    for (to, from) in answer.buffer(octets.len()).iter_mut().zip(octets) {
        *to = *from;
    }
    answer.finish(0..octets.len(), status);
}

#[cfg(test)]
mod tests {
    use raida_reactor::buffer::Buffer;

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
        let is_repeated = resends.repeat(&letter, now, &mut answer);
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
    fn the_oldest_makes_room_and_nothing_piles_up() {
        let resends = Resends::new(4096);
        for number in 0..5000 {
            keep(&resends, letter(number), at(number.into()), b"x");
        }
        let kept = (0..5000).filter(|number| repeated(&resends, letter(*number), at(5000)).is_some());
        assert_eq!(kept.collect::<Vec<_>>(), (904..5000).collect::<Vec<_>>());
        keep(&resends, letter(904), at(20_000_000), b"again");
        let table = resends.table.lock().unwrap();
        assert_eq!((table.order.len(), table.answers.len()), (1, 1));
    }
}
