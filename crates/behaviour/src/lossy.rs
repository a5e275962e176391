//! Services that break their word, around one that keeps it: tests of durability must find them out.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use raida_reactor::buffer::Buffer;
use raida_reactor::service::{Answer, Call, Flow, Place, Request, Service, Transport, Weight};
use raida_wire::vote;
use raida_wire::{Command, Encryption, HEADROOM, Head, Key, Rules, Status, TAILROOM, open};

use crate::PATIENCE;

/// Acknowledges changes of coins, then makes them. Nobody can tell as long as it lives: whoever asks has to wait until all
/// that was acknowledged is done.
#[derive(Debug)]
pub struct Hasty<S> {
    inner: Arc<S>,
    orders: Sender<Order>,
    open: Arc<Open>,
}

/// A change that was acknowledged and is to be made.
#[derive(Debug)]
struct Order {
    head: Head,
    octets: Vec<u8>,
    peer: SocketAddr,
    transport: Transport,
}

/// How many changes are acknowledged and not made.
#[derive(Debug, Default)]
struct Open {
    count: Mutex<usize>,
    none_left: Condvar,
}

impl<S: Service> Hasty<S> {
    /// Around `inner`.
    #[must_use]
    pub fn new(inner: S) -> Self {
        let (inner, open) = (Arc::new(inner), Arc::default());
        let (orders, taken) = channel();
        let (service, counted) = (Arc::clone(&inner), Arc::clone(&open));
        thread::spawn(move || make(&*service, &taken, &counted));
        Self { inner, orders, open }
    }

    /// Acknowledges what it knows how to, without a look at the coins.
    fn acknowledge(&self, Call { request, answer }: &mut Call<'_>) -> bool {
        let status = match request.head.command() {
            Command::POWN | Command::STORE => Status::ALL_PASS,
            Command::BREAK | Command::JOIN => Status::SUCCESS,
            _ => return false,
        };
        let mut octets = request.octets.to_vec();
        let (raida_id, header) = (octets[2], request.head.header_len());
        let Ok((_, session)) = open(&request.head, &mut octets[header..], &Key::None) else { return false };
        let range = session.seal(answer.buffer(HEADROOM + TAILROOM), 0, status, raida_id, 0, &[0; 24]);
        answer.finish(range, status);
        *self.open.count.lock().unwrap() += 1;
        let (head, octets) = (request.head, request.octets.to_vec());
        self.orders.send(Order { head, octets, peer: request.peer, transport: request.transport }).unwrap();
        true
    }

    fn is_done(&self) -> bool {
        *self.open.count.lock().unwrap() == 0
    }

    fn wait(&self) {
        let count = self.open.count.lock().unwrap();
        drop(self.open.none_left.wait_timeout_while(count, PATIENCE, |count| *count > 0).unwrap());
    }
}

/// Makes the changes, each before a commit of its own.
fn make(service: &impl Service, orders: &Receiver<Order>, open: &Open) {
    for Order { head, mut octets, peer, transport } in orders {
        let mut buffer = Buffer::zeroed(64);
        let mut request = Request { head, octets: &mut octets, peer, transport };
        let _ = service.call(&mut request, &mut Answer::new(&mut buffer), Place::Worker);
        *open.count.lock().unwrap() -= 1;
        open.none_left.notify_all();
    }
}

impl<S: Service> Service for Hasty<S> {
    fn admit(&self, head: &Head) -> Result<(), Status> {
        self.inner.admit(head)
    }

    fn call(&self, request: &mut Request<'_>, answer: &mut Answer<'_>, place: Place) -> Flow {
        let is_change = matches!(
            request.head.command(),
            Command::POWN | Command::STORE | Command::BREAK | Command::JOIN | Command::CREATE_COINS
        );
        match place {
            Place::Reactor if !is_change && !self.is_done() => return Flow::Deferred,
            Place::Worker => self.wait(),
            Place::Reactor => {}
        }
        self.inner.call(request, answer, place)
    }

    fn weight(&self, head: &Head) -> Weight {
        self.inner.weight(head)
    }

    fn call_together(&self, calls: &mut [Call<'_>]) {
        for call in calls {
            if !self.acknowledge(call) {
                self.wait();
                self.inner.call_together(std::slice::from_mut(call));
            }
        }
    }

    fn vote(&self, request: &vote::Request<'_>) -> [u8; 17] {
        self.inner.vote(request)
    }
}

/// Makes its third Pown of several coins for the first of them only, and falls over.
#[derive(Debug)]
pub struct Halving<S> {
    inner: S,
    powns: AtomicU32,
}

impl<S: Service> Halving<S> {
    /// Around `inner`.
    pub const fn new(inner: S) -> Self {
        Self { inner, powns: AtomicU32::new(0) }
    }

    fn halve(&self, Call { request, .. }: &Call<'_>) -> Option<()> {
        const RECORD: usize = 37;
        let is_plain = request.head.command() == Command::POWN && request.head.encryption() == Encryption::None;
        let is_due =
            is_plain && request.octets.len() >= 48 + 2 * RECORD && self.powns.fetch_add(1, Ordering::Relaxed) == 2;
        let mut octets = request.octets.get(..48 + RECORD).filter(|_| is_due)?.to_vec();
        octets.extend([0x3E, 0x3E]);
        octets[22..24].copy_from_slice(&[0, 16 + 37 + 2]);
        let rules =
            Rules { raida_id: octets[2], coin_id: u16::from_be_bytes([octets[6], octets[7]]), body_max: u16::MAX };
        let head = Head::judge(&octets, &rules).ok()??;
        let mut buffer = Buffer::zeroed(64);
        let (peer, transport) = (request.peer, request.transport);
        let request = Request { head, octets: &mut octets, peer, transport };
        self.inner.call_together(&mut [Call { request, answer: Answer::new(&mut buffer) }]);
        std::process::abort()
    }
}

impl<S: Service> Service for Halving<S> {
    fn admit(&self, head: &Head) -> Result<(), Status> {
        self.inner.admit(head)
    }

    fn call(&self, request: &mut Request<'_>, answer: &mut Answer<'_>, place: Place) -> Flow {
        self.inner.call(request, answer, place)
    }

    fn weight(&self, head: &Head) -> Weight {
        self.inner.weight(head)
    }

    fn call_together(&self, calls: &mut [Call<'_>]) {
        for call in calls {
            self.halve(call);
            self.inner.call_together(std::slice::from_mut(call));
        }
    }

    fn vote(&self, request: &vote::Request<'_>) -> [u8; 17] {
        self.inner.vote(request)
    }
}
