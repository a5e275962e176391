//! Requests that must not run a second time.

use std::time::Duration;

use raida_reactor::Instant;
use raida_reactor::service::{Answer, Flow, Place, Request, Transport};
use raida_reactor::stamp::stamp;
use raida_wire::{Head, Session, Status};

use crate::books::Books;
use crate::node::{Node, Unopened};
use crate::nonces::{Again, Note, Using};
use crate::resends::{Letter, Running, Turn};

/// The shortest time that counts as written: zero is for the reactor to fill in.
const SHORTEST: Duration = Duration::from_micros(1);

/// What makes a request the same as another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Fingerprint {
    /// A datagram that would do something else if it ran again.
    Letter(Letter),
    /// A request under a nonce, and whether it came in a datagram: other answers fit there.
    Note(Note, bool),
}

/// A request that runs. Until this is dropped, the same one does not run a second time.
pub(crate) struct Hold<'n> {
    head: Head,
    began: Instant,
    claim: Claim<'n>,
}

enum Claim<'n> {
    Letter(Running<'n>),
    Note(Using<'n>),
}

/// A request that is to run now.
pub(crate) struct Opened<'r, 'n> {
    /// The clear payload.
    pub(crate) payload: &'r mut [u8],
    /// What sealing the answer takes.
    pub(crate) session: Session,
    /// Where it must not run a second time.
    pub(crate) hold: Option<Hold<'n>>,
}

impl Fingerprint {
    /// Counts a request that came again in one batch, and was answered with it.
    pub(crate) fn count_repeated(&self, books: &Books) {
        match self {
            Self::Letter(_) => books.resends.count_repeated(),
            Self::Note(..) => books.nonces.count_repeated(),
        }
    }
}

impl Hold<'_> {
    /// Keeps the sealed answer for whoever asks the same again. It gets its execution time here, so that it is the same in
    /// every octet whenever it is given.
    pub(crate) fn keep(self, now: Instant, answer: &mut Answer<'_>) {
        let elapsed = now.saturating_duration_since(self.began).max(SHORTEST);
        let range = answer.range();
        stamp(answer.buffer(range.end).get_mut(range).unwrap_or_default(), &self.head, elapsed);
        match self.claim {
            Claim::Letter(running) => running.keep(now, answer),
            Claim::Note(using) => using.keep(now, answer),
        }
    }
}

impl Node {
    /// By what a request would be known again; `None` where it may run as often as it comes. `is_once`: a second time it
    /// would do something else.
    pub(crate) fn fingerprint(&self, request: &Request<'_>, is_once: bool) -> Option<Fingerprint> {
        match self.books.nonces.note(request) {
            Some(note) => Some(Fingerprint::Note(note, request.transport != Transport::Tcp)),
            None if is_once => Letter::of(request).map(Fingerprint::Letter),
            None => None,
        }
    }

