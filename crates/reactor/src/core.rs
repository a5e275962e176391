//! All that a reactor knows and decides; events in, [`Order`]s out. It never touches the backend.

use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use raida_conn::{Connection, Host, Instant, Policy};
use raida_wire::{Head, Refusal, Status};
use tracing::{debug, error};

use crate::buffer::{Buffer, SMALL};
use crate::buffer_pool::{self, BufferPool};
use crate::clock::{Clock, Watch};
use crate::connection_limits::{Broken, ConnectionLimits, Guest};
use crate::counters::Counters;
use crate::datagram_limits::DatagramLimits;
use crate::dispatch::Dispatch;
use crate::errand::LiveConnection;
use crate::link::Link;
use crate::order::Order;
use crate::pace::Pace;
use crate::random::{self, Random};
use crate::refuse;
use crate::service::{Answer, Flow, Place, Request, Service, Weight};
use crate::settings::Settings;
use crate::slab::Slab;
use crate::stamp::stamp;
use crate::timer::Wheel;
use crate::token::Token;
use crate::workers::{Outcome, Road};

pub(crate) struct Core<S, C> {
    pub(crate) service: Arc<S>,
    pub(crate) clock: Watch<C>,
    pub(crate) settings: Settings,
    pub(crate) counters: Arc<Counters>,
    pub(crate) links: Slab<Link>,
    pub(crate) timers: Wheel,
    pub(crate) buffers: BufferPool,
    pub(crate) dispatch: Dispatch,
    guests: ConnectionLimits,
    pub(crate) askers: DatagramLimits,
    /// Octets of long requests that may still be served in this turn.
    inline_left: usize,
    random: Random,
    broken_pace: Pace,
}

impl<S: Service, C: Clock> Core<S, C> {
    pub(crate) fn new(
        service: Arc<S>,
        clock: C,
        settings: Settings,
        counters: Arc<Counters>,
        dispatch: Dispatch,
    ) -> Self {
        let Settings { connections_max, source_places, buffer_octets_max, inline_octets_per_turn, .. } = settings;
        let (guests, askers) = (settings.of_guests(), settings.of_askers());
        Self {
            service,
            clock: Watch::new(clock),
            counters,
            links: Slab::new(connections_max),
            timers: Wheel::new(connections_max),
            buffers: BufferPool::new(buffer_octets_max),
            dispatch,
            guests: ConnectionLimits::new(source_places, random::secret_word(), guests),
            askers: DatagramLimits::new(source_places, random::secret_word(), askers),
            inline_left: inline_octets_per_turn,
            random: Random::new(),
            broken_pace: Pace::new(),
            settings,
        }
    }

    /// Takes a new connection in, or `None` where there is no room for it: then its socket is dropped.
    pub(crate) fn admit(&mut self, peer: SocketAddr) -> Option<Token> {
        if self.links.is_full() {
            self.counters.refused_full.add(1);
            debug!(%peer, limit = self.settings.connections_max, "connection refused: every slot is taken");
            return None;
        }
        let now = self.clock.seen();
        let guest = if self.is_exempt(peer.ip()) { None } else { Some(self.welcome(peer, now)?) };
        let machine = Connection::new(now, &self.settings.policy);
        let token = self.links.insert(Link::new(machine, peer, guest, now)).ok()?;
        self.rearm(token);
        self.counters.accepted.add(1);
        self.counters.open.set(u64::from(self.links.len()));
        debug!(slot = token.slot(), %peer, "connection accepted");
        Some(token)
    }

    /// Counts a connection for its source, or says why it may not come in.
    fn welcome(&mut self, peer: SocketAddr, now: Instant) -> Option<Guest> {
        let broken = match self.guests.enter(peer.ip(), now) {
            Ok(guest) => return Some(guest),
            Err(broken) => broken,
        };
        match broken {
            Broken::Connections(limit) => {
                self.counters.refused_source.add(1);
                debug!(%peer, limit, "connection refused: its source holds too many");
            }
            Broken::Network(limit) => {
                self.counters.refused_network.add(1);
                debug!(%peer, limit, "connection refused: the network around its source holds too many");
            }
            Broken::Requests(limit) => {
                self.counters.refused_rate.add(1);
                debug!(%peer, limit, "connection refused: its source asks too often");
            }
        }
        None
    }

    /// Forgets a connection that the backend will close.
    pub(crate) fn forget(&mut self, token: Token) -> Option<Link> {
        let mut link = self.links.remove(token)?;
        self.timers.disarm(token.slot());
        if let Some(guest) = link.guest.take() {
            self.guests.leave(guest);
        }
        if let Some(response) = link.response.take() {
            self.buffers.put(response);
        }
        self.counters.open.set(u64::from(self.links.len()));
        Some(link)
    }

