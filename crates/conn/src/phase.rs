//! The phases of a connection, and the only ways from one to the next.

use core::mem;
use core::ops::Range;

use raida_wire::{Head, LONG};

use crate::deadline::{Deadline, Patience};
use crate::host::Host;
use crate::instant::Instant;
use crate::policy::Policy;
use crate::surplus::Surplus;

/// Where a connection is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// The header of a request is not complete.
    WantReadHeader,
    /// The header is accepted, the body is not complete.
    WantReadBody,
    /// Somebody works on the answer. Nothing is asked of the peer.
    Processing,
    /// The answer is not written completely.
    WantWrite,
    /// The answer is written, the sending side shut down; what still comes is discarded.
    Lingering,
    /// Closed.
    Done,
}

/// A phase with exactly what it needs. Each of the types inside can be made only from one that precedes it.
pub(crate) enum State<B> {
    WantReadHeader(WantReadHeader),
    WantReadBody(WantReadBody<B>),
    Processing(Processing<B>),
    WantWrite(WantWrite<B>),
    Lingering(Lingering),
    Done,
}

impl<B> State<B> {
    pub(crate) fn phase(&self) -> Phase {
        match self {
            Self::WantReadHeader(_) => Phase::WantReadHeader,
            Self::WantReadBody(_) => Phase::WantReadBody,
            Self::Processing(_) => Phase::Processing,
            Self::WantWrite(_) => Phase::WantWrite,
            Self::Lingering(_) => Phase::Lingering,
            Self::Done => Phase::Done,
        }
    }

    /// What the peer owes, and by when.
    pub(crate) fn due(&self) -> Option<(Instant, Deadline)> {
        match self {
            Self::WantReadHeader(header) if header.is_idle() => {
                Some(header.patience.due(Deadline::Idle, Deadline::Idle))
            }
            Self::WantReadHeader(WantReadHeader { patience, .. })
            | Self::WantReadBody(WantReadBody { patience, .. }) => {
                Some(patience.due(Deadline::Progress, Deadline::Request))
            }
            Self::WantWrite(writing) => Some(writing.patience.due(Deadline::WriteProgress, Deadline::Write)),
            Self::Lingering(lingering) => Some((lingering.until, Deadline::Linger)),
            Self::Processing(_) | Self::Done => None,
        }
    }

    /// The way to `Done`, which is open from everywhere. The one buffer that may be held goes back.
    pub(crate) fn give_back(self, host: &mut impl Host<Buffer = B>) {
        match self {
            Self::WantReadBody(WantReadBody { request, .. }) => host.put_buffer(request),
            Self::Processing(Processing { surplus, .. }) | Self::WantWrite(WantWrite { surplus, .. }) => {
                surplus.give_back(host);
            }
            Self::WantReadHeader(_) | Self::Lingering(_) | Self::Done => {}
        }
    }
}

pub(crate) struct WantReadHeader {
    /// What earlier inputs brought of the header.
    octets: [u8; LONG],
    len: usize,
    /// Whether no request came before this one.
    is_first: bool,
    patience: Patience,
}

impl WantReadHeader {
    pub(crate) fn accepted(now: Instant, policy: &Policy) -> Self {
        let patience = Patience::new(now, policy.progress, policy.request);
        Self { octets: [0; LONG], len: 0, is_first: true, patience }
    }

    fn following(now: Instant, policy: &Policy) -> Self {
        let patience = Patience::new(now, policy.idle, policy.idle);
        Self { octets: [0; LONG], len: 0, is_first: false, patience }
    }

    pub(crate) fn into_body<B: AsMut<[u8]>>(self, head: Head, mut request: B) -> WantReadBody<B> {
        let received = copy(request.as_mut(), self.kept());
        WantReadBody { head, request, received, patience: self.patience }
    }

    pub(crate) fn into_processing<B>(self) -> Processing<B> {
        Processing { surplus: Surplus::Nothing, peer_is_gone: false, owed: 0 }
    }

    pub(crate) fn progressed(&mut self, now: Instant, policy: &Policy) {
        if self.is_idle() {
            self.patience = Patience::new(now, policy.progress, policy.request);
        } else {
            self.patience.progressed(now, policy.progress);
        }
    }

    /// What is kept of the header, followed by what `input` adds, as far as a header can reach; and how long that is.
    pub(crate) fn joined(&self, input: &[u8]) -> ([u8; LONG], usize) {
        let mut octets = self.octets;
        let added = copy(octets.get_mut(self.len..).unwrap_or_default(), input);
        (octets, self.len + added)
    }

    /// Adds what `input` brought of the header.
    pub(crate) fn keep(&mut self, input: &[u8]) {
        (self.octets, self.len) = self.joined(input);
    }

    pub(crate) fn kept(&self) -> &[u8] {
        self.octets.get(..self.len).unwrap_or_default()
    }

    /// Whether this is the pause between two requests.
    pub(crate) fn is_idle(&self) -> bool {
        self.len == 0 && !self.is_first
    }
}

