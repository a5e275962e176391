//! What only the caller of the turns can do to a simulation: cut the power, let it forget, ask it for news.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use raida_reactor::backend::Backend;
use raida_reactor::clock::Clock;
use raida_reactor::datagrams::Datagrams;

use crate::client::{Client, ClientId};
use crate::event::{Event, Packet};
use crate::network::News;
use crate::sim::{BATCH, DATAGRAM_LIMIT, Graveyard, Sim};
use crate::weather::Weather;

impl Sim {
    /// From now on [`take_news`](Self::take_news) has something to tell, and a wait ends as soon as it has.
    pub fn give_news(&mut self) {
        self.network.gives_news = true;
    }

    /// What happened since it was last asked.
    pub fn take_news(&mut self) -> Vec<News> {
        std::mem::take(&mut self.network.news)
    }

    /// Gives [`News::Call`] with this number, `after` from now.
    pub fn call(&mut self, after: Duration, number: u64) {
        let at = self.network.clock.now() + after;
        self.network.agenda.schedule(at, Event::Call(number));
    }

    /// A client resets its connection, if it is not over.
    pub fn give_up(&mut self, id: ClientId) {
        self.network.give_up(id);
    }

    /// Forgets a client whose part is over, as soon as the node has closed its end, so that its place can be used again.
    pub fn forget(&mut self, id: ClientId) {
        self.network.forget(id);
    }

    /// From now on, octets to this sender of datagrams are held against the octets from it. It never sees an answer.
    pub fn distrust(&mut self, peer: SocketAddr) {
        self.network.strangers.entry(peer).or_default();
    }

    /// What the node did that no node may do, if anything.
    #[must_use]
    pub fn broken_promise(&self) -> Option<&str> {
        self.network.broken_promise.as_deref()
    }

    /// How many completions were reported for connections that were closed already.
    #[must_use]
    pub fn stale_reported(&self) -> u64 {
        self.stale_reported
    }

    /// Changes the weather.
    pub fn set_weather(&mut self, weather: Weather) {
        self.network.weather = weather;
    }

    /// The clients of all connections that the node has not closed.
    pub fn at_node(&self) -> impl Iterator<Item = &Client> {
        self.network.clients.iter().filter(|client| client.node.accepted.is_some() && !client.node.closed)
    }

    /// Whether no datagram waits in the node's kernel.
    #[must_use]
    pub fn mailbox_is_empty(&self) -> bool {
        self.network.mailbox.is_empty()
    }

    /// Lets time pass for everybody but the node: a stopped process, a virtual machine on the move. Its kernel goes on.
    pub fn skip(&mut self, span: Duration) {
        let until = self.network.clock.now() + span;
        while let Some((at, event)) = self.network.agenda.pop(until) {
            self.network.clock.reach(at);
            self.happen(event);
        }
        self.network.clock.reach(until);
    }

    /// The node ends without a word, and its kernel forgets its connections. `tells`: their peers are reset at once;
    /// otherwise they hear nothing until they send something.
    pub fn cut(&mut self, tells: bool) {
        let ids: Vec<_> =
            (0u32..).zip(&self.network.clients).map(|(index, client)| (index, client.generation)).collect();
        for (index, generation) in ids {
            let id = ClientId { index, generation };
            let Some(client) = self.network.client(id) else { continue };
            if client.node.accepted.is_none() || client.node.closed {
                continue;
            }
            client.node.sending = None;
            client.node.closed = true;
            if client.is_forgotten {
                self.network.forget(id);
            } else if tells {
                self.network.send_client(id, Packet::Reset);
            }
        }
        while let Some(id) = self.network.backlog.pop_front() {
            self.network.reset_client(id);
        }
        self.network.mailbox.clear();
        self.network.listening = false;
        self.unplug();
    }

    /// The node's side of the kernel, as it is before anybody uses it.
    fn unplug(&mut self) {
        self.ready = VecDeque::new();
        self.tokens.clear();
        (self.accepting, self.accept_is_ready) = (false, false);
        (self.receiving_datagrams, self.datagrams_are_ready) = (false, false);
        self.descriptors_used = 0;
        self.batch = Datagrams::new(0, BATCH, DATAGRAM_LIMIT, DATAGRAM_LIMIT);
        self.scratch.clear();
        self.woken = Arc::new(AtomicBool::new(false));
        self.wake_is_due = false;
        self.stale_reported = 0;
        self.cuts += 1;
        self.dropped = Graveyard::default();
    }

    /// Lets time pass while there is no node, for at most `span`.
    pub fn pass(&mut self, span: Duration) {
        // Nobody is there to be told, and nothing but the end of time could fail.
        while self.next().is_some() {}
        drop(self.wait(Some(span)));
    }

    /// Listens, for the next node.
    pub fn listen(&mut self) {
        while self.next().is_some() {}
        self.network.listening = true;
    }
}
