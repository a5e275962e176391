//! A connection under test: every call checks the invariants that its documentation promises.

use std::mem;
use std::ops::Range;

use raida_conn::{CloseReason, Connection, Deadline, Instant, Phase, Policy, Step};
use raida_wire::{Head, Refusal};

use crate::host::TestHost;

/// One input to a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    Received(Vec<u8>),
    LeftUnread,
    Ended,
    Failed,
    Responded(usize),
    Sent(usize),
    Expired,
    Stop,
    Abort,
}

/// A step as the driver sees it: a request is its octets, wherever they lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Receive,
    Process(Box<Head>, Vec<u8>),
    Refuse(Refusal),
    Send(Range<usize>),
    Linger,
    Close(CloseReason),
    Wait,
}

pub(crate) struct Session {
    pub(crate) policy: Policy,
    pub(crate) host: TestHost,
    /// Microseconds.
    pub(crate) now: u64,
    pub(crate) connection: Connection<Vec<u8>>,
    /// Whether requests are answered later, when the input that brought them is gone.
    pub(crate) defers: bool,
    /// The input that brought the request being served, as long as it is lent.
    lent: Vec<u8>,
    closes: usize,
}

impl Session {
    /// A connection that was accepted at 1 s.
    pub(crate) fn new(policy: Policy) -> Self {
        let now = 1_000_000;
        let connection = Connection::new(Instant::from_micros(now), &policy);
        let (host, lent) = (TestHost::new(), Vec::new());
        let session = Self { policy, host, now, connection, defers: false, lent, closes: 0 };
        session.check(Phase::WantReadHeader, None);
        session
    }

    pub(crate) fn phase(&self) -> Phase {
        self.connection.phase()
    }

    /// Hands an input in, and checks what must hold whatever it was.
    pub(crate) fn give(&mut self, input: Input) -> Seen {
        let (before, is_last) = (self.phase(), self.connection.closes_when_sent());
        let (now, policy, host) = (Instant::from_micros(self.now), &self.policy, &mut self.host);
        let mut octets = mem::take(&mut self.lent);
        if self.defers || !matches!(input, Input::Responded(_)) {
            self.connection.outlive(&octets, host);
            octets.clear();
        }
        let step = match &input {
            Input::Received(input) => {
                octets.clone_from(input);
                self.connection.received(now, input, policy, host)
            }
            Input::LeftUnread => {
                self.connection.left_unread();
                Step::Wait
            }
            Input::Ended => self.connection.ended(host),
            Input::Failed => self.connection.failed(host),
            Input::Responded(len) if self.defers => self.connection.responded(now, *len, policy, host),
            Input::Responded(len) => self.connection.answered(now, *len, &octets, policy, host),
            Input::Sent(count) => self.connection.sent(now, *count, policy, host),
            Input::Expired => self.connection.expired(now, policy, host),
            Input::Stop => self.connection.stop(host),
            Input::Abort => self.connection.abort(host),
        };
        let seen = self.see(step, &mut octets);
        if matches!(seen, Seen::Process(..)) {
            self.lent = octets;
        }
        assert!(leads(&input, before, self.phase()), "{input:?} led from {before:?} to {:?}", self.phase());
        self.check(before, Some(&seen));
        if is_last && matches!(input, Input::Sent(_)) {
            let kept_its_word = matches!(seen, Seen::Send(_) | Seen::Close(CloseReason::Served));
            assert!(kept_its_word, "a last response was followed by {seen:?}");
        }
        seen
    }

    pub(crate) fn receive(&mut self, octets: &[u8]) -> Seen {
        self.give(Input::Received(octets.to_vec()))
    }

    /// Lets time pass.
    pub(crate) fn pass(&mut self, micros: u64) -> &mut Self {
        self.now += micros;
        self
    }

    /// What happens 1 µs before so many microseconds from now are over, and what when they are.
    pub(crate) fn expire_around(&mut self, micros: u64) -> (Seen, Seen) {
        let early = self.pass(micros - 1).give(Input::Expired);
        (early, self.pass(1).give(Input::Expired))
    }

    fn see(&mut self, step: Step<Vec<u8>>, input: &mut [u8]) -> Seen {
        match step {
            Step::Receive => Seen::Receive,
            Step::Process { head, mut request } => {
                let octets = request.get_mut(input).to_vec();
                if let raida_conn::Octets::Stored(..) = request {
                    self.host.held -= 1;
                }
                Seen::Process(Box::new(head), octets)
            }
            Step::Refuse(refusal) => Seen::Refuse(refusal),
            Step::Send(range) => Seen::Send(range),
            Step::Linger => Seen::Linger,
            Step::Close(reason) => {
                self.closes += 1;
                Seen::Close(reason)
            }
            Step::Wait => Seen::Wait,
        }
    }

    fn check(&self, before: Phase, seen: Option<&Seen>) {
        let after = self.phase();
        let owes = !matches!(after, Phase::Processing | Phase::Done);
        assert_eq!(self.connection.deadline().is_some(), owes, "a deadline is set while the peer owes something");
        assert!(self.host.held <= 1, "{} buffers are held", self.host.held);
        assert!(after != Phase::Done || self.host.held == 0, "a buffer outlives the connection");
        assert_eq!(self.closes, usize::from(after == Phase::Done), "a connection closes exactly once");
        match seen {
            Some(Seen::Receive) => {
                assert!(matches!(after, Phase::WantReadHeader | Phase::WantReadBody | Phase::Lingering));
            }
            Some(Seen::Process(head, octets)) => {
                assert_eq!(after, Phase::Processing);
                assert_eq!(octets.len(), head.request_len());
            }
            Some(Seen::Refuse(_)) => assert_eq!(after, Phase::Processing),
            Some(Seen::Send(range)) => {
                assert_eq!(after, Phase::WantWrite);
                assert!(!range.is_empty());
            }
            Some(Seen::Linger) => assert_eq!((before == Phase::Lingering, after), (false, Phase::Lingering)),
            Some(Seen::Close(_)) => assert_ne!(before, Phase::Done),
            Some(Seen::Wait) => assert_eq!(after, before),
            None => {}
        }
    }
}

/// Whether the drawn arrows lead from one phase to another, for this input. Arrows that one call may follow together are
/// listed as one.
fn leads(input: &Input, from: Phase, to: Phase) -> bool {
    use Phase::{Done, Lingering, Processing, WantReadBody, WantReadHeader, WantWrite};
    let reads = matches!(from, WantReadHeader | WantReadBody);
    from == to
        || match input {
            Input::Received(_) => match from {
                WantReadHeader => matches!(to, WantReadBody | Processing),
                WantReadBody => to == Processing,
                Lingering => to == Done,
                Processing | WantWrite | Done => false,
            },
            Input::LeftUnread => false,
            Input::Ended => to == Done && (reads || from == Lingering),
            Input::Failed => to == Done && from != Processing,
            Input::Responded(0) => from == Processing,
            Input::Responded(_) => from == Processing && matches!(to, WantWrite | Done),
            Input::Sent(_) => from == WantWrite,
            Input::Expired => to == Done && from != Processing,
            Input::Stop => to == Done && from == WantReadHeader,
            Input::Abort => to == Done,
        }
}

/// The end that a passed deadline leads to.
pub(crate) fn timeout(what: Deadline, policy: &Policy) -> Seen {
    Seen::Close(CloseReason::Timeout { what, limit: what.limit(policy) })
}
