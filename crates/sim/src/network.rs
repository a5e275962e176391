//! The network between simulated clients and the node's kernel.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use raida_reactor::Instant;
use raida_reactor::clock::Clock;

use crate::client::{Client, ClientId, End};
use crate::clock::SimClock;
use crate::dice::Dice;
use crate::event::{Agenda, Event, Packet};
use crate::script::{Act, Reads};
use crate::weather::Weather;

/// What the caller of the turns may want to hear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// It is over for a client: the node has closed, somebody has reset, or it has given up.
    Ended(ClientId),
    /// An answer has reached its asker.
    Datagram(SocketAddr, Vec<u8>),
    /// It is the time of a call, by its number.
    Call(u64),
}

/// Clients, packets on their way, and what the node's kernel holds.
#[derive(Debug)]
pub(crate) struct Network {
    pub(crate) dice: Dice,
    pub(crate) weather: Weather,
    pub(crate) clock: SimClock,
    pub(crate) agenda: Agenda,
    pub(crate) clients: Vec<Client>,
    /// Connections that nobody has accepted yet.
    pub(crate) backlog: VecDeque<ClientId>,
    pub(crate) listening: bool,
    /// Datagrams that the node's kernel holds.
    pub(crate) mailbox: VecDeque<(SocketAddr, Vec<u8>)>,
    /// What each asker got, unless news are given.
    answers: BTreeMap<SocketAddr, Vec<Vec<u8>>>,
    /// Senders of datagrams who prove nothing: octets that came from them, and went to them.
    pub(crate) strangers: BTreeMap<SocketAddr, (usize, usize)>,
    /// What the caller of the turns wants to hear, where he wants to.
    pub(crate) news: Vec<News>,
    pub(crate) gives_news: bool,
    /// Places of clients that were forgotten.
    pub(crate) free: Vec<u32>,
    /// A promise that the node broke.
    pub(crate) broken_promise: Option<String>,
    /// Clients whose end at the node may have something to report.
    pub(crate) stirred: Vec<ClientId>,
}

impl Network {
    pub(crate) fn new(seed: u64, weather: Weather) -> Self {
        Self {
            dice: Dice::new(seed),
            weather,
            clock: SimClock::default(),
            agenda: Agenda::default(),
            clients: Vec::new(),
            backlog: VecDeque::new(),
            listening: true,
            mailbox: VecDeque::new(),
            answers: BTreeMap::new(),
            strangers: BTreeMap::new(),
            news: Vec::new(),
            gives_news: false,
            free: Vec::new(),
            broken_promise: None,
            stirred: Vec::new(),
        }
    }

    pub(crate) fn client(&mut self, id: ClientId) -> Option<&mut Client> {
        find(&mut self.clients, id)
    }

    /// Sends a datagram at `at`.
    pub(crate) fn post(&mut self, at: Instant, peer: SocketAddr, octets: &[u8]) {
        for _ in 0..self.copies() {
            let at = at + self.delay();
            self.agenda.schedule(at, Event::DatagramToNode(Box::new((peer, octets.to_vec()))));
        }
    }

    /// A datagram has reached the node's kernel.
    fn take_in(&mut self, peer: SocketAddr, octets: Vec<u8>) {
        if self.listening && self.mailbox.len() < self.weather.mailbox {
            if let Some((octets_in, _)) = self.strangers.get_mut(&peer) {
                *octets_in += octets.len();
            }
            self.mailbox.push_back((peer, octets));
        }
    }

    /// The node answers a datagram.
    pub(crate) fn reply(&mut self, peer: SocketAddr, octets: &[u8]) {
        if let Some((octets_in, octets_out)) = self.strangers.get_mut(&peer) {
            *octets_out += octets.len();
            if octets_out > octets_in {
                self.broken_promise =
                    Some(format!("{peer} has proved nothing, sent {octets_in} octets and was sent {octets_out}"));
            }
            return;
        }
        for _ in 0..self.copies() {
            let at = self.clock.now() + self.delay();
            self.agenda.schedule(at, Event::DatagramToAsker(Box::new((peer, octets.to_vec()))));
        }
    }

    /// What came back to an asker.
    pub(crate) fn answers(&self, peer: SocketAddr) -> &[Vec<u8>] {
        self.answers.get(&peer).map_or(&[], Vec::as_slice)
    }

    /// Forgets a client as soon as the node has closed its end.
    pub(crate) fn forget(&mut self, id: ClientId) {
        let Some(client) = find(&mut self.clients, id) else { return };
        client.is_forgotten = true;
        if client.node.closed {
            client.generation = client.generation.wrapping_add(1);
            self.free.push(id.index);
        }
    }

