//! The roads away from the I/O thread and back: to the workers, and to the batch.

#[cfg(feature = "testing")]
pub mod single_thread;

use std::io;
use std::mem;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use raida_conn::Instant;
use raida_wire::{Head, Status};
use raida_workers::{Batcher, BatcherConfig, Config, Pool};
use tracing::{info, warn};

use crate::buffer::Buffer;
use crate::datagrams::ReplyTo;
use crate::flights::Claim;
use crate::service::{Answer, Call, Flow, Place, Request, Service, Transport};
use crate::token::Token;

/// The pool that deferred requests go to. Shared by all reactors.
pub type WorkerPool = Pool<Job, Finished>;

/// The thread that batched requests go to. Shared by all reactors.
pub type JobBatcher = Batcher<Job, Finished>;

/// Both roads. A clone leads to the same threads.
#[derive(Clone, Debug)]
pub struct Roads {
    /// For [`Flow::Deferred`].
    pub pool: Arc<WorkerPool>,
    /// For [`Flow::Batched`].
    pub batcher: Arc<JobBatcher>,
}

impl Roads {
    /// Starts the threads at their ends, to answer for `service`.
    ///
    /// # Errors
    ///
    /// As for [`pool`] and [`batcher`].
    pub fn start<S: Service>(service: &Arc<S>, workers: &Config, batches: &BatcherConfig) -> io::Result<Self> {
        let pool = Arc::new(pool(Arc::clone(service), workers)?);
        Ok(Self { pool, batcher: Arc::new(batcher(Arc::clone(service), batches)?) })
    }

    /// Finishes every accepted job and waits for the threads, for `limit` by each road. What is late is logged, and
    /// nobody waits for it any more.
    pub fn shutdown_within(&self, limit: Duration) {
        for end in [self.pool.shutdown_within(limit), self.batcher.shutdown_within(limit)] {
            end.unwrap_or_else(|leftover| warn!("{leftover}"));
        }
        info!(workers = ?self.pool, batches = ?self.batcher, "no more requests");
    }
}

/// Which of them a request takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Road {
    Pool,
    Batch,
}

impl Road {
    pub(crate) const BOTH: [Self; 2] = [Self::Pool, Self::Batch];
}

/// A request on its way to another thread.
#[derive(Debug)]
pub struct Job {
    pub(crate) road: Road,
    pub(crate) origin: Origin,
    pub(crate) head: Head,
    pub(crate) peer: SocketAddr,
    pub(crate) transport: Transport,
    /// Holds the request in its first `head.request_len()` octets.
    pub(crate) request: Buffer,
    pub(crate) answer: Buffer,
    /// When the request was whole.
    pub(crate) began: Instant,
    /// Broken until the service says otherwise.
    pub(crate) outcome: Outcome,
    /// Whether it may be worked on; there once it has left.
    pub(crate) claim: Option<Claim>,
    /// Somebody works on it.
    pub(crate) is_begun: bool,
}

/// Where an answer goes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Origin {
    Connection(Token),
    Datagram(ReplyTo),
}

/// What came of a [`Job`]. Carries both buffers home.
#[derive(Debug)]
pub struct Finished {
    pub(crate) road: Road,
    pub(crate) origin: Origin,
    pub(crate) head: Head,
    pub(crate) transport: Transport,
    pub(crate) request: Buffer,
    pub(crate) answer: Buffer,
    pub(crate) began: Instant,
    pub(crate) outcome: Outcome,
    /// Where it was noted when it left.
    pub(crate) place: Option<u32>,
    /// Somebody else has answered it meanwhile.
    pub(crate) is_given_up: bool,
}

/// How a call of the service ended.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    Answered(Range<usize>, Status),
    /// On purpose without an answer.
    Silent,
    /// A worker has seen that it is worth a place in the batch.
    Batched,
    /// It panicked, or wrote no answer: a bug, which the client is told with 252.
    Broken,
}

/// Starts the workers that answer deferred requests for `service`.
///
/// # Errors
///
/// A configuration out of range, or what the system said when a thread could not be started.
pub fn pool<S: Service>(service: Arc<S>, config: &Config) -> io::Result<WorkerPool> {
    Pool::new(config, move |job: &mut Job| job.run(&*service), |mut job| job.finish())
}

/// Starts the thread that answers batched requests for `service`, many together.
///
/// Once the largest batch has been seen, a batch costs no allocation here.
///
/// # Errors
///
/// A configuration out of range, or what the system said when the thread could not be started.
pub fn batcher<S: Service>(service: Arc<S>, config: &BatcherConfig) -> io::Result<JobBatcher> {
    Batcher::new(config, together(service), |mut job| job.finish(), |mut job| job.finish())
}

