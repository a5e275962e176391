//! Coins on a disk in memory, a clock to be set by hand, and a stand-in for reactor, workers and batcher.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use raida_reactor::Instant;
use raida_reactor::buffer::Buffer;
use raida_reactor::clock::Clock;
use raida_reactor::service::{self, Answer, Call, Flow, Place, Service, Transport};
use raida_store::testing::Disk;
use raida_store::{Options, Record, Store, StoreError};
use raida_wire::{
    AuthenticityNumber, Challenge, CoinId, Command, Datagram, Head, Month, Pending, Recipient, Refusal, Request, Rules,
    Sender, Status, judge_datagram,
};

use crate::admin_key::AdminKey;
use crate::node::Node;
use crate::peers::NoPeers;
use crate::settings::{Settings, Surroundings};

/// The coin network that [`ask`] judges headers by.
pub const COIN_ID: u16 = 6;

/// The admin key of a node made by [`node_of`].
pub const ADMIN_KEY: [u8; 16] = *b"\xAD\x01an admin key\xAD\x02";

/// The month in which a node made by [`node_of`] lives.
pub const MONTH: Month = Month(45);

/// Whoever calls [`ask`].
pub const PEER: SocketAddr = SocketAddr::V4(std::net::SocketAddrV4::new(std::net::Ipv4Addr::LOCALHOST, 40_000));

/// Issued coins, to be put into a store.
#[derive(Clone, Debug, Default)]
pub struct Coins {
    records: BTreeMap<CoinId, Record>,
    is_cold: bool,
}

impl Coins {
    /// Nothing is issued.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Issues a coin.
    #[must_use]
    pub fn with_coin(self, coin: CoinId, number: AuthenticityNumber) -> Self {
        self.with_record(coin, Record { an: number, month: Month(20) })
    }

    /// Issues a coin in some month.
    #[must_use]
    pub fn with_record(mut self, coin: CoinId, record: Record) -> Self {
        self.records.insert(coin, record);
        self
    }

    /// Fills a locker with a coin of denomination 6, from serial number 1,000,000 on.
    #[must_use]
    pub fn with_locker(self, key: [u8; 16]) -> Self {
        let taken = |number: &u32| CoinId::new(6, *number).is_some_and(|coin| self.records.contains_key(&coin));
        match (1_000_000..).find(|number| !taken(number)).and_then(|number| CoinId::new(6, number)) {
            Some(coin) => self.with_coin(coin, key.into()),
            None => self,
        }
    }

    /// Has nothing at hand: everything has to be read from the disk first.
    #[must_use]
    pub fn cold(mut self) -> Self {
        self.is_cold = true;
        self
    }

    /// Puts them on a disk.
    ///
    /// # Errors
    ///
    /// Where that disk is broken.
    pub fn store_on(&self, disk: &Disk) -> Result<Store, StoreError> {
        let options = Options { database_cache: 0, ..Options::new([7; 32]) };
        let store = Store::open_on(disk.plug_in(), &options).map_err(|_| StoreError::Broken)?;
        let mut batch = store.write()?;
        batch.request(|changes| self.records.iter().try_for_each(|(coin, record)| changes.set(*coin, record)))?;
        batch.commit()?;
        store.refresh_trees()?;
        if !self.is_cold {
            self.records.keys().try_for_each(|coin| store.read(*coin).map(drop))?;
        }
        Ok(store)
    }
}

/// A clock that stands until it is told. All clones are the same clock.
#[derive(Clone, Debug, Default)]
pub struct HandClock(Arc<AtomicU64>);

