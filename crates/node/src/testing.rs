//! Coins in memory, and a stand-in for the reactor.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use raida_reactor::buffer::Buffer;
use raida_reactor::service::{Answer, Flow, Place, Request, Service, Transport};
use raida_wire::audit::Counts;
use raida_wire::{AuthenticityNumber, CoinId, Datagram, Head, Refusal, Rules, judge_datagram};

use crate::admin_key::AdminKey;
use crate::census::Census;
use crate::keys::{KeySource, LockerKeys, Lookup};
use crate::node::{Node, Settings};

/// The coin network that [`ask`] judges headers by.
pub const COIN_ID: u16 = 6;

/// The admin key of a node made by [`node_of`].
pub const ADMIN_KEY: [u8; 16] = *b"\xAD\x01an admin key\xAD\x02";

/// Issued coins and filled lockers, all in memory.
#[derive(Clone, Debug, Default)]
pub struct MemoryCoins {
    numbers: BTreeMap<CoinId, AuthenticityNumber>,
    lockers: BTreeSet<[u8; 16]>,
    counts: Counts,
    is_cold: bool,
    is_broken: bool,
}

impl MemoryCoins {
    /// Nothing is issued.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Issues a coin.
    #[must_use]
    pub fn with_coin(mut self, coin: CoinId, number: AuthenticityNumber) -> Self {
        if let Some(count) = self.counts.0.get_mut(coin.denomination.index()) {
            *count += u32::from(!self.numbers.contains_key(&coin));
        }
        self.numbers.insert(coin, number);
        self
    }

    /// Fills a locker.
    #[must_use]
    pub fn with_locker(mut self, key: [u8; 16]) -> Self {
        self.lockers.insert(key);
        self
    }

    /// Lets the census tell other counts.
    #[must_use]
    pub fn with_counts(mut self, counts: Counts) -> Self {
        self.counts = counts;
        self
    }

    /// Has nothing at hand: everything has to be asked for on a worker.
    #[must_use]
    pub fn cold(mut self) -> Self {
        self.is_cold = true;
        self
    }

    /// Fails wherever it would have to touch the disk.
    #[must_use]
    pub fn broken(mut self) -> Self {
        self.is_broken = true;
        self
    }

    fn look_up<T>(&self, place: Place, found: Option<T>) -> Lookup<T> {
        match place {
            Place::Reactor if self.is_cold => Lookup::NotCached,
            Place::Worker if self.is_broken => Lookup::Failed,
            Place::Reactor | Place::Worker => found.map_or(Lookup::Unknown, Lookup::Found),
        }
    }
}

impl KeySource for MemoryCoins {
    fn number(&self, coin: CoinId, place: Place) -> Lookup<AuthenticityNumber> {
        self.look_up(place, self.numbers.get(&coin).cloned())
    }

    fn lockers(&self, prefix: [u8; 5], place: Place) -> Lookup<LockerKeys> {
        let with_prefix = self.lockers.iter().filter(|key| key.starts_with(&prefix));
        let keys: LockerKeys = with_prefix.map(|key| AuthenticityNumber::new(*key)).collect();
        self.look_up(place, Some(keys).filter(|keys| !keys.as_slice().is_empty()))
    }
}

impl Census for MemoryCoins {
    fn issued(&self) -> Counts {
        self.counts
    }
}

/// A node on these coins, with [`ADMIN_KEY`].
#[must_use]
pub fn node_of<K: KeySource + Census>(raida_id: u8, coins: K) -> Node<K> {
    Node::new(Settings { raida_id, admin_key: AdminKey::new(ADMIN_KEY), reactors: Vec::new() }, coins)
}

/// Takes a request, or a whole datagram, all the way a reactor would. `None`: no answer, because it was dropped, because
/// more octets are needed, or because it was deferred.
#[must_use]
pub fn ask<K: KeySource + Census>(
    node: &Node<K>,
    octets: &[u8],
    transport: Transport,
    place: Place,
) -> Option<Vec<u8>> {
    let rules = Rules { raida_id: node.raida_id(), coin_id: COIN_ID, body_max: u16::MAX };
    let head = match transport {
        Transport::Tcp => Head::judge(octets, &rules).transpose()?,
        Transport::Udp { limit, .. } => match judge_datagram(octets.get(..limit).unwrap_or(octets), &rules) {
            Datagram::Vote(request) => return Some(node.vote(&request).to_vec()),
            Datagram::Drop(_) => return None,
            Datagram::Refuse(refusal) => Err(refusal),
            Datagram::Request(head) => Ok(head),
        },
    };
    let checked = head.and_then(|head| {
        node.admit(&head).map_err(|status| head.refuse(status))?;
        match transport {
            Transport::Tcp => head.check_length(&rules)?,
            Transport::Udp { limit, .. } => head.check_datagram(octets.len().min(limit), &rules)?,
        }
        Ok(head)
    });
    match checked {
        Ok(head) => call(node, head, octets, transport, place),
        Err(refusal) => Some(written(refusal, node.raida_id())),
    }
}

fn call(service: &impl Service, head: Head, octets: &[u8], transport: Transport, place: Place) -> Option<Vec<u8>> {
    let mut whole = octets.get(..head.request_len())?.to_vec();
    let peer = SocketAddr::from(([127, 0, 0, 1], 40_000));
    let mut buffer = Buffer::zeroed(64);
    let mut answer = Answer::new(&mut buffer);
    let mut request = Request { head, octets: &mut whole, peer, transport };
    match service.call(&mut request, &mut answer, place) {
        Flow::Deferred | Flow::Batched => None,
        Flow::Answered => {
            let range = answer.range();
            buffer.as_ref().get(range).map(<[u8]>::to_vec)
        }
    }
}

fn written(refusal: Refusal, raida_id: u8) -> Vec<u8> {
    let mut out = [0; raida_wire::LONG];
    let len = refusal.write(&mut out, raida_id, 0, &[0; 24]);
    out.into_iter().take(len).collect()
}