/// Answers jobs together.
fn together<S: Service>(service: Arc<S>) -> impl FnMut(&mut [Job]) + Send + 'static {
    let (mut calls, mut outcomes) = (Vec::new(), Vec::new());
    move |jobs: &mut [Job]| {
        let mut these = emptied(mem::take(&mut calls));
        these.extend(jobs.iter_mut().filter_map(|job| job.begin().then(|| job.call())));
        if !these.is_empty() {
            service.call_together(&mut these);
        }
        outcomes.extend(these.iter().map(|call| Outcome::of(Flow::Answered, &call.answer)));
        calls = emptied(these);
        for (job, outcome) in jobs.iter_mut().filter(|job| job.is_begun).zip(outcomes.drain(..)) {
            job.outcome = outcome;
        }
    }
}

/// The memory of a list of calls, for calls that borrow from something else: collecting in place allocates nothing.
fn emptied<'to>(mut calls: Vec<Call<'_>>) -> Vec<Call<'to>> {
    calls.clear();
    calls.into_iter().map_while(|_| None).collect()
}

impl Job {
    /// Whether this may be worked on: not where the reactor has given it up. From then on it may not be given up.
    pub(crate) fn begin(&mut self) -> bool {
        self.is_begun |= self.claim.as_ref().is_some_and(Claim::take);
        self.is_begun
    }

    fn run<S: Service>(&mut self, service: &S) -> Finished {
        if !self.begin() {
            return self.finish();
        }
        let Call { mut request, mut answer } = self.call();
        let flow = service.call(&mut request, &mut answer, Place::Worker);
        self.outcome = match flow {
            Flow::Batched => Outcome::Batched,
            Flow::Answered | Flow::Deferred | Flow::Silent => Outcome::of(flow, &answer),
        };
        self.finish()
    }

    fn call(&mut self) -> Call<'_> {
        let octets = self.request.as_mut().get_mut(..self.head.request_len()).unwrap_or_default();
        let request = Request { head: self.head, octets, peer: self.peer, transport: self.transport };
        Call { request, answer: Answer::new(&mut self.answer) }
    }

    fn finish(&mut self) -> Finished {
        Finished {
            road: self.road,
            origin: self.origin,
            head: self.head,
            transport: self.transport,
            request: mem::take(&mut self.request),
            answer: mem::take(&mut self.answer),
            began: self.began,
            outcome: mem::replace(&mut self.outcome, Outcome::Broken),
            place: self.claim.as_ref().map(Claim::place),
            is_given_up: false,
        }
    }
}

impl Finished {
    /// The connection that waits for it, if one does.
    pub(crate) fn connection(&self) -> Option<Token> {
        if self.is_given_up { None } else { self.origin.connection() }
    }

    /// The same request, on its way once more.
    pub(crate) fn again(self, road: Road, peer: SocketAddr) -> Job {
        let Self { origin, head, transport, request, answer, began, .. } = self;
        let outcome = Outcome::Broken;
        Job { road, origin, head, peer, transport, request, answer, began, outcome, claim: None, is_begun: false }
    }
}

impl Origin {
    /// The connection, if it is one.
    pub(crate) fn connection(&self) -> Option<Token> {
        match self {
            Self::Connection(token) => Some(*token),
            Self::Datagram(_) => None,
        }
    }
}

impl Outcome {
    /// What a service that returned `flow` has left in `answer`, where deferring (again) is not possible.
    pub(crate) fn of(flow: Flow, answer: &Answer<'_>) -> Self {
        match flow {
            Flow::Answered if !answer.range().is_empty() => Self::Answered(answer.place(), answer.status()),
            Flow::Silent => Self::Silent,
            Flow::Answered | Flow::Deferred | Flow::Batched => Self::Broken,
        }
    }
}

#[cfg(test)]
mod tests {
    use raida_wire::{Command, Recipient, Rules, Sender};

    use super::*;

    #[test]
    fn the_memory_of_a_batch_is_kept_for_the_next() {
        let sender = Sender::Nobody { echo: [1, 2], challenge: raida_wire::Challenge::new([9; 12]) };
        let recipient = Recipient { raida_id: 3, coin_id: 6, shard: 0 };
        let mut octets = [0; 50];
        raida_wire::Request::new(recipient, Command::POWN, sender).build(&mut octets, b"").expect("it fits");
        let rules = Rules { raida_id: 3, coin_id: 6, body_max: u16::MAX };
        let head = Head::judge(&octets, &rules).expect("a good header").expect("a whole header");

        let mut buffer = Buffer::zeroed(64);
        let (peer, transport) = (([127, 0, 0, 1], 1).into(), Transport::Tcp);
        let mut calls = Vec::with_capacity(100);
        let request = Request { head, octets: &mut octets, peer, transport };
        calls.push(Call { request, answer: Answer::new(&mut buffer) });
        let memory = (calls.as_ptr().addr(), calls.capacity());
        let next: Vec<Call<'static>> = emptied(calls);
        assert_eq!((next.as_ptr().addr(), next.capacity(), next.len()), (memory.0, memory.1, 0));
    }
}
