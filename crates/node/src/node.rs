//! The service: a request in, its answer out.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, LazyLock};

use raida_reactor::Instant;
use raida_reactor::service::{Answer, Call, Flow, Place, Request, Service, Weight};
use raida_store::Store;
use raida_wire::response::{self, Form};
use raida_wire::vote::{self, ANSWER_LEN, ROOTS_LEN};
use raida_wire::{Command, Encryption, HEADROOM, Head, LONG, Refusal, Session, Status, open, open_clear};
use tracing::{debug, error};

use crate::asked::Asked;
use crate::books::{Books, Observer};
use crate::dispatch::{Answering, Entry, Work};
use crate::keys::{Keys, Lookup};
use crate::once::Opened;
use crate::peers::Peers;
use crate::reply::Reply;
use crate::resends::Letter;
use crate::setback::{Outcome, Setback, is_last_word};
use crate::settings::{Settings, Surroundings};
use crate::statistics::{Judged, Statistics};
use crate::status;
use crate::together;

/// Longest change that goes into the batch without a proof, in octets: some coins, and some tens of microseconds at most.
const UNPROVED_MAX: usize = 256;
/// Longest Echo that costs next to nothing, in octets.
const ECHO_MAX: usize = 128;

/// Answers requests about the coins of a store. Shared by all reactors and workers.
///
/// A command that panics is answered with 252 under a valid signature, and nothing of it stays; the thread goes on.
pub struct Node {
    settings: Settings,
    pub(crate) surroundings: Surroundings,
    pub(crate) books: Arc<Books>,
    offered: &'static [Entry],
}

impl Node {
    /// A node in these surroundings. Tickets and reservations begin empty.
    #[must_use]
    pub fn new(settings: Settings, surroundings: Surroundings) -> Self {
        Self { books: Arc::new(Books::new(&settings)), offered: Entry::OFFERED, settings, surroundings }
    }

    /// What it has counted.
    #[must_use]
    pub fn statistics(&self) -> &Statistics {
        &self.books.statistics
    }

    /// Who looks at it from outside, also when it has gone to its threads.
    #[must_use]
    pub fn observer(&self) -> Observer {
        Observer::new(&self.books, &self.surroundings)
    }