pub(crate) struct WantReadBody<B> {
    head: Head,
    /// Header and body, as far as they are here.
    request: B,
    received: usize,
    patience: Patience,
}

impl<B: AsMut<[u8]>> WantReadBody<B> {
    pub(crate) fn into_processing(self) -> (Processing<B>, Head, B) {
        (Processing { surplus: Surplus::Nothing, peer_is_gone: false, owed: 0 }, self.head, self.request)
    }

    pub(crate) fn progressed(&mut self, now: Instant, policy: &Policy) {
        self.patience.progressed(now, policy.progress);
    }

    /// Takes what belongs to the request from the front of `input`, and says how much that was.
    pub(crate) fn fill(&mut self, input: &[u8]) -> usize {
        let missing = self.request.as_mut().get_mut(self.received..self.head.request_len());
        let used = copy(missing.unwrap_or_default(), input);
        self.received += used;
        used
    }

    pub(crate) fn is_whole(&self) -> bool {
        self.received >= self.head.request_len()
    }
}

pub(crate) struct Processing<B> {
    surplus: Surplus<B>,
    peer_is_gone: bool,
    /// How many octets of answers to earlier requests wait for this answer, to leave with it.
    owed: usize,
}

impl<B> Processing<B> {
    /// Replaces what is known of the octets behind the request.
    pub(crate) fn set_surplus(&mut self, surplus: Surplus<B>, host: &mut impl Host<Buffer = B>) {
        mem::replace(&mut self.surplus, surplus).give_back(host);
    }

    /// Remembers that nobody waits for the answer any more.
    pub(crate) fn lose_peer(&mut self) {
        self.peer_is_gone = true;
    }

    pub(crate) fn peer_is_gone(&self) -> bool {
        self.peer_is_gone
    }

    /// Lets the answers before this one leave with it.
    pub(crate) fn owe(&mut self, octets: usize) {
        self.owed = octets;
    }

    pub(crate) fn owed(&self) -> usize {
        self.owed
    }

    /// Where in the present input further requests begin, and where it ends.
    pub(crate) fn lent(&self) -> Option<Range<usize>> {
        if let Surplus::Lent(range) = &self.surplus { Some(range.clone()) } else { None }
    }

    /// Keeps what lies behind the request beyond the input that both are in.
    pub(crate) fn outlive(&mut self, input: &[u8], host: &mut impl Host<Buffer = B>)
    where
        B: AsMut<[u8]>,
    {
        self.surplus = mem::replace(&mut self.surplus, Surplus::Lost).beyond(input, host);
    }

    pub(crate) fn into_write(self, len: usize, now: Instant, policy: &Policy) -> WantWrite<B> {
        let patience = Patience::new(now, policy.write_progress, policy.write);
        // The input that octets were lent in is gone.
        let surplus = if self.lent().is_some() { Surplus::Lost } else { self.surplus };
        WantWrite { surplus, sent: 0, len: self.owed.saturating_add(len), patience }
    }
}

pub(crate) struct WantWrite<B> {
    surplus: Surplus<B>,
    sent: usize,
    len: usize,
    patience: Patience,
}

impl<B> WantWrite<B> {
    pub(crate) fn into_next(self, now: Instant, policy: &Policy) -> (WantReadHeader, Surplus<B>) {
        (WantReadHeader::following(now, policy), self.surplus)
    }

    pub(crate) fn into_lingering(self, now: Instant, policy: &Policy, host: &mut impl Host<Buffer = B>) -> Lingering {
        self.surplus.give_back(host);
        Lingering { until: now + policy.linger, discarded: 0 }
    }

    /// What is known of the octets behind the request.
    pub(crate) fn surplus(&self) -> &Surplus<B> {
        &self.surplus
    }

    /// Replaces it.
    pub(crate) fn set_surplus(&mut self, surplus: Surplus<B>, host: &mut impl Host<Buffer = B>) {
        mem::replace(&mut self.surplus, surplus).give_back(host);
    }

    pub(crate) fn sent(&mut self, count: usize, now: Instant, policy: &Policy) {
        self.sent = self.sent.saturating_add(count);
        self.patience.progressed(now, policy.write_progress);
    }

    /// The peer has taken what was sent before, and there is no room for more yet.
    pub(crate) fn taken(&mut self, now: Instant, policy: &Policy) {
        self.patience.progressed(now, policy.write_progress);
    }

    pub(crate) fn unsent(&self) -> Range<usize> {
        self.sent..self.len
    }
}

pub(crate) struct Lingering {
    until: Instant,
    discarded: usize,
}

impl Lingering {
    /// Counts what the peer sent, and says how much that is by now.
    pub(crate) fn discard(&mut self, count: usize) -> usize {
        self.discarded = self.discarded.saturating_add(count);
        self.discarded
    }
}

/// Copies as much of `from` as `to` holds, and says how much that was.
fn copy(to: &mut [u8], from: &[u8]) -> usize {
    let len = to.len().min(from.len());
    if let (Some(to), Some(from)) = (to.get_mut(..len), from.get(..len)) {
        to.copy_from_slice(from);
    }
    len
}
