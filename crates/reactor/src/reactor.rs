//! The loop: wait, feed in what came, let deadlines and workers have their turn, and again.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use raida_conn::Instant;
use tracing::{info, warn};

use crate::accept_gate::AcceptGate;
use crate::backend::{Backend, Completion};
use crate::clock::Clock;
use crate::core::Core;
use crate::counters::Counters;
use crate::dispatch::Dispatch;
use crate::errand::Errand;
use crate::handle::Handle;
use crate::link::Link;
use crate::order::Order;
use crate::pace::Pace;
use crate::service::Service;
use crate::settings::Settings;
use crate::token::Token;
use crate::workers::{Road, Roads};

/// One event loop on one thread, over one backend.
///
/// Several of them share a service, the roads to other threads and, by `SO_REUSEPORT`, a port; nothing else.
pub struct Reactor<B: Backend, S, C> {
    backend: B,
    core: Core<S, C>,
    gates: Box<[AcceptGate]>,
    handle: Handle,
    phase: Phase,
    drained: Drained,
    accept_pace: Pace,
    overload_pace: Pace,
    overloads: u64,
}

/// Where a reactor stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Fresh,
    Serving,
    /// Nothing new begins. Connections that have not said a word are closed at `silent_until`, everything at `until`.
    Draining {
        silent_until: Option<Instant>,
        until: Instant,
    },
    Over,
}

/// How long a drain waits for the first word of a connection: what its peer has sent may still be in the kernel.
const GRACE: Duration = Duration::from_millis(100);

/// How a shutdown went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drained {
    /// Connections that came to their own end meanwhile.
    pub finished: u64,
    /// Connections closed early because not an octet had come from them.
    pub silent: u64,
    /// Connections closed when the drain time was over.
    pub cut: u64,
    /// Requests still with the workers or the batch when the drain time was over.
    pub abandoned: u64,
}

impl<B: Backend, S: Service, C: Clock> Reactor<B, S, C> {
    /// A reactor at rest. All its memory is taken here, except for pooled buffers, which are kept once they were needed.
    pub fn new(
        backend: B,
        service: Arc<S>,
        clock: C,
        settings: Settings,
        roads: Roads,
        counters: Arc<Counters>,
    ) -> Self {
        let waker = backend.waker();
        let dispatch = Dispatch::new(roads, settings.completions_max, settings.connections_max, Arc::clone(&waker));
        Self {
            gates: (0..backend.listeners()).map(|_| AcceptGate::new()).collect(),
            backend,
            core: Core::new(service, clock, settings, counters, dispatch),
            handle: Handle::new(waker),
            phase: Phase::Fresh,
            drained: Drained::default(),
            accept_pace: Pace::new(),
            overload_pace: Pace::new(),
            overloads: 0,
        }
    }

    /// A handle that ends [`run`](Self::run).
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// The backend, to ask it what it knows (bound addresses, for example).
    #[must_use]
    pub fn backend(&self) -> &B {
        &self.backend
    }

    /// The backend, for those who simulate one. Its operations belong to the loop.
    pub fn backend_mut(&mut self) -> &mut B {
        &mut self.backend
    }

    /// Serves until somebody calls [`Handle::shutdown`] and the drain is over.
    ///
    /// # Errors
    ///
    /// Only when the backend itself is broken.
    pub fn run(&mut self) -> io::Result<Drained> {
        loop {
            if let Some(drained) = self.turn()? {
                return Ok(drained);
            }
        }
    }

    /// One turn: waits, handles about `completions_per_turn` completions, then deadlines, workers and listeners. Says
    /// how the shutdown went once it is over; from then on there is nothing to do.
    ///
    /// # Errors
    ///
    /// Only when the backend itself is broken.
    pub fn turn(&mut self) -> io::Result<Option<Drained>> {
        if self.phase == Phase::Over {
            return Ok(Some(self.drained));
        }
        if self.phase == Phase::Fresh {
            self.start();
        }
        self.core.begin_turn();
        let timeout = self.timeout();
        self.backend.wait(Some(timeout))?;
        self.core.clock.look();
        let woken = self.take_completions();
        self.expire();
        if woken {
            self.core.dispatch.collect();
            self.run_errands();
        }
        self.take_results();
        self.reopen_gates();
        self.drain();
        self.publish();
        Ok((self.phase == Phase::Over).then_some(self.drained))
    }