    /// Its coins.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.surroundings.store
    }

    /// What it was told.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The fifteen Merkle roots that it shows others, zero where integrity is off. Takes no lock.
    ///
    /// Source: protocol §6.1
    #[must_use]
    pub fn roots(&self) -> Arc<[u8; ROOTS_LEN]> {
        static NONE: LazyLock<Arc<[u8; ROOTS_LEN]>> = LazyLock::new(|| Arc::new([0; ROOTS_LEN]));
        if self.settings.integrity { self.store().roots() } else { Arc::clone(&NONE) }
    }

    pub(crate) fn now(&self) -> Instant {
        self.surroundings.clock.now()
    }

    pub(crate) fn peers(&self) -> &dyn Peers {
        &*self.surroundings.peers
    }

    /// The same with other commands.
    #[cfg(test)]
    pub(crate) fn offering(self, offered: &'static [Entry]) -> Self {
        Self { offered, ..self }
    }

    pub(crate) fn entry(&self, command: Command) -> Entry {
        let offered = self.offered.iter().find(|entry| entry.command == command);
        offered.copied().unwrap_or_else(|| Entry::not_offered(command))
    }

    /// Finds the key, opens the envelope, runs the command, seals the answer.
    fn serve(
        &self,
        run: Answering,
        is_once: bool,
        request: &mut Request<'_>,
        answer: &mut Answer<'_>,
        place: Place,
    ) -> Flow {
        let (head, from, transport) = (request.head, request.peer.ip(), request.transport);
        let fingerprint = self.fingerprint(request, is_once);
        let Opened { payload, session, hold } = match self.take(fingerprint, request, answer, place) {
            Ok(opened) => opened,
            Err(flow) => return flow,
        };
        let asked = Asked::new(head, payload, from, transport, place);
        let mut reply = Reply::new(answer, session, transport);
        match guarded(head.command(), || run(self, &asked, &mut reply)) {
            Err(Setback::NotCached) if place == Place::Reactor => {
                reply.into_session().close(request.octets.get_mut(head.header_len()..).unwrap_or_default());
                return Flow::Deferred;
            }
            Err(Setback::Proved) => {
                reply.into_session().close(request.octets.get_mut(head.header_len()..).unwrap_or_default());
                return Flow::Batched;
            }
            outcome => {
                let answer = self.seal(reply, outcome);
                if let Some(hold) = hold.filter(|_| is_last_word(outcome, answer.status())) {
                    hold.keep(self.now(), answer);
                }
            }
        }
        Flow::Answered
    }

    /// Answers an echo in clear: without key and payload, the answer is a header.
    fn echo(&self, request: &Request<'_>, answer: &mut Answer<'_>) {
        let head = &request.head;
        let signature = match open_clear(head, request.octets.get(head.header_len()..).unwrap_or_default()) {
            Ok(signature) => signature,
            Err(refusal) => return self.refuse(refusal, head, answer),
        };
        self.statistics().count(head.command(), Status::SUCCESS, Judged::default());
        let (raida_id, status, group) = (self.settings.raida_id, Status::SUCCESS, head.command().group);
        let form = Form::Short { echo: head.echo(), signature };
        let header = response::Header { raida_id, status, group, elapsed_us: 0, body_size: 0, form };
        let len = answer.buffer(LONG).first_chunk_mut().map_or(0, |room| header.emit(room));
        answer.finish(0..len, status);
    }

    /// Seals what a command came to. Only a result carries a payload.
    pub(crate) fn seal<'r, 'a>(&self, mut reply: Reply<'r, 'a>, outcome: Outcome) -> &'r mut Answer<'a> {
        let status = outcome.unwrap_or_else(|setback| {
            reply.discard();
            match setback {
                Setback::Refused(status) | Setback::InDoubt(status) => {
                    if status == Status::FILESYSTEM {
                        self.statistics().refusals().storage.count();
                    }
                    status
                }
                // Nothing but a defect asks a worker to ask a worker, or the batch to prove.
                Setback::NotCached | Setback::Proved => Status::INTERNAL,
            }
        });
        let (command, judged) = (reply.command(), reply.judged());
        let answer = reply.seal(status, self.settings.raida_id);
        let judged = if outcome.is_ok() { judged } else { Judged::default() };
        self.statistics().count(command, answer.status(), judged);
        answer
    }

    /// Checks 10 and 12 to 17 of protocol §3.1: the clear payload, and what sealing the answer takes.
    pub(crate) fn open<'r>(
        &self,
        request: &'r mut Request<'_>,
        place: Place,
    ) -> Result<(&'r mut [u8], Session), Unopened> {
        let head = request.head;
        let keys = match Keys::find(self.store(), head.key(), place) {
            Lookup::Found(keys) => keys,
            Lookup::Unknown => return Err(head.refuse(head.unknown_key()).into()),
            Lookup::NotCached if place == Place::Reactor => return Err(Unopened::NotCached),
            Lookup::NotCached | Lookup::Failed => return Err(head.refuse(Status::FILESYSTEM).into()),
        };
        let body = request.octets.get_mut(head.header_len()..).unwrap_or_default();
        Ok(open(&head, body, &keys.as_key())?)
    }

    pub(crate) fn refuse(&self, refusal: Refusal, head: &Head, answer: &mut Answer<'_>) {
        let mut random = [0; 24];
        if head.encryption().is_long() {
            // Nothing is encrypted under it: without randomness the client still gets its answer.
            let _ = getrandom::fill(&mut random);
        }
        let mut header = [0; LONG];
        let len = refusal.write(&mut header, self.settings.raida_id, 0, &random);
        let room = answer.buffer(HEADROOM);
        for (to, from) in room.iter_mut().zip(header) {
            *to = from;
        }
        answer.finish(0..len, refusal.status());
        self.statistics().count(head.command(), refusal.status(), Judged::default());
    }
}

/// Why a request was not opened.
#[derive(Debug)]
pub(crate) enum Unopened {
    /// The I/O thread would have to wait for the disk: a worker has to do it.
    NotCached,
    /// The client is told so.
    Refused(Refusal),
}

impl From<Refusal> for Unopened {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// What a command came to; 252 where it panicked, and nobody knows how far it had come.
pub(crate) fn guarded<T>(command: Command, run: impl FnOnce() -> Result<T, Setback>) -> Result<T, Setback> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| {
        error!(%command, "a command panicked: answered with 252");
        Err(Setback::InDoubt(Status::INTERNAL))
    })
}

impl Service for Node {
    fn admit(&self, head: &Head) -> Result<(), Status> {
        match Keys::find(self.store(), head.key(), Place::Reactor) {
            // What took the key away may come again.
            Lookup::Unknown if self.books.nonces.knows(head) => Ok(()),
            Lookup::Unknown => Err(head.unknown_key()),
            Lookup::Found(_) | Lookup::NotCached | Lookup::Failed => Ok(()),
        }
    }

    fn repeat(&self, request: &Request<'_>, answer: &mut Answer<'_>) -> Option<Flow> {
        let letter = Letter::of(request).filter(|_| self.entry(request.head.command()).is_once)?;
        self.books.resends.recall(&letter, self.now(), answer)
    }

    fn weight(&self, head: &Head) -> Weight {
        if head.command() == Command::ECHO && head.request_len() <= ECHO_MAX {
            return Weight::Light;
        }
        match self.entry(head.command()).work {
            Work::Echo | Work::Inline(_) => Weight::Movable,
            Work::Deferred(_) | Work::Together(_) => Weight::Unknown,
        }
    }

