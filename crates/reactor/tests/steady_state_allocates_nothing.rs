//! Once everything has been used once, a request that is served inline costs no allocation: not over a connection, not in
//! a datagram, not a vote packet, not a refusal.
#![cfg(feature = "testing")]

mod played;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::num::NonZeroU32;

use raida_reactor::backend::Completion;
use raida_reactor::bucket::Rate;
use raida_reactor::buffer::Buffer;
use raida_reactor::datagrams::Datagrams;
use raida_reactor::testing::{ECHO, RULES, request};
use raida_reactor::token::Token;
use raida_reactor::{Policy, Settings};

use played::{Script, Wish};

#[global_allocator]
static COUNTING: Counting = Counting;

thread_local! {
    /// Allocations of this thread since its start.
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

#[expect(unsafe_code, reason = "counting allocations needs an allocator")]
// SAFETY: every call is passed on unchanged to `System`, which keeps the contract; counting touches a thread-local number
// without destructor only, and neither allocates nor panics.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|allocations| allocations.set(allocations.get() + 1));
        // SAFETY: the caller promises a layout of non-zero size; it goes on as it came.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller promises that `memory` came from `alloc` above with this layout, and `alloc` took it from
        // `System`.
        unsafe { System.dealloc(memory, layout) }
    }
}

/// A kernel in which the next client is always there already, and gets its answer at once.
struct Instantly {
    /// What the clients send, one after the other.
    requests: Vec<Vec<u8>>,
    datagrams: Vec<Vec<u8>>,
    turn: usize,
    scratch: Vec<u8>,
    batch: Datagrams,
    next: Option<Next>,
    answered: usize,
}

enum Next {
    Accept,
    Receive(Token),
    Sent(Token, Buffer, usize),
    Datagrams,
}

impl Instantly {
    fn new(requests: Vec<Vec<u8>>, datagrams: Vec<Vec<u8>>) -> Self {
        let (scratch, batch) = (Vec::with_capacity(1 << 16), Datagrams::new(0, 1, 1440, 1440));
        Self { requests, datagrams, turn: 0, scratch, batch, next: None, answered: 0 }
    }
}

impl Script for Instantly {
    const DATAGRAM_SOCKETS: usize = 1;

    fn wish(&mut self, wish: Wish) {
        match wish {
            Wish::Receive(token) => self.next = Some(Next::Receive(token)),
            Wish::Send(token, buffer, len) => self.next = Some(Next::Sent(token, buffer, len)),
            Wish::Close => {
                self.answered += 1;
                self.next = None;
            }
            Wish::AnswerDatagrams => {
                self.answered += self.batch.iter_mut().filter(|datagram| !datagram.answer_range.is_empty()).count();
            }
        }
    }

    fn wait(&mut self) {
        self.turn += 1;
        self.next = Some(if self.turn.is_multiple_of(2) { Next::Accept } else { Next::Datagrams });
    }

    fn report(&mut self) -> Option<Completion<'_, ()>> {
        Some(match self.next.take()? {
            Next::Accept => played::accepted(),
            Next::Receive(token) if self.scratch.is_empty() => {
                let request = self.requests.get(self.turn / 2 % self.requests.len())?;
                self.scratch.extend_from_slice(request);
                Completion::Received { token, octets: &mut self.scratch, more: false }
            }
            Next::Receive(token) => Completion::Ended { token },
            Next::Sent(token, buffer, sent) => {
                self.scratch.clear();
                Completion::Sent { token, buffer, sent }
            }
            Next::Datagrams => {
                let octets = self.datagrams.get(self.turn / 2 % self.datagrams.len())?;
                let slot = self.batch.slots_mut().first_mut()?;
                slot.octets.as_mut().get_mut(..octets.len())?.copy_from_slice(octets);
                slot.len = octets.len();
                self.batch.set_filled(1);
                Completion::Datagrams { socket: 0, batch: &mut self.batch }
            }
        })
    }
}

#[test]
fn a_hundred_thousand_requests_allocate_nothing() {
    let whole = request(ECHO, &[7; 1000], 1).0;
    let mut foreign = whole.clone();
    foreign[2] = 3;
    let mut unknown_key = whole.clone();
    unknown_key[16] = 4;
    let vote = [&[7][..], &[0; 496]].concat();
    let requests = vec![whole.clone(), foreign.clone(), unknown_key.clone()];
    let datagrams = vec![whole, foreign, unknown_key, vote];

    // Every limit on a source is on, and none is reached.
    let most = Some(Rate::new(NonZeroU32::MAX));
    let settings = Settings {
        connections_max: 16,
        source_requests: most,
        source_datagrams: most,
        source_votes: most,
        ..Settings::new(Policy::new(RULES))
    };
    let mut reactor = played::reactor(Instantly::new(requests, datagrams), settings);

    let mut run = |turns| {
        for _ in 0..turns {
            reactor.turn().unwrap();
        }
        (reactor.backend().0.answered, ALLOCATIONS.get())
    };
    let (answered, before) = run(100);
    assert!(before > 0, "the counter counts");
    assert_eq!((answered, run(100_000)), (100, (100_100, before)));
}