    /// Takes a client in.
    pub(crate) fn add(&mut self, mut client: Client) -> ClientId {
        let place = self.free.pop().and_then(|index| Some((index, self.clients.get_mut(index as usize)?)));
        if let Some((index, place)) = place {
            client.generation = place.generation;
            let generation = client.generation;
            *place = client;
            return ClientId { index, generation };
        }
        self.clients.push(client);
        ClientId { index: u32::try_from(self.clients.len() - 1).unwrap_or(u32::MAX), generation: 0 }
    }

    /// Sends something from the node to a client, behind everything sent before.
    pub(crate) fn send_client(&mut self, id: ClientId, packet: Packet) {
        let at = self.clock.now() + self.delay();
        let Some(client) = find(&mut self.clients, id) else { return };
        if let Packet::Octets(octets) = &packet {
            client.coming += octets.len();
            client.given += octets.len();
        }
        client.last_to_client = client.last_to_client.max(at);
        self.agenda.schedule(client.last_to_client, Event::ToClient(id, packet));
    }

    /// Lets one event happen.
    pub(crate) fn happen(&mut self, event: Event) {
        match event {
            Event::Connect(id) if self.listening => {
                self.backlog.push_back(id);
                self.stirred.push(id);
                self.act(id);
            }
            Event::Connect(id) => self.reset_client(id),
            Event::Act(id) => {
                if let Some(client) = self.client(id) {
                    client.will_act = false;
                }
                self.act(id);
            }
            Event::ToNode(id, packet) => self.reach_node(id, packet),
            Event::ToClient(id, packet) => self.reach_client(id, packet),
            Event::Read(id) => self.read(id),
            Event::DatagramToNode(letter) => self.take_in(letter.0, letter.1),
            Event::DatagramToAsker(letter) if self.gives_news => self.news.push(News::Datagram(letter.0, letter.1)),
            Event::DatagramToAsker(letter) => self.answers.entry(letter.0).or_default().push(letter.1),
            Event::Stir(id) => self.stirred.push(id),
            Event::Call(number) => self.news.push(News::Call(number)),
            Event::Alarm | Event::Wake | Event::Stale(..) => {}
        }
    }

    /// A client goes on with its part.
    fn act(&mut self, id: ClientId) {
        loop {
            let Some(client) = find(&mut self.clients, id) else { return };
            let is_dismissed = match client.end {
                None => false,
                Some((End::Closed, _)) => !client.script.stays,
                Some((End::Reset, _)) => true,
            };
            if is_dismissed || client.will_act {
                return;
            }
            let Some(act) = client.script.acts.pop_front() else { return };
            match act {
                Act::Send(octets) => self.send(id, &octets),
                Act::Segment(octets) => self.send_node(id, Packet::Octets(octets)),
                Act::Wait(span) => return self.act_after(id, span),
                Act::Await(total) if client.received.len() < total => {
                    client.script.acts.push_front(act);
                    return;
                }
                Act::Await(_) => {}
                Act::HalfClose => self.end(id),
                Act::Reset => {
                    self.end_at(id, End::Reset);
                    self.send_node(id, Packet::Reset);
                }
            }
        }
    }

    fn act_after(&mut self, id: ClientId, span: Duration) {
        let at = self.clock.now() + span;
        if let Some(client) = find(&mut self.clients, id) {
            client.will_act = true;
            self.agenda.schedule(at, Event::Act(id));
        }
    }

    /// A client sends octets, in pieces as the weather wants it.
    fn send(&mut self, id: ClientId, octets: &[u8]) {
        let mut rest = octets;
        while !rest.is_empty() {
            let len = self.dice.part(rest.len(), self.weather.split_percent);
            let (piece, behind) = rest.split_at(len);
            self.send_node(id, Packet::Octets(piece.to_vec()));
            rest = behind;
        }
    }

    /// A client shuts down its sending side.
    fn end(&mut self, id: ClientId) {
        if let Some(client) = find(&mut self.clients, id)
            && !std::mem::replace(&mut client.has_ended, true)
        {
            self.send_node(id, Packet::End);
        }
    }

    fn send_node(&mut self, id: ClientId, packet: Packet) {
        let at = self.clock.now() + self.delay();
        let Some(client) = find(&mut self.clients, id) else { return };
        client.last_to_node = client.last_to_node.max(at);
        self.agenda.schedule(client.last_to_node, Event::ToNode(id, packet));
    }