    fn call(&self, request: &mut Request<'_>, answer: &mut Answer<'_>, place: Place) -> Flow {
        let command = request.head.command();
        let entry = self.entry(command);
        let run = match (entry.work, place) {
            (Work::Echo, _) if request.head.encryption() == Encryption::None => {
                self.echo(request, answer);
                tell(request, answer.status());
                return Flow::Answered;
            }
            (Work::Echo, _) => status::echo,
            (Work::Inline(run), _) | (Work::Deferred(run), Place::Worker) => run,
            (Work::Deferred(_), Place::Reactor) => return Flow::Deferred,
            (Work::Together(_), place) => match (entry.proof, place) {
                (Some(_), Place::Reactor) if request.head.request_len() > UNPROVED_MAX => return Flow::Deferred,
                (_, Place::Reactor) => return Flow::Batched,
                (Some(proof), Place::Worker) if request.head.request_len() > UNPROVED_MAX => proof,
                (_, Place::Worker) => {
                    together::serve(self, [(request, answer)].into_iter());
                    return Flow::Answered;
                }
            },
        };
        let flow = self.serve(run, entry.is_once, request, answer, place);
        if flow == Flow::Answered {
            tell(request, answer.status());
        }
        flow
    }

    fn call_together(&self, calls: &mut [Call<'_>]) {
        together::serve(self, calls.iter_mut().map(|Call { request, answer }| (request, answer)));
    }

    fn vote(&self, request: &vote::Request<'_>) -> [u8; ANSWER_LEN] {
        vote::answer(request, &self.roots())
    }
}

/// Says in the log what was refused.
pub(crate) fn tell(request: &Request<'_>, status: Status) {
    if !status.is_result() {
        debug!(peer = %request.peer, command = %request.head.command(), %status, "request refused");
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node")
            .field("raida_id", &self.settings.raida_id)
            .field("statistics", &self.statistics().read())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use raida_reactor::service::Transport;

    use super::*;
    use crate::testing::{Coins, ask, ask_at, in_clear, node_of};

    /// A node on which Echo does this.
    fn node_with(offered: &'static [Entry]) -> Node {
        node_of(3, &Coins::new()).offering(offered)
    }

    #[test]
    fn a_command_that_panics_is_answered_with_252_under_a_valid_signature() {
        const PANICS: &[Entry] = &[Entry::new(
            Command::ECHO,
            Work::Inline(|_, _, reply| {
                reply.payload(b"half an answer");
                panic!("a defect")
            }),
        )];
        let node = node_with(PANICS);
        let (octets, pending) = in_clear(&node, Command::ECHO, b"");
        let mut answer = ask(&node, &octets, Transport::Tcp).unwrap();
        let response = pending.read(&mut answer).unwrap();
        assert!(response.is_verified && response.payload.is_empty());
        assert_eq!(response.status, Status::INTERNAL);
    }

    #[test]
    fn a_datagram_that_comes_again_while_it_runs_gets_one_answer_and_runs_once() {
        static RENDEZVOUS: Barrier = Barrier::new(2);
        static RUNS: AtomicUsize = AtomicUsize::new(0);
        const SLOW: &[Entry] = &[Entry {
            is_once: true,
            ..Entry::new(
                Command::ECHO,
                Work::Deferred(|_, _, _| {
                    RUNS.fetch_add(1, Ordering::Relaxed);
                    RENDEZVOUS.wait();
                    RENDEZVOUS.wait();
                    Ok(Status::SUCCESS)
                }),
            )
        }];
        let node = node_with(SLOW);
        let (octets, _) = in_clear(&node, Command::ECHO, b"");
        let udp = Transport::Udp { datagram: octets.len(), limit: 1440 };
        let ask = || ask_at(&node, &octets, udp, Place::Worker);
        thread::scope(|scope| {
            let first = scope.spawn(ask);
            RENDEZVOUS.wait();
            assert_eq!(ask(), None, "whoever runs it will answer");
            RENDEZVOUS.wait();
            let answer = first.join().unwrap();
            assert_eq!((answer.clone().unwrap()[2], ask()), (Status::SUCCESS.0, answer));
        });
        assert_eq!(RUNS.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_command_runs_where_it_may_and_elsewhere_it_is_passed_on() {
        const DEFERRED: &[Entry] = &[Entry::new(Command::ECHO, Work::Deferred(|_, _, _| Ok(Status::SUCCESS)))];
        const TOGETHER: &[Entry] = &[Entry::new(Command::ECHO, Work::Together(|_, _, _, _| Ok(Status::SUCCESS)))];
        const UNSURE: &[Entry] = &[Entry::new(
            Command::ECHO,
            Work::Inline(|_, asked, _| match asked.place {
                Place::Reactor => Err(Setback::NotCached),
                Place::Worker => Ok(Status::SUCCESS),
            }),
        )];
        for offered in [DEFERRED, TOGETHER, UNSURE] {
            let node = node_with(offered);
            let (octets, _) = in_clear(&node, Command::ECHO, b"");
            assert_eq!(ask_at(&node, &octets, Transport::Tcp, Place::Reactor), None);
            for answer in [ask_at(&node, &octets, Transport::Tcp, Place::Worker), ask(&node, &octets, Transport::Tcp)] {
                assert_eq!(answer.unwrap()[2], Status::SUCCESS.0);
            }
        }
    }
}
