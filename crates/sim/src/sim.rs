//! The simulated backend: the node's kernel.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use raida_reactor::Instant;
use raida_reactor::backend::{Backend, Completion, Waker};
use raida_reactor::buffer::Buffer;
use raida_reactor::clock::Clock;
use raida_reactor::datagrams::{Datagram, Datagrams, ReplyTo};
use raida_reactor::token::Token;

use crate::client::{Client, ClientId};
use crate::clock::SimClock;
use crate::event::{Event, Packet};
use crate::network::{Network, find};
use crate::script::Script;
use crate::weather::Weather;

/// A network, its clients and a kernel, in one thread and on one seed. The third backend of the reactor.
///
/// It has one listener and one datagram socket. Time passes in [`wait`](Backend::wait) alone, apart from the price of a
/// completion; a run is determined by its seed and what the caller does between the turns.
///
/// It panics where the loop breaks a promise: octets that were lent have to come back wiped.
#[derive(Debug)]
pub struct Sim {
    pub(crate) network: Network,
    pub(crate) ready: VecDeque<Ready>,
    /// Who is at which slot.
    pub(crate) tokens: Vec<Option<(Token, ClientId)>>,
    pub(crate) accepting: bool,
    pub(crate) accept_is_ready: bool,
    pub(crate) descriptors_used: usize,
    pub(crate) receiving_datagrams: bool,
    pub(crate) datagrams_are_ready: bool,
    pub(crate) batch: Datagrams,
    pub(crate) scratch: Vec<u8>,
    pub(crate) woken: Arc<AtomicBool>,
    pub(crate) wake_is_due: bool,
    pub(crate) stale_reported: u64,
    /// How often a node was cut off.
    pub(crate) cuts: u32,
    pub(crate) dropped: Graveyard,
    trace: u64,
}

/// Datagrams that one batch holds.
pub(crate) const BATCH: usize = 8;
/// Octets that a datagram may have.
pub const DATAGRAM_LIMIT: usize = 1440;
/// Completions among which the next one is drawn.
const DRAWN_FROM: usize = 8;

/// What can be reported. What exactly, is decided when it is.
#[derive(Debug)]
pub(crate) enum Ready {
    Accept,
    Client(ClientId),
    Datagrams,
    Returned(Buffer),
    Stale(Token),
}

pub(crate) type Graveyard = Arc<Mutex<Vec<ClientId>>>;

/// An accepted connection without a token.
#[derive(Debug)]
pub struct Socket {
    client: ClientId,
    /// Where to tell that it was dropped; `None` once it has a token.
    graveyard: Option<Graveyard>,
}

impl Drop for Socket {
    fn drop(&mut self) {
        if let Some(graveyard) = &self.graveyard {
            graveyard.lock().unwrap_or_else(PoisonError::into_inner).push(self.client);
        }
    }
}

impl Sim {
    /// An empty network at time 0.
    #[must_use]
    pub fn new(seed: u64, weather: Weather) -> Self {
        Self {
            network: Network::new(seed, weather),
            ready: VecDeque::new(),
            tokens: Vec::new(),
            accepting: false,
            accept_is_ready: false,
            descriptors_used: 0,
            receiving_datagrams: false,
            datagrams_are_ready: false,
            batch: Datagrams::new(0, BATCH, DATAGRAM_LIMIT, DATAGRAM_LIMIT),
            scratch: Vec::new(),
            woken: Arc::new(AtomicBool::new(false)),
            wake_is_due: false,
            stale_reported: 0,
            cuts: 0,
            dropped: Graveyard::default(),
            trace: 0,
        }
    }

    /// The clock of this simulation.
    #[must_use]
    pub fn clock(&self) -> SimClock {
        self.network.clock.clone()
    }

    /// Lets a client connect, `after` from now.
    pub fn connect(&mut self, after: Duration, peer: SocketAddr, script: Script) -> ClientId {
        let at = self.network.clock.now() + after;
        let id = self.network.add(Client::new(peer, script, at));
        self.network.agenda.schedule(at, Event::Connect(id));
        id
    }

    /// Sends a datagram, `after` from now.
    pub fn post(&mut self, after: Duration, peer: SocketAddr, octets: &[u8]) {
        let at = self.network.clock.now() + after;
        self.network.post(at, peer, octets);
    }

    /// Ends a wait, `after` from now, so that the caller of the turns can do something at that time.
    pub fn set_alarm(&mut self, after: Duration) {
        let at = self.network.clock.now() + after;
        self.network.agenda.schedule(at, Event::Alarm);
    }

