//! The road to the workers and back.

use std::io;
use std::mem;
use std::ops::Range;
use std::sync::Arc;

use raida_conn::Instant;
use raida_wire::{Head, Status};
use raida_workers::{Config, Pool};

use crate::buffer::Buffer;
use crate::datagrams::ReplyTo;
use crate::service::{Answer, Flow, Place, Request, Service, Transport};
use crate::token::Token;
use std::net::SocketAddr;

/// The pool that deferred requests go to. Shared by all reactors.
pub type WorkerPool = Pool<Job, Finished>;

/// A request on its way to a worker.
#[derive(Debug)]
pub struct Job {
    pub(crate) origin: Origin,
    pub(crate) head: Head,
    pub(crate) peer: SocketAddr,
    pub(crate) transport: Transport,
    /// Holds the request in its first `head.request_len()` octets.
    pub(crate) request: Buffer,
    pub(crate) answer: Buffer,
    /// When the request was whole.
    pub(crate) began: Instant,
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
    pub(crate) origin: Origin,
    pub(crate) head: Head,
    pub(crate) request: Buffer,
    pub(crate) answer: Buffer,
    pub(crate) began: Instant,
    pub(crate) outcome: Outcome,
}

/// How a call of the service ended.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    Answered(Range<usize>, Status),
    /// It panicked, or wrote no answer: a bug, which the client is told with 252.
    Broken,
}

/// Starts the workers that answer deferred requests for `service`.
///
/// # Errors
///
/// A configuration out of range, or what the system said when a thread could not be started.
pub fn pool<S: Service>(service: Arc<S>, config: &Config) -> io::Result<WorkerPool> {
    Pool::new(config, move |job: &mut Job| job.run(&*service), |mut job| job.finish(Outcome::Broken))
}

impl Job {
    fn run<S: Service>(&mut self, service: &S) -> Finished {
        let octets = self.request.as_mut().get_mut(..self.head.request_len()).unwrap_or_default();
        let mut request = Request { head: self.head, octets, peer: self.peer, transport: self.transport };
        let mut answer = Answer::new(&mut self.answer);
        let flow = service.call(&mut request, &mut answer, Place::Worker);
        let outcome = Outcome::of(flow, &answer);
        self.finish(outcome)
    }

    fn finish(&mut self, outcome: Outcome) -> Finished {
        Finished {
            origin: self.origin,
            head: self.head,
            request: mem::take(&mut self.request),
            answer: mem::take(&mut self.answer),
            began: self.began,
            outcome,
        }
    }
}

impl Finished {
    /// The connection that the request came over, if it did not come in a datagram.
    pub(crate) fn connection(&self) -> Option<Token> {
        match self.origin {
            Origin::Connection(token) => Some(token),
            Origin::Datagram(_) => None,
        }
    }
}

impl Outcome {
    /// What a service that returned `flow` has left in `answer`, where deferring (again) is not possible.
    pub(crate) fn of(flow: Flow, answer: &Answer<'_>) -> Self {
        match flow {
            Flow::Answered if !answer.range().is_empty() => Self::Answered(answer.range(), answer.status()),
            Flow::Answered | Flow::Deferred => Self::Broken,
        }
    }
}