    fn reach_node(&mut self, id: ClientId, packet: Packet) {
        let Some(client) = find(&mut self.clients, id) else { return };
        let node = &mut client.node;
        match packet {
            // As a kernel does: whoever sends to a closed socket is reset.
            Packet::Octets(_) if node.closed => return self.send_client(id, Packet::Reset),
            Packet::Octets(octets) => node.inbox.extend(octets),
            Packet::End => node.end_has_come = true,
            Packet::Reset => {
                node.inbox.clear();
                node.reset_has_come = true;
            }
        }
        self.stirred.push(id);
    }

    fn reach_client(&mut self, id: ClientId, packet: Packet) {
        let delay = self.delay();
        let Some(client) = find(&mut self.clients, id) else { return };
        if let Packet::Octets(octets) = &packet {
            client.coming -= octets.len();
        }
        if matches!(client.end, Some((End::Reset, _))) {
            return;
        }
        match packet {
            Packet::Octets(octets) => {
                client.unread.extend(octets);
                let pause = match client.script.reads {
                    Reads::Eagerly => delay,
                    Reads::Slowly { every, .. } => every,
                    Reads::Never => return,
                };
                self.read_after(id, pause);
            }
            Packet::End => {
                client.end_has_come = true;
                if client.unread.is_empty() || matches!(client.script.reads, Reads::Never) {
                    self.finish(id);
                }
            }
            // What the program has not read by now is lost.
            Packet::Reset => {
                client.unread.clear();
                self.end_at(id, End::Reset);
            }
        }
    }

    fn read_after(&mut self, id: ClientId, pause: Duration) {
        let at = self.clock.now() + pause;
        if let Some(client) = find(&mut self.clients, id)
            && !std::mem::replace(&mut client.will_read, true)
        {
            self.agenda.schedule(at, Event::Read(id));
        }
    }

    /// A client's program reads.
    fn read(&mut self, id: ClientId) {
        let Some(client) = find(&mut self.clients, id) else { return };
        client.will_read = false;
        let (most, pause) = match client.script.reads {
            Reads::Eagerly => (usize::MAX, Duration::ZERO),
            Reads::Slowly { octets, every } => (octets, every),
            Reads::Never => return,
        };
        let count = client.unread.len().min(most);
        client.received.extend(client.unread.drain(..count));
        let (has_more, end_has_come) = (!client.unread.is_empty(), client.end_has_come);
        self.stirred.push(id);
        if has_more {
            self.read_after(id, pause);
        } else if end_has_come {
            self.finish(id);
        }
        self.act(id);
    }

    /// A client has read everything up to the node's end.
    fn finish(&mut self, id: ClientId) {
        let Some(client) = find(&mut self.clients, id) else { return };
        let stays = client.script.stays;
        if !client.is_over() {
            self.end_at(id, End::Closed);
            if !stays {
                self.end(id);
            }
        }
    }

    /// It is over for a client, now.
    fn end_at(&mut self, id: ClientId, end: End) {
        let now = self.clock.now();
        if let Some(client) = find(&mut self.clients, id) {
            let was_over = client.end.replace((end, now)).is_some();
            if self.gives_news && !was_over {
                self.news.push(News::Ended(id));
            }
        }
    }

    /// A client gives up.
    pub(crate) fn give_up(&mut self, id: ClientId) {
        if self.client(id).is_some_and(|client| !client.is_over()) {
            self.end_at(id, End::Reset);
            self.send_node(id, Packet::Reset);
        }
    }

    /// Resets a client that nobody will serve.
    pub(crate) fn reset_client(&mut self, id: ClientId) {
        let Some(client) = self.client(id) else { return };
        client.node.closed = true;
        if client.is_forgotten {
            return self.forget(id);
        }
        self.send_client(id, Packet::Reset);
    }

    fn delay(&mut self) -> Duration {
        let most = u64::try_from(self.weather.delay.as_micros()).unwrap_or(u64::MAX - 1);
        Duration::from_micros(self.dice.below(most + 1))
    }

    /// Whether something happens that happens so often out of a thousand.
    pub(crate) fn strikes(&mut self, permille: u16) -> bool {
        permille > 0 && self.dice.below(1000) < u64::from(permille)
    }

    /// How often one datagram arrives.
    fn copies(&mut self) -> u32 {
        if self.dice.odds(self.weather.loss_percent) {
            0
        } else {
            1 + u32::from(self.dice.odds(self.weather.double_percent))
        }
    }
}

/// A client that is not forgotten.
pub(crate) fn find(clients: &mut [Client], id: ClientId) -> Option<&mut Client> {
    clients.get_mut(id.index as usize).filter(|client| client.generation == id.generation)
}