    /// Changes how many accepted connections the system has descriptors for.
    pub fn set_descriptors(&mut self, descriptors: usize) {
        self.network.weather.descriptors = descriptors;
    }

    /// A client and what it has seen.
    ///
    /// # Panics
    ///
    /// When the id is another simulation's, or its client is forgotten.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a test that mixes up its simulations has to fail")]
    pub fn client(&self, id: ClientId) -> &Client {
        self.known(id).expect("ids come from this simulation")
    }

    /// A client, unless it was forgotten.
    #[must_use]
    pub fn known(&self, id: ClientId) -> Option<&Client> {
        self.network.clients.get(id.index as usize).filter(|client| client.generation == id.generation)
    }

    /// The answers that reached an asker, in order of arrival.
    #[must_use]
    pub fn answers(&self, peer: SocketAddr) -> &[Vec<u8>] {
        self.network.answers(peer)
    }

    /// Whether nothing will happen any more unless the node does something.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.network.agenda.is_empty() && self.ready.is_empty()
    }

    /// Accepted connections that are not closed.
    #[must_use]
    pub fn descriptors_used(&self) -> usize {
        self.descriptors_used
    }

    /// Connections in the listener's queue.
    #[must_use]
    pub fn backlog(&self) -> usize {
        self.network.backlog.len()
    }

    /// A number that is the same for two runs if and (very nearly) only if the same things were reported at the same times.
    #[must_use]
    pub fn trace(&self) -> u64 {
        self.trace
    }
}

impl Backend for Sim {
    type Socket = Socket;

    fn waker(&self) -> Waker {
        let woken = Arc::clone(&self.woken);
        // ORDERING: Release pairs with the Acquire in `next`.
        Arc::new(move || woken.store(true, Ordering::Release))
    }

    fn listeners(&self) -> usize {
        1
    }

    fn datagram_sockets(&self) -> usize {
        1
    }

    fn accept(&mut self, _listener: usize) {
        self.accepting = true;
        self.stir_listener();
    }

    fn adopt(&mut self, token: Token, mut socket: Socket) {
        socket.graveyard = None;
        let slot = token.slot() as usize;
        if self.tokens.len() <= slot {
            self.tokens.resize(slot + 1, None);
        }
        if let Some(place) = self.tokens.get_mut(slot) {
            *place = Some((token, socket.client));
        }
        if let Some(client) = self.network.client(socket.client) {
            client.node.token = Some(token);
        }
    }

    fn receive(&mut self, token: Token) {
        self.start(token, |client| !std::mem::replace(&mut client.node.receiving, true));
    }

    fn send(&mut self, token: Token, buffer: Buffer, range: Range<usize>) {
        self.start(token, |client| {
            client.node.watched = false;
            client.has_taken();
            client.node.sending.replace((buffer, range)).is_none()
        });
    }

    fn watch(&mut self, token: Token) {
        self.start(token, |client| !std::mem::replace(&mut client.node.watched, true));
    }

    fn has_unread(&mut self, token: Token) -> bool {
        let id = self.named(token);
        id.and_then(|id| self.network.client(id)).is_some_and(|client| !client.node.inbox.is_empty())
    }

    fn has_news(&mut self, token: Token) -> bool {
        let window = self.network.weather.window;
        let Some(client) = self.named(token).and_then(|id| self.network.client(id)) else { return false };
        client.is_due(window) || client.node.sending.is_some() && client.has_taken()
    }

    fn shut_down_sending(&mut self, token: Token) {
        let Some(id) = self.named(token) else { return };
        if let Some(client) = self.network.client(id)
            && !std::mem::replace(&mut client.node.has_ended, true)
        {
            self.network.send_client(id, Packet::End);
        }
    }

    fn close(&mut self, token: Token, reset: bool) {
        let Some(id) = self.named(token) else {
            self.network.broken_promise = Some(format!("{token:?} was closed twice, or never opened"));
            return;
        };
        if let Some(place) = self.tokens.get_mut(token.slot() as usize) {
            *place = None;
        }
        self.close_client(id, reset);
        if self.network.weather.stale_percent > 0 && self.network.dice.odds(self.network.weather.stale_percent) {
            let at = self.network.clock.now() + Duration::from_micros(self.network.dice.below(500_000));
            self.network.agenda.schedule(at, Event::Stale(self.cuts, token.to_word()));
        }
    }

    fn receive_datagrams(&mut self, _socket: usize) {
        self.receiving_datagrams = true;
        self.stir_mailbox();
    }

