//! What a reactor serves: the request in, the answer out, nothing about how either travels.

use std::net::SocketAddr;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use raida_wire::encryption::Encryption;
use raida_wire::head::Head;
use raida_wire::status::Status;
use raida_wire::vote;

use crate::buffer::Buffer;

/// Decides what a node answers. Shared by all reactors and workers.
///
/// Octets in, octets out: opening the body, running the command and sealing the answer are the service's; framing,
/// deadlines, back-pressure, the execution time in the answer's header (unless the service has written one, so that an answer
/// that is given again is the same in every octet) and every refusal before the key check are the reactor's.
pub trait Service: Send + Sync + 'static {
    /// Check 10 of protocol §3.1, as far as it can be told without blocking: is there a key by this name? Not asked for
    /// type 0, which names none.
    ///
    /// `Ok` also where that is not known yet; [`call`](Self::call) then decides.
    ///
    /// # Errors
    ///
    /// The status that refuses the request: 34 or 25.
    fn admit(&self, head: &Head) -> Result<(), Status>;

    /// The former answer to a datagram that comes again, where [`admit`](Self::admit) refuses it: what it asked for may be
    /// what took its key away. `None` where it is not known; then it is refused.
    ///
    /// [`Flow::Silent`] where it is being answered already. Must neither block nor touch the disk.
    ///
    /// Source: protocol §1.11
    fn repeat(&self, request: &Request<'_>, answer: &mut Answer<'_>) -> Option<Flow> {
        let _ = (request, answer);
        None
    }

    /// Answers a whole request, or defers it.
    ///
    /// At [`Place::Reactor`] it must neither block nor touch the disk; where it would have to, it leaves the octets as
    /// they are and returns [`Flow::Deferred`] or [`Flow::Batched`]. At [`Place::Worker`] it must answer; only of a change
    /// that has proved worth its place in a batch it may say [`Flow::Batched`], with the octets as they were.
    fn call(&self, request: &mut Request<'_>, answer: &mut Answer<'_>, place: Place) -> Flow;

    /// What a request costs to answer at [`Place::Reactor`], as far as its header tells. Asked where the reactor has more
    /// to do than it can, so it must take next to nothing.
    fn weight(&self, head: &Head) -> Weight {
        let _ = head;
        Weight::Unknown
    }

    /// Answers requests for which [`call`](Self::call) returned [`Flow::Batched`], in this order, on the one thread that
    /// all of them go through. It may block. The answers leave when it returns, so what they promise must be on disk by then.
    /// The calls stay in their places. When it panics, every one of them is answered with 252.
    fn call_together(&self, calls: &mut [Call<'_>]);

    /// Answers a vote packet (protocol §6.1) on the I/O thread, without lock, allocation or queue.
    fn vote(&self, request: &vote::Request<'_>) -> [u8; 17];
}

/// Asks the service for a key; 252 where it panics over that.
pub(crate) fn admit<S: Service>(service: &S, head: &Head) -> Result<(), Status> {
    if head.encryption() == Encryption::None {
        return Ok(());
    }
    // Unwind safety: as with `call`, the service has to survive a panic in any case.
    catch_unwind(AssertUnwindSafe(|| service.admit(head))).unwrap_or(Err(Status::INTERNAL))
}

/// One whole request, header checks 2-9 and all length checks passed.
#[derive(Debug)]
pub struct Request<'r> {
    /// The judged header.
    pub head: Head,
    /// Header and body, exactly `head.request_len()` octets. May be decrypted in place.
    pub octets: &'r mut [u8],
    /// Who asks.
    pub peer: SocketAddr,
    /// How it came.
    pub transport: Transport,
}

/// How a request came, and what that means for its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Over a connection; answers of any length.
    Tcp,
    /// In a datagram; answers are bounded (protocol §1.11 item 6).
    Udp {
        /// Length of the whole datagram as it came, padding included, in octets.
        datagram: usize,
        /// No answer may be longer than this.
        limit: usize,
    },
}

/// Where a request is being served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// On an I/O thread: must not block.
    Reactor,
    /// On a worker: may block.
    Worker,
}

/// Whether a request has been answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Flow {
    /// The answer is written.
    Answered,
    /// A worker has to do it.
    Deferred,
    /// There is no answer: the same datagram is being answered already. Over a connection it ends without one.
    Silent,
    /// It changes what is on disk: it goes to [`Service::call_together`], where many such requests share one durable commit.
    Batched,
}

/// What a request costs an I/O thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// Next to nothing. Such a request is always served at once, and limits on how often a source may ask count it apart.
    Light,
    /// The more the longer it is; a worker could do it as well.
    Movable,
    /// Nobody knows, or nothing, because it leaves the thread anyway. It goes where [`Service::call`] says.
    Unknown,
}

/// One request among those that are served together.
#[derive(Debug)]
pub struct Call<'a> {
    /// The request.
    pub request: Request<'a>,
    /// Where its answer is written. Left unfinished, it becomes 252.
    pub answer: Answer<'a>,
}

/// Where a service writes its answer: a buffer with `raida_wire::HEADROOM` octets free in front of the payload.
#[derive(Debug)]
pub struct Answer<'a> {
    buffer: &'a mut Buffer,
    /// Where it begins in the buffer. What lies before it is not its own.
    start: usize,
    range: Range<usize>,
    status: Status,
}

impl<'a> Answer<'a> {
    /// Over `buffer`, nothing written yet.
    pub fn new(buffer: &'a mut Buffer) -> Self {
        Self::behind(buffer, 0)
    }

    /// Over what lies behind the first `start` octets of `buffer`. To whoever writes it, it begins at 0.
    pub(crate) fn behind(buffer: &'a mut Buffer, start: usize) -> Self {
        Self { buffer, start, range: 0..0, status: Status::INTERNAL }
    }

    /// Its first `len` octets, or as many more as were asked for before; the buffer is grown where it is shorter.
    pub fn buffer(&mut self, len: usize) -> &mut [u8] {
        self.buffer.front_mut(self.start + len).get_mut(self.start..).unwrap_or_default()
    }

    /// Declares the answer finished: it lies in `range` of the buffer and carries `status` (for the statistics).
    pub fn finish(&mut self, range: Range<usize>, status: Status) {
        self.range = range;
        self.status = status;
    }

    /// Where the finished answer lies in its buffer; empty while it is not finished.
    #[must_use]
    pub fn range(&self) -> Range<usize> {
        self.range.clone()
    }

    /// The same, counted from the start of the buffer that it is in.
    pub(crate) fn place(&self) -> Range<usize> {
        self.start + self.range.start..self.start + self.range.end
    }

    /// The status it carries.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status
    }
}
