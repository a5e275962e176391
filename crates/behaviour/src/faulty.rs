//! A service with faults built in, around one that has none.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Condvar, Mutex};
use std::thread;
use std::time::Duration;

use raida_reactor::service::{Answer, Call, Flow, Place, Request, Service, Weight};
use raida_wire::vote;
use raida_wire::{Command, Encryption, HEADROOM, Head, Key, Status, TAILROOM, open};

use crate::PATIENCE;
use crate::fault::{Fault, Tally, long_payload};

/// Misbehaves where an Echo without encryption asks for it (see [`Fault`]); passes everything else on.
#[derive(Debug)]
pub struct Faulty<S> {
    inner: S,
    deferred: AtomicU32,
    gate: Gate,
}

impl<S: Service> Faulty<S> {
    /// Around `inner`.
    pub const fn new(inner: S) -> Self {
        Self { inner, deferred: AtomicU32::new(0), gate: Gate::new() }
    }

    fn on_the_reactor(&self, fault: Fault, request: &mut Request<'_>, answer: &mut Answer<'_>) -> Flow {
        match fault {
            Fault::PanicInline => panic!("a panic on the I/O thread, as asked for"),
            Fault::Count => {
                let tally = Tally { deferred: self.deferred.load(Ordering::Relaxed), held: self.gate.held() };
                self.answer_with(&tally.octets(), request, answer)
            }
            Fault::Release => {
                self.gate.open();
                self.inner.call(request, answer, Place::Reactor)
            }
            Fault::PanicInBatch => Flow::Batched,
            Fault::PanicOnWorker | Fault::Defer | Fault::Sleep(_) | Fault::Hold | Fault::Answer(_) => {
                self.deferred.fetch_add(1, Ordering::Relaxed);
                Flow::Deferred
            }
        }
    }

    fn on_a_worker(&self, fault: Fault, request: &mut Request<'_>, answer: &mut Answer<'_>) -> Flow {
        match fault {
            Fault::PanicOnWorker => panic!("a panic on a worker, as asked for"),
            Fault::Answer(len) => return self.answer_with(&long_payload(len), request, answer),
            Fault::Sleep(millis) => thread::sleep(Duration::from_millis(millis)),
            Fault::Hold => self.gate.pass(),
            Fault::PanicInline | Fault::PanicInBatch | Fault::Defer | Fault::Release | Fault::Count => {}
        }
        self.inner.call(request, answer, Place::Worker)
    }

    /// Answers with a payload, which no Echo has. Whatever is wrong with the request is left to the service inside.
    fn answer_with(&self, payload: &[u8], request: &mut Request<'_>, answer: &mut Answer<'_>) -> Flow {
        let raida_id = request.octets[2];
        let body = &mut request.octets[request.head.header_len()..];
        let Ok((_, session)) = open(&request.head, body, &Key::None) else {
            return self.inner.call(request, answer, Place::Worker);
        };
        let room = answer.buffer(HEADROOM + payload.len() + TAILROOM);
        room[HEADROOM..HEADROOM + payload.len()].copy_from_slice(payload);
        let range = session.seal(room, payload.len(), Status::SUCCESS, raida_id, 0, &[0; 24]);
        answer.finish(range, Status::SUCCESS);
        Flow::Answered
    }
}

impl<S: Service> Service for Faulty<S> {
    /// Panics over the key of an Echo for shard 3: of the rest of the request nothing is known yet.
    fn admit(&self, head: &Head) -> Result<(), Status> {
        assert!(head.command() != Command::ECHO || head.shard() != 3, "a panic over a key, as asked for");
        self.inner.admit(head)
    }

    fn call(&self, request: &mut Request<'_>, answer: &mut Answer<'_>, place: Place) -> Flow {
        match (asked_by(request), place) {
            (Some(fault), Place::Reactor) => self.on_the_reactor(fault, request, answer),
            (Some(fault), Place::Worker) => self.on_a_worker(fault, request, answer),
            (None, place) => self.inner.call(request, answer, place),
        }
    }

    fn weight(&self, head: &Head) -> Weight {
        self.inner.weight(head)
    }

    fn call_together(&self, calls: &mut [Call<'_>]) {
        let panics = |call: &Call<'_>| asked_by(&call.request) == Some(Fault::PanicInBatch);
        assert!(!calls.iter().any(panics), "a panic over a batch, as asked for");
        self.inner.call_together(calls);
    }

    fn vote(&self, request: &vote::Request<'_>) -> [u8; 17] {
        self.inner.vote(request)
    }
}

/// The fault that a request asks for, if it is an Echo in clear.
fn asked_by(request: &Request<'_>) -> Option<Fault> {
    if request.head.command() != Command::ECHO || request.head.encryption() != Encryption::None {
        return None;
    }
    let (payload, _trailer) = request.octets.get(48..)?.split_last_chunk::<2>()?;
    Fault::asked_by(payload)
}

/// Holds workers until it is opened; then it stays open.
#[derive(Debug)]
struct Gate {
    is_open: Mutex<bool>,
    opened: Condvar,
    held: AtomicU32,
}

impl Gate {
    const fn new() -> Self {
        Self { is_open: Mutex::new(false), opened: Condvar::new(), held: AtomicU32::new(0) }
    }

    /// Waits until it is open, but not for ever: a test that went wrong must not leave a process behind.
    fn pass(&self) {
        let is_open = self.is_open.lock().unwrap();
        self.held.fetch_add(1, Ordering::Relaxed);
        drop(self.opened.wait_timeout_while(is_open, PATIENCE, |is_open| !*is_open).unwrap());
        self.held.fetch_sub(1, Ordering::Relaxed);
    }

    fn open(&self) {
        *self.is_open.lock().unwrap() = true;
        self.opened.notify_all();
    }

    fn held(&self) -> u32 {
        self.held.load(Ordering::Relaxed)
    }
}