    fn answer_datagrams(&mut self, _socket: usize) {
        for datagram in self.batch.iter_mut() {
            let range = datagram.answer_range.clone();
            let octets = datagram.answer.as_ref().get(range).unwrap_or_default();
            if !octets.is_empty() {
                self.network.reply(datagram.reply_to.peer, octets);
            }
        }
    }

    fn send_datagram(&mut self, to: ReplyTo, buffer: Buffer, range: Range<usize>) {
        self.network.reply(to.peer, buffer.as_ref().get(range).unwrap_or_default());
        self.ready.push_back(Ready::Returned(buffer));
    }

    fn wait(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        self.bury_dropped();
        self.hear();
        let now = self.network.clock.now();
        while let Some((_, event)) = self.network.agenda.pop(now) {
            self.happen(event);
        }
        if self.network.strikes(self.network.weather.spurious_permille) {
            self.wake_is_due |= self.network.dice.odds(50);
            return Ok(());
        }
        let until = timeout.map_or(Instant::from_micros(u64::MAX), |timeout| now + timeout);
        while self.ready.is_empty() && !self.wake_is_due && self.network.news.is_empty() {
            let Some((at, event)) = self.network.agenda.pop(until) else {
                if timeout.is_none() {
                    return Err(io::Error::new(io::ErrorKind::Deadlock, "nothing will ever happen"));
                }
                self.network.clock.reach(until);
                return Ok(());
            };
            self.network.clock.reach(at);
            let is_alarm = event == Event::Alarm;
            self.happen(event);
            if is_alarm {
                return Ok(());
            }
        }
        Ok(())
    }

    fn next(&mut self) -> Option<Completion<'_, Socket>> {
        assert!(self.scratch.iter().all(|&octet| octet == 0), "received octets have to come back wiped");
        self.hear();
        if std::mem::take(&mut self.wake_is_due) {
            return Some(Completion::Woken);
        }
        loop {
            let ready = self.draw()?;
            let report = match ready {
                Ready::Accept => self.report_accept(),
                Ready::Client(id) => self.report_client(id),
                Ready::Datagrams => Some(Report::Datagrams),
                Ready::Returned(buffer) => Some(Report::Whole(Completion::Returned(buffer))),
                Ready::Stale(token) => Some(self.report_stale(token)),
            };
            let Some(report) = report else { continue };
            self.network.clock.pass(self.network.weather.cost);
            return Some(match report {
                Report::Whole(completion) => completion,
                Report::Received(token, more) => Completion::Received { token, octets: &mut self.scratch, more },
                Report::Datagrams => {
                    self.fill_batch();
                    Completion::Datagrams { socket: 0, batch: &mut self.batch }
                }
            });
        }
    }

    fn stop_listening(&mut self) {
        self.network.listening = false;
        self.accepting = true;
        self.receiving_datagrams = false;
        self.stir_listener();
    }

    fn is_listening(&self) -> bool {
        self.network.listening || !self.network.backlog.is_empty()
    }
}

/// A completion that is decided, before anything is lent.
enum Report {
    Whole(Completion<'static, Socket>),
    /// The octets are in the scratch.
    Received(Token, bool),
    Datagrams,
}

impl Sim {
    pub(crate) fn happen(&mut self, event: Event) {
        if event == Event::Wake {
            self.wake_is_due = true;
        } else if let Event::Stale(cuts, word) = event {
            if cuts == self.cuts {
                self.ready.push_back(Ready::Stale(Token::from_word(word)));
            }
        } else {
            self.network.happen(event);
        }
        for id in std::mem::take(&mut self.network.stirred) {
            self.stir(id);
        }
        self.stir_listener();
        self.stir_mailbox();
    }

    /// Hears the waker, at once or, where the weather holds things up, later.
    fn hear(&mut self) {
        // ORDERING: Acquire pairs with the Release in `waker`.
        if !self.woken.swap(false, Ordering::AcqRel) {
            return;
        }
        if self.network.weather.hold.is_zero() {
            self.wake_is_due = true;
        } else {
            self.hold_up(Event::Wake);
        }
    }

    /// Lets something happen later that could happen now.
    fn hold_up(&mut self, event: Event) {
        let most = u64::try_from(self.network.weather.hold.as_micros()).unwrap_or(u64::MAX);
        let at = self.network.clock.now() + Duration::from_micros(1 + self.network.dice.below(most));
        self.network.agenda.schedule(at, event);
    }

    /// Whether the weather holds up what could be done now.
    fn is_held_up(&mut self) -> bool {
        self.network.weather.hold_percent > 0 && self.network.dice.odds(self.network.weather.hold_percent)
    }