    /// Opens a request that is to run now.
    ///
    /// # Errors
    ///
    /// It is not: it was refused or answered as it was before, the same runs already, or the disk has to be asked for its key.
    pub(crate) fn take<'r>(
        &self,
        fingerprint: Option<Fingerprint>,
        request: &'r mut Request<'_>,
        answer: &mut Answer<'_>,
        place: Place,
    ) -> Result<Opened<'r, '_>, Flow> {
        let (head, transport) = (request.head, request.transport);
        let mut hold = match fingerprint {
            Some(Fingerprint::Letter(letter)) => match self.books.resends.begin(letter, self.now(), answer) {
                Turn::First(running) => Some(self.hold(head, Claim::Letter(running))),
                Turn::Repeated => return Err(Flow::Answered),
                Turn::Running => return Err(Flow::Silent),
            },
            Some(Fingerprint::Note(..)) | None => None,
        };
        let (payload, session) = match self.open(request, place) {
            Ok(opened) => opened,
            Err(Unopened::NotCached) => return Err(Flow::Deferred),
            Err(Unopened::Refused(refusal)) => {
                if let Some(Fingerprint::Note(note, _)) = fingerprint
                    && let Some(again) = self.books.nonces.recall(&note, self.now(), answer)
                {
                    return Err(self.turn_away(again, &head, transport, answer));
                }
                self.refuse(refusal, &head, answer);
                return Err(Flow::Answered);
            }
        };
        if let Some(Fingerprint::Note(note, _)) = fingerprint {
            match self.books.nonces.begin(note, session.key(), self.now(), answer) {
                Ok(using) => hold = Some(self.hold(head, Claim::Note(using))),
                Err(again) => return Err(self.turn_away(again, &head, transport, answer)),
            }
        }
        Ok(Opened { payload, session, hold })
    }

    fn hold<'n>(&self, head: Head, claim: Claim<'n>) -> Hold<'n> {
        Hold { head, began: self.now(), claim }
    }

    /// Answers a request whose nonce has been used before.
    fn turn_away(&self, again: Again, head: &Head, transport: Transport, answer: &mut Answer<'_>) -> Flow {
        match (again, transport) {
            (Again::Answered, _) => {}
            // Whoever runs it will answer.
            (Again::Running, Transport::Udp { .. }) => return Flow::Silent,
            (Again::Running, Transport::Tcp) => self.refuse(head.refuse(Status::REQUEST_RATE), head, answer),
            (Again::Refused, _) => self.refuse(head.refuse(Status::INVALID_ENCRYPTION), head, answer),
        }
        Flow::Answered
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Barrier};
    use std::thread;

    use raida_wire::{AuthenticityNumber, Challenge, CoinId, Command, Pending, Recipient, Sender};

    use super::*;
    use crate::dispatch::{Entry, Work};
    use crate::settings::{Settings, Surroundings};
    use crate::testing::{COIN_ID, Coins, HandClock, PEER, ask, ask_at, ask_together, settings, surroundings};

    const UDP: Transport = Transport::Udp { datagram: 2000, limit: 1440 };
    const BOTH: [Transport; 2] = [Transport::Tcp, UDP];

    fn coin(number: u32) -> CoinId {
        CoinId::new(0, number).unwrap()
    }

    fn claim(number: u32, octet: u8) -> Vec<u8> {
        [&coin(number).raw().0[..], &[octet; 16]].concat()
    }

    fn pown(number: u32, old: u8, new: u8) -> Vec<u8> {
        [claim(number, old), vec![new; 16]].concat()
    }

    fn coins() -> Coins {
        (0..8).fold(Coins::new(), |coins, number| coins.with_coin(coin(number), [1; 16].into()))
    }

    fn node(coins: &Coins, nonces_max: usize) -> Node {
        Node::new(Settings { nonces_max, ..settings(14) }, surroundings(coins))
    }

    /// A request of type 1 under coin 7 with this nonce, and what reads its answer.
    fn sealed(command: Command, payload: &[u8], nonce: u8) -> (Vec<u8>, Pending) {
        under(7, 1, command, payload, nonce)
    }

    fn under(key: u32, number: u8, command: Command, payload: &[u8], nonce: u8) -> (Vec<u8>, Pending) {
        let number = AuthenticityNumber::new([number; 16]);
        let challenge = Challenge::new([9; 12]);
        let sender = Sender::Coin { coin: coin(key), number: &number, nonce: [nonce; 8], challenge };
        let recipient = Recipient { raida_id: 14, coin_id: COIN_ID, shard: 0 };
        let request = raida_wire::Request::new(recipient, command, sender);
        let mut octets = vec![0; request.built_len(payload.len())];
        let (_, pending) = request.build(&mut octets, payload).unwrap();
        (octets, pending)
    }

    fn status(answer: Option<Vec<u8>>) -> Status {
        Status(answer.unwrap()[2])
    }

    /// What a node refuses without a signature.
    fn refusal(status: Status, octets: &[u8]) -> Vec<u8> {
        let mut answer = [vec![14, 0, status.0, octets[4], 0, 1], octets[30..32].to_vec()].concat();
        answer.resize(32, 0);
        answer
    }

    #[test]
    fn without_a_memory_one_nonce_serves_for_everything() {
        let node = node(&coins(), 0);
        for transport in BOTH {
            for command in [Command::ECHO, Command::VERSION, Command::ECHO] {
                let (octets, pending) = sealed(command, b"", 5);
                let mut answer = ask(&node, &octets, transport).unwrap();
                assert_eq!(pending.read(&mut answer).unwrap().status, Status::SUCCESS);
            }
        }
        assert_eq!(node.observer().figures().nonces_kept, 0);
    }

    #[test]
    fn on_every_road_the_same_gets_the_same_and_everything_else_34() {
        for (first, again) in [(0, 0), (0, 1), (1, 0), (1, 1)].map(|(a, b): (usize, usize)| (BOTH[a], BOTH[b])) {
            let node = node(&coins(), 100);
            let sum = [&coin(1).raw().0[..], &[1; 16]].concat();
            for (nonce, command, payload, expected) in [
                (1, Command::DETECT, [claim(1, 1), claim(2, 9)].concat(), Status::MIXED),
                (2, Command::DETECT_SUM, sum, Status::ALL_PASS),
                (3, Command::POWN, pown(3, 1, 2), Status::ALL_PASS),
                (4, Command::GET_TICKET, claim(4, 1), Status::ALL_PASS),
                (5, Command::ECHO, Vec::new(), Status::SUCCESS),
            ] {
                let (octets, pending) = sealed(command, &payload, nonce);
                let answer = ask(&node, &octets, first).unwrap();
                assert_eq!(pending.read(&mut answer.clone()).unwrap().status, expected, "{command}");
                assert_eq!(ask(&node, &octets, again), Some(answer), "{command}");
                // The attack: recorded ciphertext, under a command whose answer is known.
                let mut attack = octets.clone();
                (attack[4], attack[5]) = (Command::VERSION.group, Command::VERSION.code);
                let refused = refusal(Status::INVALID_ENCRYPTION, &attack);
                assert_eq!(ask(&node, &attack, again), Some(refused), "{command}");
            }
            let figures = node.observer().figures();
            assert_eq!((figures.nonces_kept, figures.nonces_repeated, figures.nonces_refused), (5, 5, 5));
            assert_eq!((figures.coins_powned, figures.tickets_issued), (1, 1), "nothing ran twice");
        }
    }

    #[test]
    fn a_request_that_takes_its_own_key_away_gets_its_answer_again() {
        let taken: [(Command, Vec<u8>); 2] = [
            (Command::POWN, pown(7, 1, 2)),
            (Command::STORE, {
                let mut key = [2; 16];
                key[12..].fill(0xFF);
                [&coin(7).raw().0[..], &[1; 16], &key].concat()
            }),
        ];
        for ((command, payload), transport) in taken.into_iter().flat_map(|taken| BOTH.map(|to| (taken.clone(), to))) {
            let node = node(&coins(), 100);
            let (octets, pending) = sealed(command, &payload, 5);
            let answer = ask(&node, &octets, transport).unwrap();
            assert!(pending.read(&mut answer.clone()).unwrap().status.is_result(), "{command}");
            assert_eq!(ask(&node, &octets, transport), Some(answer), "{command}");
            let mut other = octets;
            other[40] ^= 1;
            assert_eq!(status(ask(&node, &other, transport)), Status::INVALID_CRC, "{command}: the key is another one");
            assert_eq!(node.statistics().read().coins_powned, 1);
        }
    }

    #[test]
    fn an_emptied_locker_tells_again_how_it_was_emptied() {
        let key = [3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 0xFF, 0xFF, 0xFF, 0xFF];
        for transport in BOTH {
            let node = node(&Coins::new().with_locker(key), 100);
            let taken = CoinId::new(6, 1_000_000).unwrap();
            let number = AuthenticityNumber::new(key);
            let sender = Sender::Locker { key: &number, nonce: [5; 8], challenge: Challenge::new([9; 12]) };
            let recipient = Recipient { raida_id: 14, coin_id: COIN_ID, shard: 0 };
            let request = raida_wire::Request::new(recipient, Command::REMOVE, sender);
            let payload = [&key[..], &taken.raw().0, &[8; 16]].concat();
            let mut octets = vec![0; request.built_len(payload.len())];
            request.build(&mut octets, &payload).unwrap();
            let answer = ask(&node, &octets, transport).unwrap();
            assert_eq!(Status(answer[2]), Status::ALL_PASS);
            assert_eq!(ask(&node, &octets, transport), Some(answer), "nobody has that key any more");
            let mut other = octets;
            other[40] ^= 1;
            assert_eq!(status(ask(&node, &other, transport)), Status::INVALID_ENCRYPTION);
        }
    }

    #[test]
    fn a_locker_and_its_coins_have_one_key_and_one_memory() {
        let key = [3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 0xFF, 0xFF, 0xFF, 0xFF];
        let node = node(&Coins::new().with_locker(key), 100);
        let (number, challenge) = (AuthenticityNumber::new(key), Challenge::new([9; 12]));
        let recipient = Recipient { raida_id: 14, coin_id: COIN_ID, shard: 0 };
        let coin = CoinId::new(6, 1_000_000).unwrap();
        let answered = [
            Sender::Locker { key: &number, nonce: [5; 8], challenge },
            Sender::Coin { coin, number: &number, nonce: [5; 8], challenge },
        ]
        .map(|sender| {
            let mut octets = [0; 50];
            raida_wire::Request::new(recipient, Command::ECHO, sender).build(&mut octets, b"").unwrap();
            status(ask(&node, &octets, Transport::Tcp))
        });
        assert_eq!(answered, [Status::SUCCESS, Status::INVALID_ENCRYPTION]);
    }

    #[test]
    fn whoever_has_not_the_key_fills_no_memory() {
        let node = node(&coins(), 100);
        for nonce in 0..50 {
            let (octets, _) = under(7, 99, Command::ECHO, b"", nonce);
            assert_eq!(status(ask(&node, &octets, Transport::Tcp)), Status::INVALID_CRC);
            let (octets, _) = under(99, 1, Command::ECHO, b"", nonce);
            assert_eq!(status(ask(&node, &octets, UDP)), Status::INVALID_ENCRYPTION);
        }
        let figures = node.observer().figures();
        assert_eq!((figures.nonces_kept, figures.nonces_refused), (0, 0));
    }

    #[test]
    fn what_was_refused_may_be_tried_again_and_its_nonce_stays_taken() {
        let node = node(&coins(), 100);
        let (octets, _) = sealed(Command::DETECT, &[0; 22], 5);
        for transport in BOTH {
            assert_eq!(status(ask(&node, &octets, transport)), Status::COINS_NOT_DIV);
        }
        let (other, _) = sealed(Command::ECHO, b"", 5);
        assert_eq!(status(ask(&node, &other, Transport::Tcp)), Status::INVALID_ENCRYPTION);
    }

    #[test]
    fn who_is_told_to_use_tcp_may_do_so_with_the_same_octets() {
        const LONG: &[Entry] = &[Entry::new(
            Command::PEEK,
            Work::Deferred(|_, _, reply| {
                reply.payload(&[7; 1600]);
                Ok(Status::SUCCESS)
            }),
        )];
        let node = node(&coins(), 100).offering(LONG);
        let (octets, pending) = sealed(Command::PEEK, b"", 5);
        assert_eq!(status(ask(&node, &octets, UDP)), Status::INVALID_UDP_FRAME_COUNT);
        let answer = ask(&node, &octets, Transport::Tcp).unwrap();
        assert_eq!(pending.read(&mut answer.clone()).unwrap().payload, [7; 1600]);
        assert_eq!(ask(&node, &octets, Transport::Tcp), Some(answer));
    }

    #[test]
    fn what_goes_to_a_worker_for_the_disk_is_no_second_use() {
        let node = node(&coins().with_coin(coin(5000), [1; 16].into()).cold(), 100);
        // Where first the key, then only the coin that is asked for has to come from the disk.
        for (number, nonce) in [(1, 5), (5000, 6)] {
            let (octets, pending) = sealed(Command::DETECT, &claim(number, 1), nonce);
            assert_eq!(ask_at(&node, &octets, Transport::Tcp, Place::Reactor), None, "its coin is not at hand");
            let answer = ask_at(&node, &octets, Transport::Tcp, Place::Worker).unwrap();
            assert_eq!(pending.read(&mut answer.clone()).unwrap().status, Status::ALL_PASS);
            assert_eq!(ask_at(&node, &octets, Transport::Tcp, Place::Reactor), Some(answer));
        }
    }

    #[test]
    fn in_one_batch_the_same_request_runs_once() {
        let node = node(&coins(), 100);
        let (octets, pending) = sealed(Command::POWN, &pown(7, 1, 2), 5);
        let (other, _) = sealed(Command::POWN, &pown(6, 1, 2), 5);
        let asked = [(&octets, Transport::Tcp), (&octets, Transport::Tcp), (&octets, UDP), (&other, Transport::Tcp)];
        let answers = ask_together(&node, &asked.map(|(octets, transport)| (&octets[..], transport, PEER)));
        let [Some(first), again, by_datagram, other] = &answers[..] else { panic!("{answers:?}") };
        assert_eq!(pending.read(&mut first.clone()).unwrap().status, Status::ALL_PASS);
        assert_eq!(again.as_ref(), Some(first));
        assert_eq!(status(by_datagram.clone()), Status::REQUEST_RATE, "by another road it has to wait");
        assert_eq!(status(other.clone()), Status::INVALID_ENCRYPTION);
        assert_eq!(ask(&node, &octets, UDP).as_ref(), Some(first), "a moment later");
        assert_eq!(node.statistics().read().coins_powned, 1);
    }

    #[test]
    fn the_same_request_does_not_run_twice_at_once() {
        static RENDEZVOUS: Barrier = Barrier::new(2);
        const SLOW: &[Entry] = &[Entry::new(
            Command::PEEK,
            Work::Deferred(|_, _, _| {
                RENDEZVOUS.wait();
                RENDEZVOUS.wait();
                Ok(Status::SUCCESS)
            }),
        )];
        let node = node(&coins(), 100).offering(SLOW);
        let (octets, _) = sealed(Command::PEEK, b"", 5);
        thread::scope(|scope| {
            let first = scope.spawn(|| status(ask(&node, &octets, Transport::Tcp)));
            RENDEZVOUS.wait();
            let early = ask(&node, &octets, Transport::Tcp);
            assert_eq!(early, Some(refusal(Status::REQUEST_RATE, &octets)), "later");
            assert_eq!(ask_at(&node, &octets, UDP, Place::Worker), None, "whoever runs it will answer");
            RENDEZVOUS.wait();
            assert_eq!(first.join().unwrap(), Status::SUCCESS);
        });
        assert_eq!(status(ask(&node, &octets, UDP)), Status::SUCCESS);
        assert_eq!(node.observer().figures().nonces_awaited, 2);
    }

    #[test]
    fn after_ten_minutes_a_nonce_is_as_good_as_new() {
        let clock = HandClock::default();
        let surroundings = Surroundings { clock: Arc::new(clock.clone()), ..surroundings(&coins()) };
        let node = Node::new(Settings { nonces_max: 100, ..settings(14) }, surroundings);
        let [(echo, _), (version, _)] = [Command::ECHO, Command::VERSION].map(|command| sealed(command, b"", 5));
        assert_eq!(status(ask(&node, &echo, Transport::Tcp)), Status::SUCCESS);
        clock.advance(std::time::Duration::from_secs(599));
        assert_eq!(status(ask(&node, &version, Transport::Tcp)), Status::INVALID_ENCRYPTION);
        clock.advance(std::time::Duration::from_secs(1));
        assert_eq!(status(ask(&node, &version, Transport::Tcp)), Status::SUCCESS);
    }
}
