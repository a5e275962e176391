//! For tests: a service with every manner a command can have, the requests for it, and a look at what a reactor holds.

use std::fmt;
use std::panic::resume_unwind;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use raida_wire::{
    Challenge, Command, HEADROOM, Head, Key, Pending, Recipient, Request as WireRequest, Rules, Sender, Session,
    Status, TAILROOM, open, vote,
};

use crate::service::{Answer, Call, Flow, Place, Request, Service, Weight};

/// What the test service's node is.
pub const RULES: Rules = Rules { raida_id: 14, coin_id: 6, body_max: u16::MAX };

/// Answers at once with the payload.
pub const ECHO: Command = Command::ECHO;
/// Answers with the payload, on a worker, once the [`Gate`] lets it through.
pub const DEFER: Command = Command::DETECT;
/// Answers at once with as many octets as the payload says in its four octets, also where that is too much for a
/// datagram.
pub const INFLATE: Command = Command::PEEK;
/// Panics at once.
pub const PANIC: Command = Command::BREAK;
/// Panics on a worker, once the gate lets it through.
pub const PANIC_LATER: Command = Command::JOIN;
/// Answers with the payload, together with others, once the gate of batches has let as many through as there are.
pub const BATCH: Command = Command::POWN;
/// As [`BATCH`], but only behind a worker, once the gate lets it through there.
pub const PROVE: Command = Command::STORE;
/// Comes with the others of its batch, and gets no answer from the service.
pub const FORGET_IN_BATCH: Command = Command::CREATE_COINS;
/// Panics, and so breaks its whole batch.
pub const PANIC_IN_BATCH: Command = Command::DELETE_COINS;

/// A service for type 0 requests. Nobody's key is known to it.
#[derive(Debug, Default)]
pub struct Manners {
    /// Where deferred requests wait on their worker.
    pub gate: Gate,
    /// Where batches wait on their thread: each lets as many requests through as it holds.
    pub batch_gate: Gate,
}

impl Service for Manners {
    fn admit(&self, head: &Head) -> Result<(), Status> {
        if head.key() == raida_wire::KeyName::None { Ok(()) } else { Err(head.unknown_key()) }
    }

    fn call(&self, request: &mut Request<'_>, answer: &mut Answer<'_>, place: Place) -> Flow {
        let command = request.head.command();
        if matches!(command, BATCH | FORGET_IN_BATCH | PANIC_IN_BATCH) {
            return Flow::Batched;
        }
        if matches!(command, DEFER | PANIC_LATER | PROVE) {
            if place == Place::Reactor {
                return Flow::Deferred;
            }
            self.gate.pass();
        }
        if command == PROVE {
            return Flow::Batched;
        }
        if matches!(command, PANIC | PANIC_LATER) {
            // A panic in everything but the noise of the panic hook.
            resume_unwind(Box::new("as asked"));
        }
        reply(request, answer);
        Flow::Answered
    }

    fn weight(&self, head: &Head) -> Weight {
        match head.command() {
            ECHO => Weight::Light,
            INFLATE => Weight::Movable,
            _ => Weight::Unknown,
        }
    }

    fn call_together(&self, calls: &mut [Call<'_>]) {
        calls.iter().for_each(|_| self.batch_gate.pass());
        for Call { request, answer } in calls {
            match request.head.command() {
                PANIC_IN_BATCH => resume_unwind(Box::new("as asked")),
                FORGET_IN_BATCH => {}
                _ => reply(request, answer),
            }
        }
    }

    fn vote(&self, request: &vote::Request<'_>) -> [u8; 17] {
        vote::answer(request, &[0; vote::ROOTS_LEN])
    }
}

/// Opens the request and sends its payload back.
fn reply(request: &mut Request<'_>, answer: &mut Answer<'_>) {
    let Request { head, octets, .. } = request;
    let body = octets.get_mut(head.header_len()..).unwrap_or_default();
    match open(head, body, &Key::None) {
        Err(refusal) => {
            let buffer = answer.buffer(HEADROOM);
            let Some(out) = buffer.first_chunk_mut() else { return };
            let len = refusal.write(out, RULES.raida_id, 0, &[0; 24]);
            answer.finish(0..len, refusal.status());
        }
        Ok((payload, session)) => respond(&session, payload, answer),
    }
}

fn respond(session: &Session, payload: &[u8], answer: &mut Answer<'_>) {
    let inflated = match (session.head().command(), payload.first_chunk()) {
        (INFLATE, Some(len)) => Some(u32::from_be_bytes(*len) as usize),
        _ => None,
    };
    let len = inflated.unwrap_or(payload.len());
    let buffer = answer.buffer(HEADROOM + len + TAILROOM);
    let room = buffer.get_mut(HEADROOM..HEADROOM + len).unwrap_or_default();
    if inflated.is_some() {
        room.fill(0xA5);
    } else {
        room.copy_from_slice(payload);
    }
    let range = session.seal(buffer, len, Status::SUCCESS, RULES.raida_id, 0, &[0; 24]);
    answer.finish(range, Status::SUCCESS);
}

/// Builds a type 0 request. `tag` tells its answer from others: it is echo and challenge.
///
/// # Panics
///
/// When the payload is longer than a body can be.
#[must_use]
#[expect(clippy::expect_used, reason = "a test that asks for the impossible has to fail")]
pub fn request(command: Command, payload: &[u8], tag: u16) -> (Vec<u8>, Pending) {
    let [a, b] = tag.to_be_bytes();
    let challenge = Challenge::new([a, b, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    let recipient = Recipient { raida_id: RULES.raida_id, coin_id: RULES.coin_id, shard: 0 };
    let request = WireRequest::new(recipient, command, Sender::Nobody { echo: [a, b], challenge });
    let mut octets = vec![0; request.built_len(payload.len())];
    let (_, pending) = request.build(&mut octets, payload).expect("the payload fits into a body");
    (octets, pending)
}

/// Lets as many through as it was told to; the others wait.
#[derive(Default)]
pub struct Gate {
    left: Mutex<u64>,
    changed: Condvar,
}

impl Gate {
    /// Lets `count` more through.
    pub fn release(&self, count: u64) {
        let mut left = self.lock();
        *left = left.saturating_add(count);
        self.changed.notify_all();
    }

    /// Lets everybody through from now on.
    pub fn open(&self) {
        self.release(u64::MAX);
    }

    fn pass(&self) {
        let waited = self.changed.wait_while(self.lock(), |left| *left == 0);
        let mut left = waited.unwrap_or_else(PoisonError::into_inner);
        if *left != u64::MAX {
            *left -= 1;
        }
    }

    fn lock(&self) -> MutexGuard<'_, u64> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").field("left", &*self.lock()).finish_non_exhaustive()
    }
}

/// What a reactor holds at a moment. All of it is zero when nothing is open and nothing has leaked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Slots taken.
    pub slots: u32,
    /// Whether a deadline is armed.
    pub deadlines: bool,
    /// Connections counted for some source.
    pub sources: u64,
    /// Octets of buffers booked for some source.
    pub source_octets: usize,
    /// Octets of pooled buffers lent out.
    pub octets: usize,
    /// Buffers for refusals lent out.
    pub refusals: usize,
    /// Places in the completion queue taken.
    pub permits: usize,
    /// Requests that wait for a worker.
    pub waiting: u32,
}