    /// Whose token it is.
    fn named(&self, token: Token) -> Option<ClientId> {
        let place = self.tokens.get(token.slot() as usize)?.as_ref();
        place.filter(|(known, _)| *known == token).map(|(_, id)| *id)
    }

    /// Notes an operation, which must not be in flight already.
    fn start(&mut self, token: Token, note: impl FnOnce(&mut Client) -> bool) {
        let Some(id) = self.named(token) else {
            self.network.broken_promise = Some(format!("an operation on {token:?}, which is closed"));
            return;
        };
        if self.network.client(id).is_some_and(|client| !note(client)) {
            self.network.broken_promise = Some(format!("two operations of one kind on {token:?}"));
        }
        self.stir(id);
    }

    /// Puts a client among what is ready, if there is something to report for it.
    fn stir(&mut self, id: ClientId) {
        let window = self.network.weather.window;
        let Some(client) = self.network.client(id) else { return };
        let is_due = client.is_due(window);
        if is_due && !client.node.closed && !std::mem::replace(&mut client.node.reported, true) {
            self.ready.push_back(Ready::Client(id));
        }
    }

    fn stir_listener(&mut self) {
        if self.accepting && !self.network.backlog.is_empty() && !self.accept_is_ready {
            self.accept_is_ready = true;
            self.ready.push_back(Ready::Accept);
        }
    }

    fn stir_mailbox(&mut self) {
        if self.receiving_datagrams && !self.network.mailbox.is_empty() && !self.datagrams_are_ready {
            self.datagrams_are_ready = true;
            self.ready.push_back(Ready::Datagrams);
        }
    }

    /// The next thing that is ready: the oldest or, in shuffled weather, one of the oldest.
    fn draw(&mut self) -> Option<Ready> {
        let candidates = self.ready.len().min(DRAWN_FROM);
        let index = if self.network.weather.shuffled { self.network.dice.index(candidates) } else { 0 };
        self.ready.remove(index)
    }

    fn report_accept(&mut self) -> Option<Report> {
        self.accept_is_ready = false;
        if self.accepting && self.is_held_up() {
            self.hold_up(Event::Alarm);
            return None;
        }
        if !std::mem::take(&mut self.accepting) {
            return None;
        }
        let fails = self.network.weather.accept_fails_percent;
        if self.descriptors_used >= self.network.weather.descriptors || fails > 0 && self.network.dice.odds(fails) {
            let shed = u32::from(self.network.dice.odds(20));
            if shed > 0
                && let Some(id) = self.network.backlog.pop_front()
            {
                self.network.reset_client(id);
            }
            self.note(1, 0);
            if !self.network.listening {
                self.reset_backlog();
            }
            let error = io::Error::other("no descriptor left");
            return Some(Report::Whole(Completion::AcceptFailed { listener: 0, error, shed }));
        }
        let id = self.network.backlog.pop_front()?;
        let now = self.network.clock.now();
        let client = self.network.client(id)?;
        client.node.accepted = Some(now);
        let peer = client.peer;
        self.descriptors_used += 1;
        self.note(2, id.index as usize);
        let socket = Socket { client: id, graveyard: Some(Arc::clone(&self.dropped)) };
        Some(Report::Whole(Completion::Accepted { listener: 0, socket, peer }))
    }

    fn reset_backlog(&mut self) {
        while let Some(id) = self.network.backlog.pop_front() {
            self.network.reset_client(id);
        }
    }

    fn report_client(&mut self, id: ClientId) -> Option<Report> {
        let Weather { window, split_percent, break_permille, .. } = self.network.weather;
        self.network.client(id)?.node.reported = false;
        if self.is_held_up() {
            self.hold_up(Event::Stir(id));
            return None;
        }
        if self.network.strikes(break_permille) {
            self.break_connection(id);
        }
        let Network { clients, dice, .. } = &mut self.network;
        let client = find(clients, id)?;
        let room = client.room(window);
        let node = &mut client.node;
        let token = node.token.filter(|_| !node.closed)?;
        if node.reset_has_come {
            return self.report_reset(id, token);
        }
        if let Some((_, range)) = &node.sending {
            let sent = dice.part(range.len().min(room), split_percent);
            return if sent > 0 { self.report_sent(id, token, sent) } else { None };
        }
        if !std::mem::take(&mut node.receiving) {
            return None;
        }
        if node.inbox.is_empty() {
            self.note(3, id.index as usize);
            return Some(Report::Whole(Completion::Ended { token }));
        }
        let count = dice.part(node.inbox.len(), split_percent);
        self.scratch.clear();
        self.scratch.extend(node.inbox.drain(..count));
        node.taken += count;
        let more = !node.inbox.is_empty();
        self.note(4, id.index as usize + count);
        Some(Report::Received(token, more))
    }