impl HandClock {
    /// Lets time pass.
    pub fn advance(&self, span: Duration) {
        self.0.fetch_add(u64::try_from(span.as_micros()).unwrap_or(u64::MAX), Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Instant {
        Instant::from_micros(self.0.load(Ordering::SeqCst))
    }
}

/// The usual, with [`ADMIN_KEY`].
#[must_use]
pub fn settings(raida_id: u8) -> Settings {
    Settings::new(raida_id, AdminKey::new(ADMIN_KEY))
}

/// A store of these coins, a clock that stands, [`MONTH`], and no peers.
///
/// # Panics
///
/// Where the store does not open, which is a defect.
#[must_use]
#[expect(clippy::expect_used, reason = "for tests alone")]
pub fn surroundings(coins: &Coins) -> Surroundings {
    Surroundings {
        store: Arc::new(coins.store_on(&Disk::new()).expect("a good disk")),
        clock: Arc::new(HandClock::default()),
        calendar: Arc::new(|| MONTH),
        peers: Arc::new(NoPeers),
    }
}

/// A node on these coins, with [`ADMIN_KEY`].
#[must_use]
pub fn node_of(raida_id: u8, coins: &Coins) -> Node {
    Node::new(settings(raida_id), surroundings(coins))
}

/// A request of type 0 to this node, and what reads its answer.
///
/// # Panics
///
/// Where the payload is too long for a request.
#[must_use]
#[expect(clippy::expect_used, reason = "for tests alone")]
pub fn in_clear(node: &Node, command: Command, payload: &[u8]) -> (Vec<u8>, Pending) {
    let recipient = Recipient { raida_id: node.settings().raida_id, coin_id: COIN_ID, shard: 0 };
    let sender = Sender::Nobody { echo: [1, 2], challenge: Challenge::new([7; 12]) };
    let request = Request::new(recipient, command, sender);
    let mut octets = vec![0; request.built_len(payload.len())];
    let (_, pending) = request.build(&mut octets, payload).expect("a payload that fits");
    (octets, pending)
}

/// Asks in clear over TCP, from loopback. Gives the status and the payload of the answer.
///
/// # Panics
///
/// Where no client would accept the answer.
#[must_use]
#[expect(clippy::expect_used, reason = "for tests alone")]
pub fn exchange(node: &Node, command: Command, payload: &[u8]) -> (Status, Vec<u8>) {
    let (octets, pending) = in_clear(node, command, payload);
    let mut answer = ask(node, &octets, Transport::Tcp).expect("an answer");
    let response = pending.read(&mut answer).expect("an answer that a client accepts");
    assert!(response.is_verified, "an answer behind the envelope is signed");
    (response.status, response.payload.to_vec())
}

/// Takes a request, or a whole datagram, all the way: from the reactor to a worker or to the batcher where it has to go
/// there. `None`: no answer, because it was dropped or because more octets are needed.
#[must_use]
pub fn ask(node: &Node, octets: &[u8], transport: Transport) -> Option<Vec<u8>> {
    ask_from(node, octets, transport, PEER)
}

/// The same from somewhere else.
#[must_use]
pub fn ask_from(node: &Node, octets: &[u8], transport: Transport, peer: SocketAddr) -> Option<Vec<u8>> {
    match judged(node, octets, transport, peer) {
        Judged::Silence => None,
        Judged::Answer(answer) => Some(answer),
        Judged::Request(head) => {
            let mut whole = octets.get(..head.request_len())?.to_vec();
            match call(node, head, &mut whole, transport, peer, Place::Reactor) {
                (Flow::Answered, answer) => Some(answer),
                (Flow::Silent, _) => None,
                (Flow::Deferred, _) => match call(node, head, &mut whole, transport, peer, Place::Worker) {
                    (Flow::Batched, _) => ask_together(node, &[(&whole, transport, peer)]).pop()?,
                    (_, answer) => Some(answer),
                },
                (Flow::Batched, _) => ask_together(node, &[(octets, transport, peer)]).pop()?,
            }
        }
    }
}

/// As [`ask`], but only at this place. `None` also where it was deferred.
#[must_use]
pub fn ask_at(node: &Node, octets: &[u8], transport: Transport, place: Place) -> Option<Vec<u8>> {
    match judged(node, octets, transport, PEER) {
        Judged::Silence => None,
        Judged::Answer(answer) => Some(answer),
        Judged::Request(head) => {
            let mut whole = octets.get(..head.request_len())?.to_vec();
            let (flow, answer) = call(node, head, &mut whole, transport, PEER, place);
            (flow == Flow::Answered).then_some(answer)
        }
    }
}

/// Takes requests through one batch, and gives their answers in the same order.
#[must_use]
pub fn ask_together(node: &Node, requests: &[(&[u8], Transport, SocketAddr)]) -> Vec<Option<Vec<u8>>> {
    let mut judged: Vec<_> = requests
        .iter()
        .map(|(octets, transport, peer)| (octets.to_vec(), judged(node, octets, *transport, *peer)))
        .collect();
    let mut buffers: Vec<_> = requests.iter().map(|_| Buffer::zeroed(64)).collect();
    let mut calls = Vec::new();
    for (((octets, judged), buffer), (_, transport, peer)) in judged.iter_mut().zip(&mut buffers).zip(requests) {
        if let Judged::Request(head) = judged
            && let Some(octets) = octets.get_mut(..head.request_len())
        {
            let request = service::Request { head: *head, octets, peer: *peer, transport: *transport };
            calls.push(Call { request, answer: Answer::new(buffer) });
        }
    }
    node.call_together(&mut calls);
    let ranges: Vec<_> = calls.iter().map(|call| call.answer.range()).collect();
    drop(calls);
    let mut ranges = ranges.into_iter();
    let answer = |((_, judged), buffer): ((Vec<u8>, Judged), Buffer)| match judged {
        Judged::Silence => None,
        Judged::Answer(answer) => Some(answer),
        Judged::Request(_) => buffer.as_ref().get(ranges.next()?).map(<[u8]>::to_vec),
    };
    judged.into_iter().zip(buffers).map(answer).collect()
}

/// What a reactor makes of octets before the service is called.
enum Judged {
    Silence,
    Answer(Vec<u8>),
    Request(Head),
}

fn judged(node: &Node, octets: &[u8], transport: Transport, peer: SocketAddr) -> Judged {
    let rules = Rules { raida_id: node.settings().raida_id, coin_id: COIN_ID, body_max: u16::MAX };
    let head = match transport {
        Transport::Tcp => match Head::judge(octets, &rules) {
            Ok(None) => return Judged::Silence,
            Ok(Some(head)) => Ok(head),
            Err(refusal) => Err(refusal),
        },
        Transport::Udp { limit, .. } => match judge_datagram(octets.get(..limit).unwrap_or(octets), &rules) {
            Datagram::Vote(request) => return Judged::Answer(node.vote(&request).to_vec()),
            Datagram::Drop(_) => return Judged::Silence,
            Datagram::Refuse(refusal) => Err(refusal),
            Datagram::Request(head) => Ok(head),
        },
    };
    let checked = head.and_then(|head| {
        if let Err(status) = node.admit(&head) {
            return repeated(node, head, octets, transport, peer).ok_or_else(|| head.refuse(status));
        }
        match transport {
            Transport::Tcp => head.check_length(&rules)?,
            Transport::Udp { limit, .. } => head.check_datagram(octets.len().min(limit), &rules)?,
        }
        Ok(if octets.len() < head.request_len() { Judged::Silence } else { Judged::Request(head) })
    });
    checked.unwrap_or_else(|refusal| Judged::Answer(written(refusal, rules.raida_id)))
}

fn repeated(node: &Node, head: Head, octets: &[u8], transport: Transport, peer: SocketAddr) -> Option<Judged> {
    let mut octets = octets.get(..head.request_len())?.to_vec();
    let mut buffer = Buffer::zeroed(64);
    let mut answer = Answer::new(&mut buffer);
    let request = service::Request { head, octets: &mut octets, peer, transport };
    match node.repeat(&request, &mut answer)? {
        Flow::Answered => {
            let range = answer.range();
            Some(Judged::Answer(buffer.as_ref().get(range)?.to_vec()))
        }
        Flow::Silent | Flow::Deferred | Flow::Batched => Some(Judged::Silence),
    }
}

fn call(
    service: &impl Service,
    head: Head,
    octets: &mut [u8],
    transport: Transport,
    peer: SocketAddr,
    place: Place,
) -> (Flow, Vec<u8>) {
    let mut buffer = Buffer::zeroed(64);
    let mut answer = Answer::new(&mut buffer);
    let flow = service.call(&mut service::Request { head, octets, peer, transport }, &mut answer, place);
    let range = answer.range();
    (flow, buffer.as_ref().get(range).unwrap_or_default().to_vec())
}

fn written(refusal: Refusal, raida_id: u8) -> Vec<u8> {
    let mut out = [0; raida_wire::LONG];
    let len = refusal.write(&mut out, raida_id, 0, &[0; 24]);
    out.into_iter().take(len).collect()
}