    /// Sees to it that [`expired`](Self::expired) looks at the connection by its nearest deadline. It may look too early,
    /// when an earlier deadline has been met meanwhile.
    pub(crate) fn rearm(&mut self, token: Token) {
        if let Some(deadline) = self.deadline(token) {
            self.timers.arm_by(token.slot(), deadline);
        }
    }

    /// The connection's nearest deadline: that of a request that waits in it, or else its peer's.
    pub(crate) fn deadline(&self, token: Token) -> Option<Instant> {
        let link = self.links.get(token)?;
        let parked = link.parked.as_ref().map(|parked| parked.began + self.settings.wait_for_worker);
        parked.or_else(|| link.machine.deadline())
    }

    /// Calls the service on this thread, or says by which road the request has to leave it.
    pub(crate) fn call(&mut self, mut request: Request<'_>, mut answer: Answer<'_>) -> Result<Outcome, Road> {
        if self.is_put_off(&request.head) {
            self.counters.put_off.add(1);
            return Err(Road::Pool);
        }
        let is_light = self.service.weight(&request.head) == Weight::Light;
        // Unwind safety: the request and the answer are wiped or overwritten; the service is shared with workers, so it
        // has to survive a panic in the middle of a call anyway.
        let call = AssertUnwindSafe(|| self.service.call(&mut request, &mut answer, Place::Reactor));
        let flow = catch_unwind(call);
        // What costs next to nothing takes no time that a look at the clock would not make longer.
        if !is_light {
            self.clock.look();
        }
        match flow {
            Ok(Flow::Deferred) => Err(Road::Pool),
            Ok(Flow::Batched) => Err(Road::Batch),
            Ok(flow @ (Flow::Answered | Flow::Silent)) => Ok(Outcome::of(flow, &answer)),
            Err(_) => Ok(Outcome::Broken),
        }
    }

    /// A turn begins: long requests may be served on this thread again.
    pub(crate) fn begin_turn(&mut self) {
        self.inline_left = self.settings.inline_octets_per_turn;
    }

    /// Whether a long request has to go to a worker because there were enough of them in this turn.
    fn is_put_off(&mut self, head: &Head) -> bool {
        let len = head.request_len();
        if len <= Settings::SHORT_MAX || self.service.weight(head) != Weight::Movable {
            return false;
        }
        let left = self.inline_left.checked_sub(len);
        self.inline_left = left.unwrap_or(self.inline_left);
        left.is_none()
    }

    /// Finishes an answer: execution time, up to the last look at the clock, and statistics. A broken one becomes a refusal
    /// with 252.
    pub(crate) fn settle(
        &mut self,
        head: &Head,
        outcome: Outcome,
        answer: &mut Buffer,
        began: Instant,
    ) -> Range<usize> {
        match outcome {
            Outcome::Answered(range, status) => {
                let elapsed = self.clock.seen().saturating_duration_since(began);
                stamp(answer.front_mut(range.end).get_mut(range.clone()).unwrap_or_default(), head, elapsed);
                self.counters.answered(status, elapsed);
                range
            }
            Outcome::Silent => 0..0,
            // From here a request leaves for the batch; nothing comes from there with that.
            Outcome::Broken | Outcome::Batched => {
                self.counters.panics.add(1);
                if let Some(requests) = self.broken_pace.speak(self.clock.seen()) {
                    error!(command = %head.command(), requests, "the service broke down over a request");
                }
                self.refuse(&head.refuse(Status::INTERNAL), answer, began)
            }
        }
    }

    /// Writes a refusal and counts it.
    pub(crate) fn refuse(&mut self, refusal: &Refusal, buffer: &mut Buffer, began: Instant) -> Range<usize> {
        self.counters.refused(refusal.status());
        let elapsed = self.clock.look().saturating_duration_since(began);
        refuse::write(refusal, buffer, self.settings.policy.rules.raida_id, elapsed, &mut self.random)
    }

