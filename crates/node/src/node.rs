//! The service: a request in, its answer out.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use raida_reactor::counters::Counters;
use raida_reactor::service::{self, Answer, Call, Flow, Place, Service};
use raida_wire::vote::{self, ANSWER_LEN};
use raida_wire::{Command, HEADROOM, Head, LONG, Refusal, Status, open};
use tracing::{debug, error};

use crate::admin_key::AdminKey;
use crate::census::Census;
use crate::dispatch::{Entry, Work};
use crate::keys::{KeySource, Keys, Lookup};
use crate::reply::Reply;
use crate::roots::Roots;
use crate::statistics::Statistics;

/// What a node has to be told.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its number in the network, 0 to 24.
    pub raida_id: u8,
    /// What Show Stats asks for.
    pub admin_key: AdminKey,
    /// The counters of the reactors it serves, where datagrams are counted.
    pub reactors: Vec<Arc<Counters>>,
}

/// Answers requests, with keys and counts from `K`. Shared by all reactors and workers.
///
/// A command that panics is answered with 252 under a valid signature; the thread goes on.
pub struct Node<K: 'static> {
    raida_id: u8,
    admin_key: AdminKey,
    coins: K,
    roots: Arc<Roots>,
    statistics: Statistics,
    offered: &'static [Entry<K>],
}

impl<K: KeySource + Census> Node<K> {
    /// A node on these coins that agrees to votes for "no trees" until [`roots`](Self::roots) says otherwise.
    #[must_use]
    pub fn new(settings: Settings, coins: K) -> Self {
        Self {
            raida_id: settings.raida_id,
            admin_key: settings.admin_key,
            coins,
            roots: Arc::new(Roots::none()),
            statistics: Statistics::new(settings.reactors),
            offered: Entry::OFFERED,
        }
    }

    fn entry(&self, command: Command) -> Entry<K> {
        let offered = self.offered.iter().find(|entry| entry.command == command);
        offered.map_or_else(|| Entry::not_offered(command), |entry| Entry { ..*entry })
    }

    /// Opens the envelope, runs the command, seals the answer.
    fn serve(&self, entry: &Entry<K>, keys: &Keys, request: &mut service::Request<'_>, answer: &mut Answer<'_>) {
        let head = request.head;
        let body = request.octets.get_mut(head.header_len()..).unwrap_or_default();
        match open(&head, body, &keys.as_key()) {
            Ok((payload, session)) => {
                let mut reply = Reply::new(answer, &session);
                let run = AssertUnwindSafe(|| (entry.run)(self, payload, &mut reply));
                let status = catch_unwind(run).unwrap_or_else(|_| {
                    error!(command = %entry.command, "a command panicked: answered with 252");
                    reply.discard();
                    Status::INTERNAL
                });
                reply.seal(status, &session, request.transport, self.raida_id);
            }
            Err(refusal) => self.refuse(refusal, &head, answer),
        }
    }

    fn refuse(&self, refusal: Refusal, head: &Head, answer: &mut Answer<'_>) {
        let mut random = [0; 24];
        if head.encryption().is_long() {
            // Nothing is encrypted under it: without randomness the client still gets its answer.
            let _ = getrandom::fill(&mut random);
        }
        let mut header = [0; LONG];
        let len = refusal.write(&mut header, self.raida_id, 0, &random);
        let room = answer.buffer(HEADROOM);
        for (to, from) in room.iter_mut().zip(header) {
            *to = from;
        }
        answer.finish(0..len, refusal.status());
    }
}

impl<K> Node<K> {
    /// The roots that votes are answered from. Whoever builds trees publishes there.
    #[must_use]
    pub fn roots(&self) -> &Arc<Roots> {
        &self.roots
    }

    /// What it has counted.
    #[must_use]
    pub fn statistics(&self) -> &Statistics {
        &self.statistics
    }

    /// Where its keys and counts come from.
    #[must_use]
    pub fn coins(&self) -> &K {
        &self.coins
    }

    /// Its number in the network.
    #[must_use]
    pub fn raida_id(&self) -> u8 {
        self.raida_id
    }

    pub(crate) fn admin_key(&self) -> &AdminKey {
        &self.admin_key
    }
}

