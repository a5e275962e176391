//! All that a reactor knows and decides; events in, [`Order`]s out. It never touches the backend.

use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use raida_conn::{Connection, Host, Instant};
use raida_wire::{Head, Refusal, Status};
use tracing::{debug, error};

use crate::buffer::Buffer;
use crate::buffer_pool::BufferPool;
use crate::clock::Clock;
use crate::counters::Counters;
use crate::dispatch::Dispatch;
use crate::errand::LiveConnection;
use crate::link::Link;
use crate::order::Order;
use crate::pace::Pace;
use crate::random::{self, Random};
use crate::refuse;
use crate::service::{Answer, Flow, Place, Request, Service};
use crate::settings::Settings;
use crate::slab::Slab;
use crate::sources::Sources;
use crate::stamp::stamp;
use crate::timer::Wheel;
use crate::token::Token;
use crate::workers::{Outcome, Road};

pub(crate) struct Core<S, C> {
    pub(crate) service: Arc<S>,
    pub(crate) clock: C,
    pub(crate) settings: Settings,
    pub(crate) counters: Arc<Counters>,
    pub(crate) links: Slab<Link>,
    pub(crate) timers: Wheel,
    pub(crate) buffers: BufferPool,
    pub(crate) dispatch: Dispatch,
    sources: Sources,
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
        let Settings { connections_max, source_places, source_connections_max, buffer_octets_max, .. } = settings;
        Self {
            service,
            clock,
            counters,
            links: Slab::new(connections_max),
            timers: Wheel::new(connections_max),
            buffers: BufferPool::new(buffer_octets_max),
            dispatch,
            sources: Sources::new(source_places, source_connections_max, random::secret_word()),
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
        let source = if self.is_exempt(peer.ip()) {
            None
        } else {
            let Some(entry) = self.sources.admit(peer.ip()) else {
                self.counters.refused_source.add(1);
                let limit = self.settings.source_connections_max;
                debug!(%peer, limit, "connection refused: its source holds too many");
                return None;
            };
            self.counters.sources_evicted.set(self.sources.evictions());
            Some(entry)
        };
        let now = self.clock.now();
        let machine = Connection::new(now, &self.settings.policy);
        let token = self.links.insert(Link::new(machine, peer, source, now)).ok()?;
        self.rearm(token);
        self.counters.accepted.add(1);
        self.counters.open.set(u64::from(self.links.len()));
        debug!(slot = token.slot(), %peer, "connection accepted");
        Some(token)
    }

    /// Forgets a connection that the backend will close.
    pub(crate) fn forget(&mut self, token: Token) -> Option<Link> {
        let mut link = self.links.remove(token)?;
        self.timers.disarm(token.slot());
        if let Some(entry) = link.source.take() {
            self.sources.release(entry);
        }
        if let Some(response) = link.response.take() {
            self.buffers.put(response);
        }
        self.counters.open.set(u64::from(self.links.len()));
        Some(link)
    }

    /// Hangs the connection's nearest deadline into the wheel.
    pub(crate) fn rearm(&mut self, token: Token) {
        let Some(link) = self.links.get(token) else { return };
        let parked = link.parked.as_ref().map(|parked| parked.began + self.settings.wait_for_worker);
        match parked.or_else(|| link.machine.deadline()) {
            Some(deadline) => self.timers.arm(token.slot(), deadline),
            None => self.timers.disarm(token.slot()),
        }
    }

    /// Calls the service on this thread, or says by which road the request has to leave it.
    pub(crate) fn call(&self, mut request: Request<'_>, answer: &mut Buffer) -> Result<Outcome, Road> {
        let mut answer = Answer::new(answer);
        // Unwind safety: the request and the answer are wiped or overwritten; the service is shared with workers, so it
        // has to survive a panic in the middle of a call anyway.
        let call = AssertUnwindSafe(|| self.service.call(&mut request, &mut answer, Place::Reactor));
        match catch_unwind(call) {
            Ok(Flow::Deferred) => Err(Road::Pool),
            Ok(Flow::Batched) => Err(Road::Batch),
            Ok(Flow::Answered) => Ok(Outcome::of(Flow::Answered, &answer)),
            Err(_) => Ok(Outcome::Broken),
        }
    }

    /// Finishes an answer: execution time and statistics. A broken one becomes a refusal with 252.
    pub(crate) fn settle(
        &mut self,
        head: &Head,
        outcome: Outcome,
        answer: &mut Buffer,
        began: Instant,
    ) -> Range<usize> {
        match outcome {
            Outcome::Answered(range, status) => {
                let elapsed = self.clock.now().saturating_duration_since(began);
                stamp(answer.as_mut().get_mut(range.clone()).unwrap_or_default(), head, elapsed);
                self.counters.answered(status, elapsed);
                range
            }
            Outcome::Broken => {
                self.counters.panics.add(1);
                if let Some(requests) = self.broken_pace.speak(self.clock.now()) {
                    error!(command = %head.command(), requests, "the service broke down over a request");
                }
                self.refuse(&head.refuse(Status::INTERNAL), answer, began)
            }
        }
    }

    /// Writes a refusal and counts it.
    pub(crate) fn refuse(&mut self, refusal: &Refusal, buffer: &mut Buffer, began: Instant) -> Range<usize> {
        self.counters.refused(refusal.status());
        let elapsed = self.clock.now().saturating_duration_since(began);
        refuse::write(refusal, buffer, self.settings.policy.rules.raida_id, elapsed, &mut self.random)
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
            sources: self.sources.held(),
            octets: self.buffers.lent(),
            refusals: self.buffers.tiny_lent(),
            permits: self.dispatch.permits(),
            waiting: self.dispatch.waiting(),
        }
    }

    /// The open connections, so many at most.
    pub(crate) fn live(&self, most: usize) -> Vec<LiveConnection> {
        let now = self.clock.now();
        let links = (0..self.links.reach()).filter_map(|slot| self.links.get(self.links.token(slot)?));
        links.take(most).map(|link| link.live(now)).collect()
    }

    /// Takes other bounds over, except for those that memory was laid out by.
    pub(crate) fn adopt(&mut self, settings: Settings) {
        let Settings { connections_max, source_places, completions_max, .. } = self.settings;
        self.buffers.rebound(settings.buffer_octets_max);
        self.sources.relimit(settings.source_connections_max);
        self.settings = Settings { connections_max, source_places, completions_max, ..settings };
    }

    fn is_exempt(&self, address: IpAddr) -> bool {
        self.settings.loopback_exempt && address.to_canonical().is_loopback()
    }
}

/// What a connection's machine may use while it advances.
pub(crate) struct Surroundings<'a, S> {
    pub(crate) service: &'a S,
    pub(crate) buffers: &'a mut BufferPool,
}

impl<S: Service> Host for Surroundings<'_, S> {
    type Buffer = Buffer;

    fn admit(&mut self, head: &Head) -> Result<(), Status> {
        crate::service::admit(self.service, head)
    }

    fn take_buffer(&mut self, len: usize) -> Option<Buffer> {
        self.buffers.take_to_read(len)
    }

    fn put_buffer(&mut self, buffer: Buffer) {
        self.buffers.put(buffer);
    }
}