    /// Gives one input to a connection's machine. `None`: the connection is gone.
    pub(crate) fn feed<R>(
        &mut self,
        token: Token,
        input: impl FnOnce(&mut Connection<Buffer>, &Policy, &mut Surroundings<'_, S, C>) -> R,
    ) -> Option<R> {
        let link = self.links.get_mut(token)?;
        let mut host = Surroundings {
            service: &*self.service,
            clock: &self.clock,
            counters: &self.counters,
            buffers: &mut self.buffers,
            guests: &mut self.guests,
            guest: link.guest.as_mut(),
            peer: link.peer,
            has_room: link.response.as_ref().is_none_or(|waiting| waiting.len() >= SMALL),
        };
        Some(input(&mut link.machine, &self.settings.policy, &mut host))
    }

    /// A connection's request is whole: what it takes is no longer its peer's doing.
    pub(crate) fn unbook(&mut self, token: Token, octets: usize) {
        if let Some(guest) = self.links.get_mut(token).and_then(|link| link.guest.as_mut()) {
            self.guests.unbook(guest, octets);
        }
    }

    /// Takes back what the backend needs no longer.
    pub(crate) fn returned(&mut self, buffer: Buffer) -> Order {
        self.buffers.put(buffer);
        Order::Nothing
    }

    /// Everything that has to come to zero in the end.
    #[cfg(feature = "testing")]
    pub(crate) fn held(&self) -> crate::testing::Held {
        crate::testing::Held {
            slots: self.links.len(),
            deadlines: self.timers.next().is_some(),
            sources: self.guests.held().0.max(self.guests.held_by_networks()),
            source_octets: self.guests.held().1,
            octets: self.buffers.lent(),
            refusals: self.buffers.tiny_lent(),
            permits: self.dispatch.permits(),
            waiting: self.dispatch.waiting(),
        }
    }

    /// The open connections, so many at most.
    pub(crate) fn live(&self, most: usize) -> Vec<LiveConnection> {
        let now = self.clock.seen();
        let links = (0..self.links.reach()).filter_map(|slot| self.links.get(self.links.token(slot)?));
        links.take(most).map(|link| link.live(now)).collect()
    }

    /// Takes other bounds over, except for those that memory was laid out by.
    pub(crate) fn adopt(&mut self, settings: Settings) {
        let Settings { connections_max, source_places, completions_max, .. } = self.settings;
        self.buffers.rebound(settings.buffer_octets_max);
        self.guests.relimit(settings.of_guests());
        self.askers.relimit(settings.of_askers());
        self.settings = Settings { connections_max, source_places, completions_max, ..settings };
    }

    /// Sources that have lost their place to another so far.
    pub(crate) fn evictions(&self) -> u64 {
        self.guests.evictions() + self.askers.evictions()
    }

    pub(crate) fn is_exempt(&self, address: IpAddr) -> bool {
        self.settings.loopback_exempt && address.to_canonical().is_loopback()
    }
}

/// What a connection's machine may use while it advances.
pub(crate) struct Surroundings<'a, S, C> {
    service: &'a S,
    clock: &'a Watch<C>,
    counters: &'a Counters,
    buffers: &'a mut BufferPool,
    guests: &'a mut ConnectionLimits,
    /// How its source is counted, unless it is exempt.
    guest: Option<&'a mut Guest>,
    peer: SocketAddr,
    /// Whether an answer may be written behind those that wait: a refusal's buffer has no room, and is not counted.
    has_room: bool,
}

impl<S: Service, C: Clock> Host for Surroundings<'_, S, C> {
    type Buffer = Buffer;

    fn admit(&mut self, head: &Head) -> Result<(), Status> {
        if let Some(guest) = &mut self.guest
            && !self.guests.may_ask(guest, self.clock.seen())
        {
            self.counters.requests_over_rate.add(1);
            debug!(peer = %self.peer, limit = self.guests.rate(), "request refused: its source asks too often");
            return Err(Status::REQUEST_RATE);
        }
        crate::service::admit(self.service, head)
    }

    fn joins(&self, head: &Head) -> bool {
        self.has_room && self.service.weight(head) == Weight::Light
    }

    fn take_buffer(&mut self, len: usize) -> Option<Buffer> {
        let octets = buffer_pool::size(len);
        if let Some(guest) = &mut self.guest
            && !self.guests.book(guest, octets, self.buffers.free_to_read())
        {
            self.counters.buffers_over_source.add(1);
            debug!(peer = %self.peer, limit = self.guests.buffers(), "no buffer: its source keeps too many octets");
            return None;
        }
        let buffer = self.buffers.take_to_read(len);
        if buffer.is_none()
            && let Some(guest) = &mut self.guest
        {
            self.guests.unbook(guest, octets);
        }
        buffer
    }

    fn put_buffer(&mut self, buffer: Buffer) {
        if let Some(guest) = &mut self.guest {
            self.guests.unbook(guest, buffer.len());
        }
        self.buffers.put(buffer);
    }
}