    fn report_sent(&mut self, id: ClientId, token: Token, sent: usize) -> Option<Report> {
        let (buffer, range) = self.network.client(id)?.node.sending.take()?;
        let octets = buffer.as_ref().get(range.start..range.start + sent).unwrap_or_default().to_vec();
        self.network.send_client(id, Packet::Octets(octets));
        self.note(5, id.index as usize + sent);
        Some(Report::Whole(Completion::Sent { token, buffer, sent }))
    }

    fn report_reset(&mut self, id: ClientId, token: Token) -> Option<Report> {
        self.note(6, id.index as usize);
        let node = &mut self.network.client(id)?.node;
        let buffer = node.sending.take().map(|(buffer, _)| buffer);
        let error = io::ErrorKind::ConnectionReset.into();
        if std::mem::take(&mut node.receiving) || buffer.is_some() {
            Some(Report::Whole(Completion::Failed { token, error, buffer }))
        } else if std::mem::take(&mut node.watched) {
            Some(Report::Whole(Completion::Gone { token }))
        } else {
            None
        }
    }

    /// The connection fails at both ends, without anybody's doing.
    fn break_connection(&mut self, id: ClientId) {
        let Some(client) = self.network.client(id).filter(|client| !client.node.closed) else { return };
        if !client.node.reset_has_come {
            (client.node.is_broken, client.node.reset_has_come) = (true, true);
            client.node.inbox.clear();
            self.network.send_client(id, Packet::Reset);
        }
    }

    /// Something that comes too late, for a connection that is gone.
    fn report_stale(&mut self, token: Token) -> Report {
        self.stale_reported += 1;
        self.note(8, token.slot() as usize);
        Report::Whole(match self.network.dice.below(3) {
            0 => Completion::Ended { token },
            1 => Completion::Gone { token },
            _ => Completion::Failed { token, error: io::ErrorKind::BrokenPipe.into(), buffer: None },
        })
    }

    fn fill_batch(&mut self) {
        self.datagrams_are_ready = false;
        self.receiving_datagrams = false;
        let waiting = self.network.mailbox.len().min(BATCH);
        let filled = self.network.dice.part(waiting, self.network.weather.split_percent);
        let is_wiped = |slot: &Datagram| slot.octets.as_ref().iter().take(slot.len).all(|&octet| octet == 0);
        assert!(self.batch.slots_mut().iter().all(is_wiped), "datagrams have to come back wiped");
        for (slot, (peer, octets)) in self.batch.slots_mut().iter_mut().zip(self.network.mailbox.drain(..filled)) {
            slot.reply_to = ReplyTo { socket: 0, peer, local: None, interface: 0 };
            slot.len = octets.len().min(DATAGRAM_LIMIT);
            slot.truncated = octets.len() > DATAGRAM_LIMIT;
            for (to, from) in slot.octets.as_mut().iter_mut().zip(octets) {
                *to = from;
            }
        }
        self.batch.set_filled(filled);
        self.note(7, filled);
    }

    fn close_client(&mut self, id: ClientId, reset: bool) {
        let Some(client) = self.network.client(id) else { return };
        let node = &mut client.node;
        node.closed = true;
        self.descriptors_used -= 1;
        if let Some((buffer, _)) = node.sending.take() {
            self.ready.push_back(Ready::Returned(buffer));
        }
        // As a kernel does: closing over unread octets resets.
        let (resets, was_ended) = (reset || !node.inbox.is_empty(), node.has_ended);
        if client.is_forgotten {
            return self.network.forget(id);
        }
        if client.node.reset_has_come {
            return;
        }
        if resets {
            self.network.send_client(id, Packet::Reset);
        } else if !was_ended {
            self.network.send_client(id, Packet::End);
        }
    }

    /// Closes accepted connections that were dropped without a token.
    fn bury_dropped(&mut self) {
        let dropped = std::mem::take(&mut *self.dropped.lock().unwrap_or_else(PoisonError::into_inner));
        for id in dropped {
            self.close_client(id, false);
        }
    }

    fn note(&mut self, kind: u64, detail: usize) {
        for word in [self.network.clock.now().as_micros(), kind, detail as u64] {
            self.trace = (self.trace ^ word).wrapping_mul(0x0100_0000_01B3).rotate_left(29);
        }
    }
}
