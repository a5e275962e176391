//! Once everything has been used once, a request that is served inline costs no allocation: not over a connection, not in
//! a datagram, not a vote packet, not a refusal.
#![cfg(feature = "testing")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use raida_reactor::backend::{Backend, Completion, Waker};
use raida_reactor::bucket::Rate;
use raida_reactor::buffer::Buffer;
use raida_reactor::clock::SystemClock;
use raida_reactor::counters::Counters;
use raida_reactor::datagrams::{Datagrams, ReplyTo};
use raida_reactor::testing::{ECHO, Manners, RULES, request};
use raida_reactor::token::Token;
use raida_reactor::workers::Roads;
use raida_reactor::{Policy, Reactor, Settings};
use raida_workers::BatcherConfig;

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
    End(Token),
    Datagrams,
}

impl Instantly {
    fn new(requests: Vec<Vec<u8>>, datagrams: Vec<Vec<u8>>) -> Self {
        let (scratch, batch) = (Vec::with_capacity(1 << 16), Datagrams::new(0, 1, 1440, 1440));
        Self { requests, datagrams, turn: 0, scratch, batch, next: None, answered: 0 }
    }
}

impl Backend for Instantly {
    type Socket = ();

    fn waker(&self) -> Waker {
        Arc::new(|| {})
    }

    fn listeners(&self) -> usize {
        1
    }

    fn datagram_sockets(&self) -> usize {
        1
    }

    fn accept(&mut self, _listener: usize) {}

    fn adopt(&mut self, _token: Token, _socket: ()) {}

    fn receive(&mut self, token: Token) {
        self.next = Some(Next::Receive(token));
    }

    fn send(&mut self, token: Token, buffer: Buffer, range: Range<usize>) {
        self.next = Some(Next::Sent(token, buffer, range.len()));
    }

    fn watch(&mut self, _token: Token) {}

    fn has_unread(&mut self, _token: Token) -> bool {
        false
    }

    fn shut_down_sending(&mut self, token: Token) {
        self.next = Some(Next::End(token));
    }

    fn close(&mut self, _token: Token, _reset: bool) {
        self.answered += 1;
        self.next = None;
    }

    fn receive_datagrams(&mut self, _socket: usize) {}

    fn answer_datagrams(&mut self, _socket: usize) {
        self.answered += self.batch.iter_mut().filter(|datagram| !datagram.answer_range.is_empty()).count();
    }

    fn send_datagram(&mut self, _to: ReplyTo, _buffer: Buffer, _range: Range<usize>) {}

    fn wait(&mut self, _timeout: Option<Duration>) -> io::Result<()> {
        self.turn += 1;
        self.next = Some(if self.turn.is_multiple_of(2) { Next::Accept } else { Next::Datagrams });
        Ok(())
    }

    fn next(&mut self) -> Option<Completion<'_, ()>> {
        Some(match self.next.take()? {
            Next::Accept => {
                let peer = SocketAddr::from(([192, 0, 2, 1], 1024));
                Completion::Accepted { listener: 0, socket: (), peer }
            }
            Next::Receive(token) if self.scratch.is_empty() => {
                let request = self.requests.get(self.turn / 2 % self.requests.len())?;
                self.scratch.extend_from_slice(request);
                Completion::Received { token, octets: &mut self.scratch, more: false }
            }
            Next::Receive(token) | Next::End(token) => Completion::Ended { token },
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

    fn stop_listening(&mut self) {}

    fn is_listening(&self) -> bool {
        false
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

    let service = Arc::new(Manners::default());
    let config = raida_workers::Config { threads: 1, ..Default::default() };
    let roads = Roads::start(&service, &config, &BatcherConfig::default()).unwrap();
    // Every limit on a source is on, and none is reached.
    let most = Some(Rate::new(NonZeroU32::MAX));
    let settings = Settings {
        connections_max: 16,
        source_requests: most,
        source_datagrams: most,
        source_votes: most,
        ..Settings::new(Policy::new(RULES))
    };
    let backend = Instantly::new(requests, datagrams);
    let mut reactor =
        Reactor::new(backend, service, SystemClock::new(), settings, roads, Arc::new(Counters::default()));

    let mut run = |turns| {
        for _ in 0..turns {
            reactor.turn().unwrap();
        }
        (reactor.backend().answered, ALLOCATIONS.get())
    };
    let (answered, before) = run(100);
    assert!(before > 0, "the counter counts");
    assert_eq!((answered, run(100_000)), (100, (100_100, before)));
}
