//! One server-side connection: inputs in, the next step out.

use core::fmt;
use core::mem;

use crate::close_reason::CloseReason;
use crate::host::Host;
use crate::instant::Instant;
use crate::phase::{Phase, State, WantReadHeader, WantWrite};
use crate::policy::Policy;
use crate::reading::{Reading, Turn};
use crate::step::{Octets, Step};
use crate::surplus::{JOINED_MAX, Source, Surplus, whole};

/// One peer's framing and turn-taking, as pure state.
///
/// Invariants: at most one step is out; [`deadline`](Self::deadline) is `Some` exactly while the peer owes octets or
/// room; at most one buffer is held between two calls, and none in [`Phase::Done`]; `Step::Close` is given exactly once.
///
/// A call that makes no sense in the present phase changes nothing that the peer can see and returns [`Step::Wait`].
pub struct Connection<B> {
    state: State<B>,
    /// How many requests may still begin.
    remaining: u32,
    /// The peer has shut down its sending side: all that it sent has been received.
    peer_has_ended: bool,
    /// The system may hold octets that nobody has read.
    unread: bool,
    /// The node stops, and the peer does not know yet that further requests will not be answered.
    is_cut_short: bool,
}

/// What comes after a response.
#[derive(Clone, Copy, PartialEq, Eq)]
enum FollowUp {
    Request,
    Farewell,
    Close,
}

impl<B: AsRef<[u8]> + AsMut<[u8]>> Connection<B> {
    /// A connection accepted at `now`. Its first step is `Receive`.
    #[must_use]
    pub fn new(now: Instant, policy: &Policy) -> Self {
        let state = State::WantReadHeader(WantReadHeader::accepted(now, policy));
        Self { state, remaining: policy.requests_max.max(1), peer_has_ended: false, unread: false, is_cut_short: false }
    }

    /// Octets arrived. `input` is lent: a request that is whole in it is judged there and never copied.
    ///
    /// An empty input is neither progress nor an end. Octets that come while a request is being answered, when nothing
    /// is to be received, are dropped; the connection then closes with a farewell.
    pub fn received(
        &mut self,
        now: Instant,
        input: &[u8],
        policy: &Policy,
        host: &mut impl Host<Buffer = B>,
    ) -> Step<B> {
        if input.is_empty() {
            return match self.phase() {
                Phase::WantReadHeader | Phase::WantReadBody | Phase::Lingering => Step::Receive,
                Phase::Processing | Phase::WantWrite | Phase::Done => Step::Wait,
            };
        }
        self.unread = false;
        let mut turn = Turn { now, policy, host };
        match self.take_state() {
            State::WantReadHeader(header) => {
                let source = Source::Lent(input);
                let reading = header.read(&source, &mut turn);
                self.read(reading, source, 0, &mut turn)
            }
            State::WantReadBody(body) => {
                let reading = body.read(input, &turn);
                self.read(reading, Source::Lent(input), 0, &mut turn)
            }
            State::Processing(mut processing) => {
                processing.set_surplus(Surplus::Lost, turn.host);
                self.enter(State::Processing(processing), Step::Wait)
            }
            State::WantWrite(mut writing) => {
                writing.set_surplus(Surplus::Lost, turn.host);
                self.enter(State::WantWrite(writing), Step::Wait)
            }
            State::Lingering(mut lingering) => {
                let limit = policy.linger_octets;
                if lingering.discard(input.len()) >= limit {
                    return self.close_from(
                        State::Lingering(lingering),
                        CloseReason::LingerOctets { limit },
                        turn.host,
                    );
                }
                self.enter(State::Lingering(lingering), Step::Receive)
            }
            State::Done => Step::Wait,
        }
    }

    /// The receive behind the last input filled all the room it had, so the system may hold more of this peer's octets.
    /// Where no further request will read them, the connection then closes with a farewell.
    pub fn left_unread(&mut self) {
        self.unread = true;
    }

    /// The peer shut down its sending side, and everything it had sent was received. It may still read.
    pub fn ended(&mut self, host: &mut impl Host<Buffer = B>) -> Step<B> {
        match &self.state {
            State::WantReadHeader(_) | State::WantReadBody(_) => {
                let reason = self.end_of_reading();
                self.close(reason, host)
            }
            State::Processing(_) | State::WantWrite(_) => {
                self.peer_has_ended = true;
                Step::Wait
            }
            State::Lingering(_) => self.close(CloseReason::Served, host),
            State::Done => Step::Wait,
        }
    }