impl<K: KeySource + Census> Service for Node<K> {
    fn admit(&self, head: &Head) -> Result<(), Status> {
        match Keys::find(&self.coins, head.key(), Place::Reactor) {
            Lookup::Unknown => Err(head.unknown_key()),
            Lookup::Found(_) | Lookup::NotCached | Lookup::Failed => Ok(()),
        }
    }

    fn call(&self, request: &mut service::Request<'_>, answer: &mut Answer<'_>, place: Place) -> Flow {
        let head = request.head;
        let entry = self.entry(head.command());
        if place == Place::Reactor && entry.work == Work::Deferred {
            return Flow::Deferred;
        }
        match Keys::find(&self.coins, head.key(), place) {
            Lookup::Found(keys) => self.serve(&entry, &keys, request, answer),
            Lookup::Unknown => self.refuse(head.refuse(head.unknown_key()), &head, answer),
            Lookup::NotCached if place == Place::Reactor => return Flow::Deferred,
            Lookup::NotCached | Lookup::Failed => self.refuse(head.refuse(Status::FILESYSTEM), &head, answer),
        }
        let status = answer.status();
        if !status.is_result() {
            debug!(peer = %request.peer, command = %head.command(), %status, "request refused");
        }
        Flow::Answered
    }

    fn call_together(&self, calls: &mut [Call<'_>]) {
        for Call { request, answer } in calls {
            // At a worker there is nothing left but to answer.
            let _ = self.call(request, answer, Place::Worker);
        }
    }

    fn vote(&self, request: &vote::Request<'_>) -> [u8; ANSWER_LEN] {
        self.roots.answer(request)
    }
}

impl<K> fmt::Debug for Node<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node")
            .field("raida_id", &self.raida_id)
            .field("statistics", &self.statistics.read())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use raida_reactor::buffer::Buffer;
    use raida_reactor::service::Transport;
    use raida_wire::{Challenge, Recipient, Request, Rules, Sender};

    use super::*;
    use crate::no_coins::NoCoins;

    /// The status of an answer whose signature is right, with what `entry` does for Echo; `None`: deferred.
    fn echo_with(entry: &'static [Entry<NoCoins>], place: Place) -> Option<Status> {
        let settings = Settings { raida_id: 3, admin_key: AdminKey::new([0; 16]), reactors: Vec::new() };
        let node = Node { offered: entry, ..Node::new(settings, NoCoins) };
        let recipient = Recipient { raida_id: 3, coin_id: 6, shard: 0 };
        let sender = Sender::Nobody { echo: [1, 2], challenge: Challenge::new([9; 12]) };
        let mut octets = [0; 50];
        let (_, pending) = Request::new(recipient, Command::ECHO, sender).build(&mut octets, b"").expect("it fits");
        let rules = Rules { raida_id: 3, coin_id: 6, body_max: u16::MAX };
        let head = Head::judge(&octets, &rules).expect("a good header").expect("a whole header");
        let (mut buffer, peer) = (Buffer::zeroed(0), ([127, 0, 0, 1], 1).into());
        let mut answer = Answer::new(&mut buffer);
        let mut request = service::Request { head, octets: &mut octets, peer, transport: Transport::Tcp };
        if node.call(&mut request, &mut answer, place) == Flow::Deferred {
            assert_eq!(octets[48..], [0x3E, 0x3E], "a deferred request is left as it is");
            return None;
        }
        let range = answer.range();
        let response = pending.read(&mut buffer.as_mut()[range]).expect("a good answer");
        assert!(response.is_verified && response.payload.is_empty());
        Some(response.status)
    }

    #[test]
    fn a_command_that_panics_is_answered_with_252_under_a_valid_signature() {
        const PANICS: &[Entry<NoCoins>] = &[Entry {
            command: Command::ECHO,
            work: Work::Inline,
            run: |_, _, reply| {
                reply.payload(b"half an answer");
                panic!("a defect")
            },
        }];
        assert_eq!(echo_with(PANICS, Place::Reactor), Some(Status::INTERNAL));
    }

    #[test]
    fn a_deferred_command_runs_on_a_worker_only() {
        const DEFERRED: &[Entry<NoCoins>] =
            &[Entry { command: Command::ECHO, work: Work::Deferred, run: |_, _, _| Status::SUCCESS }];
        assert_eq!(echo_with(DEFERRED, Place::Reactor), None);
        assert_eq!(echo_with(DEFERRED, Place::Worker), Some(Status::SUCCESS));
    }
}