    /// What the reactor holds at this moment.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn held(&self) -> crate::testing::Held {
        self.core.held()
    }

    /// Does what other threads have asked for. Whoever has lost patience meanwhile misses his answer.
    fn run_errands(&mut self) {
        for errand in self.handle.errands() {
            match errand {
                Errand::Ping(answer) => drop(answer.try_send(())),
                Errand::List(most, answer) => drop(answer.try_send(self.core.live(most))),
                Errand::Adopt(settings, answer) => {
                    self.core.adopt(*settings);
                    let _ = answer.try_send(());
                }
            }
        }
    }

    fn start(&mut self) {
        for listener in 0..self.backend.listeners() {
            self.backend.accept(listener);
        }
        for socket in 0..self.backend.datagram_sockets() {
            self.backend.receive_datagrams(socket);
        }
        self.phase = Phase::Serving;
    }

    /// How long to wait: never past the nearest deadline.
    fn timeout(&self) -> Duration {
        if self.core.dispatch.has_finished() {
            return Duration::ZERO;
        }
        let drain = match self.phase {
            Phase::Draining { silent_until, until } => Some(silent_until.unwrap_or(until)),
            Phase::Fresh | Phase::Serving | Phase::Over => None,
        };
        // While it stops, a shut gate stays shut.
        let gates = self.gates.iter().filter(|_| self.phase == Phase::Serving).filter_map(AcceptGate::opens);
        let nearest = gates.chain(self.core.timers.next()).chain(self.core.next_overdue()).chain(drain).min();
        let wait_max = self.core.settings.wait_max;
        nearest.map_or(wait_max, |nearest| nearest.saturating_duration_since(self.core.clock.seen()).min(wait_max))
    }

    /// Feeds in what came, up to the budget, and says whether the waker was among it.
    fn take_completions(&mut self) -> bool {
        let mut woken = false;
        let mut budget = self.core.settings.completions_per_turn;
        while budget > 0 {
            budget -= 1;
            let Some(completion) = self.backend.next() else { break };
            let order = match completion {
                Completion::Accepted { listener, socket, peer } => {
                    let token = self.core.admit(peer);
                    self.accepted(listener, token, socket);
                    continue;
                }
                Completion::AcceptFailed { listener, error, shed } => {
                    self.accept_failed(listener, &error, shed);
                    continue;
                }
                Completion::Datagrams { socket, batch } => {
                    // Every datagram counts.
                    budget = budget.saturating_sub(batch.filled().saturating_sub(1));
                    self.core.serve_batch(batch);
                    self.answer_batch(socket);
                    continue;
                }
                Completion::Woken => {
                    woken = true;
                    continue;
                }
                Completion::Received { token, octets, more } => self.core.received(token, octets, more),
                Completion::Ended { token } => self.core.ended(token),
                Completion::Failed { token, error, buffer } => self.core.failed(token, &error, buffer),
                Completion::Sent { token, buffer, sent } => self.core.sent(token, buffer, sent),
                Completion::Gone { token } => self.core.gone(token),
                Completion::Returned(buffer) => self.core.returned(buffer),
            };
            self.carry_out(order);
        }
        woken
    }

    fn carry_out(&mut self, order: Order) {
        match order {
            Order::Nothing => {}
            Order::Receive(token) => self.backend.receive(token),
            Order::Send(token, buffer, range) => self.backend.send(token, buffer, range),
            Order::SendLast(token, buffer, range) => self.backend.send_last(token, buffer, range),
            Order::Linger(token) => {
                self.backend.shut_down_sending(token);
                self.backend.receive(token);
            }
            Order::Watch(token) => self.backend.watch(token),
            Order::Close { token, reset } => {
                self.backend.close(token, reset);
                self.closed();
            }
            Order::SendDatagram(to, buffer, range) => self.backend.send_datagram(to, buffer, range),
        }
    }

    fn accepted(&mut self, listener: usize, token: Option<Token>, socket: B::Socket) {
        match token {
            Some(token) => {
                self.backend.adopt(token, socket);
                self.backend.receive(token);
            }
            None => drop(socket),
        }
        if let Some(gate) = self.gates.get_mut(listener) {
            gate.succeeded();
        }
        if self.phase != Phase::Serving && token.is_some() {
            self.drained.finished += 1;
        }
        self.backend.accept(listener);
    }

    fn accept_failed(&mut self, listener: usize, error: &io::Error, shed: u32) {
        let now = self.core.clock.seen();
        self.core.counters.accept_failures.add(1);
        self.core.counters.shed.add(u64::from(shed));
        let Some(gate) = self.gates.get_mut(listener) else { return };
        let pause = gate.failed(now);
        if let Some(failures) = self.accept_pace.speak(now) {
            warn!(%error, listener, failures, pause_ms = pause.as_millis(), "connections cannot be accepted");
        }
    }

    fn answer_batch(&mut self, socket: usize) {
        self.backend.answer_datagrams(socket);
        self.backend.receive_datagrams(socket);
        let losses = self.backend.losses();
        self.core.counters.datagrams_lost_in_kernel.set(losses.overflowed);
        self.core.counters.datagrams_unsent.set(losses.unsent);
    }

    /// A descriptor is free again.
    fn closed(&mut self) {
        let now = self.core.clock.seen();
        self.gates.iter_mut().for_each(|gate| gate.closed(now));
    }

    fn expire(&mut self) {
        let now = self.core.clock.look();
        for _ in 0..self.core.settings.completions_per_turn {
            let Some(slot) = self.core.timers.pop(now) else { return };
            if self.spare(slot) {
                continue;
            }
            self.look_for_unread(self.core.waiting_in(slot));
            let order = self.core.expired(slot);
            self.carry_out(order);
        }
    }

    /// Gives a peer that is late on the face of it a little more time where the kernel, or the backend, has what it owed:
    /// then this thread is late, because it was stopped, or had too much to do.
    fn spare(&mut self, slot: u32) -> bool {
        let Some(late) = self.core.late(slot) else { return false };
        let has_news = self.backend.has_news(late);
        if has_news {
            self.core.spare(late);
        }
        has_news
    }

    /// Tells those whose requests have waited too long in a queue.
    fn give_up_overdue(&mut self) {
        for road in Road::BOTH {
            while let Some(flight) = self.core.overdue(road) {
                self.look_for_unread(flight.origin.connection());
                let order = self.core.refuse_overdue(flight);
                self.carry_out(order);
            }
        }
    }

    /// While a request was waiting nothing was received on its connection. Octets left behind would turn the close into a
    /// reset, and that could destroy the answer.
    fn look_for_unread(&mut self, token: Option<Token>) {
        if let Some(token) = token
            && self.backend.has_unread(token)
        {
            self.core.left_unread(token);
        }
    }

    /// Delivers what other threads have finished, then hands them what waits.
    fn take_results(&mut self) {
        while let Some(finished) = self.core.dispatch.finished() {
            self.look_for_unread(finished.connection());
            let order = self.core.finished(finished);
            self.carry_out(order);
        }
        self.give_up_overdue();
        self.core.dispatch_waiting();
        let overloads = self.core.counters.overloads();
        if overloads > self.overloads && self.overload_pace.speak(self.core.clock.seen()).is_some() {
            warn!(
                refused = overloads - self.overloads,
                waiting = self.core.dispatch.waiting(),
                "workers are saturated"
            );
            self.overloads = overloads;
        }
    }

    fn reopen_gates(&mut self) {
        if self.phase != Phase::Serving {
            return;
        }
        let now = self.core.clock.seen();
        for (listener, gate) in self.gates.iter_mut().enumerate() {
            if gate.open(now) {
                self.backend.accept(listener);
            }
        }
    }

    /// Moves a shutdown forward, if one has been asked for.
    fn drain(&mut self) {
        if self.phase == Phase::Serving && self.handle.is_asked() {
            self.begin_drain();
        }
        if let Phase::Draining { silent_until, until } = self.phase {
            self.go_on_draining(silent_until, until);
        }
    }

    fn begin_drain(&mut self) {
        let now = self.core.clock.seen();
        let drain = self.core.settings.drain;
        info!(open = self.core.links.len(), in_flight = self.core.dispatch.in_flight(), ?drain, "shutting down");
        self.backend.stop_listening();
        self.drained.finished = u64::from(self.core.links.len());
        self.phase = Phase::Draining { silent_until: Some(now + GRACE.min(drain)), until: now + drain };
        self.for_each_link(|_| true, Core::stop);
    }

    fn go_on_draining(&mut self, silent_until: Option<Instant>, until: Instant) {
        let now = self.core.clock.seen();
        if silent_until.is_some_and(|silent_until| silent_until <= now) {
            self.phase = Phase::Draining { silent_until: None, until };
            self.drained.silent = self.for_each_link(|link| link.octets_in == 0, Core::abort);
        }
        let in_flight = self.core.dispatch.in_flight();
        if self.core.links.is_empty() && in_flight == 0 && !self.backend.is_listening() {
            self.phase = Phase::Over;
        } else if until <= now {
            self.phase = Phase::Over;
            self.drained.cut = self.for_each_link(|_| true, Core::abort);
            self.drained.abandoned = in_flight as u64;
        }
        if self.phase == Phase::Over {
            self.drained.finished -= self.drained.silent + self.drained.cut;
            info!(drained = ?self.drained, "reactor stopped");
        }
    }

    /// Does something with every connection that `choose` picks; says how many there were.
    fn for_each_link(&mut self, choose: impl Fn(&Link) -> bool, act: impl Fn(&mut Core<S, C>, Token) -> Order) -> u64 {
        let mut picked = 0;
        for slot in 0..self.core.links.reach() {
            let Some(token) = self.core.links.token(slot) else { continue };
            if self.core.links.get(token).is_some_and(&choose) {
                let order = act(&mut self.core, token);
                self.carry_out(order);
                picked += 1;
            }
        }
        picked
    }

    fn publish(&self) {
        let counters = &self.core.counters;
        counters.turns.add(1);
        counters.in_flight.set(self.core.dispatch.in_flight() as u64);
        counters.in_batch.set(self.core.dispatch.in_batch() as u64);
        counters.waiting.set(u64::from(self.core.dispatch.waiting()));
        counters.sources_evicted.set(self.core.evictions());
        counters.buffer_octets.set(self.core.buffers.octets() as u64);
    }
}