    /// The connection is broken: reset by the peer, unreachable, or failed in the system.
    ///
    /// While a request is being processed this is only remembered: whoever works on the answer holds on to the
    /// connection. [`responded`](Self::responded) then closes.
    pub fn failed(&mut self, host: &mut impl Host<Buffer = B>) -> Step<B> {
        match &mut self.state {
            State::Processing(processing) => {
                processing.lose_peer();
                processing.set_surplus(Surplus::Lost, host);
                Step::Wait
            }
            State::WantReadHeader(_) | State::WantReadBody(_) | State::WantWrite(_) | State::Lingering(_) => {
                self.close(CloseReason::PeerGone, host)
            }
            State::Done => Step::Wait,
        }
    }

    /// The response is finished and has `len` octets, which [`Step::Send`] counts from 0. With 0 there is none.
    ///
    /// Where the next step is another request, this response is still to be sent: the next one follows it without a gap,
    /// and [`Step::Send`] counts from the start of the first.
    pub fn responded(
        &mut self,
        now: Instant,
        len: usize,
        policy: &Policy,
        host: &mut impl Host<Buffer = B>,
    ) -> Step<B> {
        let state = self.take_state();
        let State::Processing(processing) = state else { return self.enter(state, Step::Wait) };
        if processing.peer_is_gone() {
            return self.close_from(State::Processing(processing), CloseReason::PeerGone, host);
        }
        let (writing, mut turn) = (processing.into_write(len, now, policy), Turn { now, policy, host });
        if self.may_join(&writing, &turn) {
            let owed = writing.unsent().len();
            return self.follow(writing, owed, &mut turn);
        }
        self.write(writing, &mut turn)
    }

    /// As [`responded`](Self::responded), at once: `input` is the slice that brought the request, still lent, or any other
    /// where the request lay elsewhere.
    ///
    /// Whole requests that stand behind each other in it, and that the host [`joins`](Host::joins), are served one after
    /// the other where they lie. Nothing is copied for them, and nothing but their answers' lengths is remembered.
    pub fn answered(
        &mut self,
        now: Instant,
        len: usize,
        input: &[u8],
        policy: &Policy,
        host: &mut impl Host<Buffer = B>,
    ) -> Step<B> {
        if let Some(step) = self.next_in(input, len, &mut Turn { now, policy, host }) {
            return step;
        }
        self.outlive(input, host);
        self.responded(now, len, policy, host)
    }

    /// The `input` that brought the request goes before the answer is there: octets behind the request are kept.
    ///
    /// Whoever does not call [`answered`](Self::answered) with that input has to call this; otherwise those octets are
    /// lost, and the connection closes after the answer, with a farewell.
    pub fn outlive(&mut self, input: &[u8], host: &mut impl Host<Buffer = B>) {
        if let State::Processing(processing) = &mut self.state {
            processing.outlive(input, host);
        }
    }

    /// The first `count` octets of the range last given were sent.
    pub fn sent(&mut self, now: Instant, count: usize, policy: &Policy, host: &mut impl Host<Buffer = B>) -> Step<B> {
        let state = self.take_state();
        let State::WantWrite(mut writing) = state else { return self.enter(state, Step::Wait) };
        if count > 0 {
            writing.sent(count, now, policy);
        }
        self.write(writing, &mut Turn { now, policy, host })
    }

    /// The peer has taken octets of the response that were sent before, even if there is no room for more yet: that is
    /// progress, as room would be.
    pub fn taken(&mut self, now: Instant, policy: &Policy) {
        if let State::WantWrite(writing) = &mut self.state {
            writing.taken(now, policy);
        }
    }

    /// It is `now`, and the [`deadline`](Self::deadline) may have passed. Harmless where it has not.
    pub fn expired(&mut self, now: Instant, policy: &Policy, host: &mut impl Host<Buffer = B>) -> Step<B> {
        match self.state.due() {
            Some((deadline, what)) if deadline <= now => {
                self.close(CloseReason::Timeout { what, limit: what.limit(policy) }, host)
            }
            _ => Step::Wait,
        }
    }

    /// The node is about to stop: a request that has begun is answered, or the first one if none has, and then the
    /// connection closes. In the pause between two requests it closes at once.
    pub fn stop(&mut self, host: &mut impl Host<Buffer = B>) -> Step<B> {
        match &self.state {
            State::WantReadHeader(header) if header.is_idle() => self.close(CloseReason::Stopped, host),
            State::WantReadHeader(_) | State::WantReadBody(_) => self.cut_short(1),
            State::Processing(_) | State::WantWrite(_) | State::Lingering(_) => self.cut_short(0),
            State::Done => Step::Wait,
        }
    }

    /// Lets so many requests more, which are fewer than the peer may believe.
    fn cut_short(&mut self, remaining: u32) -> Step<B> {
        self.is_cut_short |= self.remaining > remaining;
        self.remaining = remaining;
        Step::Wait
    }

    /// The node stops now, whatever is in flight.
    pub fn abort(&mut self, host: &mut impl Host<Buffer = B>) -> Step<B> {
        if self.phase() == Phase::Done { Step::Wait } else { self.close(CloseReason::Stopped, host) }
    }

    /// When to call [`expired`](Self::expired) if no other input comes first; no other call looks at it. `Some` exactly
    /// while the peer owes octets or room.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.state.due().map(|(deadline, _)| deadline)
    }

    /// Whether the step behind the [`Step::Send`] that is out will be a plain [`Step::Close`], if all of it goes out and
    /// nothing else comes first. Then whoever sends may as well close at the same time.
    #[must_use]
    pub fn closes_when_sent(&self) -> bool {
        let State::WantWrite(writing) = &self.state else { return false };
        self.follow_up(writing) == FollowUp::Close
    }

    /// Where the connection is.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.state.phase()
    }

    /// Goes on from what reading `source` brought, while `owed` octets of earlier responses wait to be sent.
    fn read<H: Host<Buffer = B>>(
        &mut self,
        reading: Reading<B>,
        source: Source<'_, B>,
        owed: usize,
        turn: &mut Turn<'_, H>,
    ) -> Step<B> {
        match reading {
            Reading::Unfinished(state) => {
                source.discard(turn.host);
                self.state = state;
                if self.peer_has_ended { self.close(self.end_of_reading(), turn.host) } else { Step::Receive }
            }
            Reading::Refused(mut processing, refusal) => {
                source.discard(turn.host);
                processing.set_surplus(Surplus::Lost, turn.host);
                processing.owe(owed);
                self.enter(State::Processing(processing), Step::Refuse(refusal))
            }
            Reading::Whole { mut processing, head, request, used } => {
                self.remaining = self.remaining.saturating_sub(1);
                let joins = source.octets().len() > used && turn.host.joins(&head);
                let surplus = source.into_surplus(used, self.remaining > 0, joins, turn.host);
                processing.set_surplus(surplus, turn.host);
                processing.owe(owed);
                self.enter(State::Processing(processing), Step::Process { head, request })
            }
        }
    }

    /// The next request, where it is whole in the input that brought the present one and its answer may leave with this
    /// one's, which has `len` octets. `None` changes nothing.
    fn next_in<H: Host<Buffer = B>>(&mut self, input: &[u8], len: usize, turn: &mut Turn<'_, H>) -> Option<Step<B>> {
        let State::Processing(processing) = &mut self.state else { return None };
        let (rest, ready) = (processing.lent()?, processing.owed().saturating_add(len));
        if len == 0 || ready >= JOINED_MAX || self.remaining == 0 {
            return None;
        }
        let head = whole(input.get(rest.clone())?, &turn.policy.rules).filter(|head| turn.host.joins(head))?;
        processing.owe(ready);
        if let Err(refusal) = turn.admit(&head) {
            processing.set_surplus(Surplus::Lost, turn.host);
            return Some(Step::Refuse(refusal));
        }
        self.remaining -= 1;
        let behind = rest.start + head.request_len();
        processing.set_surplus(Surplus::lent(behind..rest.end, self.remaining > 0), turn.host);
        Some(Step::Process { head, request: Octets::Input(rest.start..behind) })
    }

    /// Sends what is left to send, or says farewell, or turns to the next request.
    fn write<H: Host<Buffer = B>>(&mut self, writing: WantWrite<B>, turn: &mut Turn<'_, H>) -> Step<B> {
        let unsent = writing.unsent();
        if !unsent.is_empty() {
            return self.enter(State::WantWrite(writing), Step::Send(unsent));
        }
        match self.follow_up(&writing) {
            FollowUp::Request => self.follow(writing, 0, turn),
            FollowUp::Farewell => {
                let lingering = writing.into_lingering(turn.now, turn.policy, turn.host);
                self.enter(State::Lingering(lingering), Step::Linger)
            }
            FollowUp::Close => self.close_from(State::WantWrite(writing), CloseReason::Served, turn.host),
        }
    }

    /// What comes after a response that has gone out.
    fn follow_up(&self, writing: &WantWrite<B>) -> FollowUp {
        let is_left = self.unread || self.is_cut_short || !matches!(writing.surplus(), Surplus::Nothing);
        let next_is_here = matches!(writing.surplus(), Surplus::Kept(_));
        let next_may_come = matches!(writing.surplus(), Surplus::Nothing) && !self.peer_has_ended;
        if self.remaining > 0 && (next_is_here || next_may_come) {
            FollowUp::Request
        } else if is_left && !self.peer_has_ended {
            FollowUp::Farewell
        } else {
            FollowUp::Close
        }
    }

    /// Whether the next request is here, and its response may leave with this one, which is new.
    fn may_join<H: Host<Buffer = B>>(&self, writing: &WantWrite<B>, turn: &Turn<'_, H>) -> bool {
        let Surplus::Kept(leftover) = writing.surplus() else { return false };
        (1..JOINED_MAX).contains(&writing.unsent().len())
            && self.follow_up(writing) == FollowUp::Request
            && leftover.whole(&turn.policy.rules).is_some_and(|head| turn.host.joins(&head))
    }

    /// Turns to the next request, whose first octets may be here already, while `owed` octets wait to be sent.
    fn follow<H: Host<Buffer = B>>(&mut self, writing: WantWrite<B>, owed: usize, turn: &mut Turn<'_, H>) -> Step<B> {
        match writing.into_next(turn.now, turn.policy) {
            (header, Surplus::Kept(leftover)) => {
                let source = Source::Kept(leftover);
                let reading = header.read(&source, turn);
                self.read(reading, source, owed, turn)
            }
            (header, Surplus::Nothing | Surplus::Lost | Surplus::Lent(_)) => {
                self.enter(State::WantReadHeader(header), Step::Receive)
            }
        }
    }

    /// What the end of the peer's octets means here.
    fn end_of_reading(&self) -> CloseReason {
        let State::WantReadHeader(header) = &self.state else { return CloseReason::CutRequest };
        if header.is_idle() {
            CloseReason::Served
        } else if header.kept().is_empty() {
            CloseReason::PeerClosed
        } else {
            CloseReason::CutRequest
        }
    }

    fn close(&mut self, reason: CloseReason, host: &mut impl Host<Buffer = B>) -> Step<B> {
        let state = self.take_state();
        self.close_from(state, reason, host)
    }

    fn close_from(&mut self, state: State<B>, reason: CloseReason, host: &mut impl Host<Buffer = B>) -> Step<B> {
        state.give_back(host);
        self.enter(State::Done, Step::Close(reason))
    }

    /// Leaves the state to the caller, who puts the next one in its place; `Done` is what remains otherwise.
    fn take_state(&mut self) -> State<B> {
        mem::replace(&mut self.state, State::Done)
    }

    fn enter(&mut self, state: State<B>, step: Step<B>) -> Step<B> {
        self.state = state;
        step
    }
}

// A node holds one of these per open connection.
const _: () = assert!(size_of::<Connection<[usize; 3]>>() <= 128);

impl<B> fmt::Debug for Connection<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("phase", &self.state.phase())
            .field("due", &self.state.due())
            .field("remaining", &self.remaining)
            .field("peer_has_ended", &self.peer_has_ended)
            .field("unread", &self.unread)
            .field("is_cut_short", &self.is_cut_short)
            .finish()
    }
}
