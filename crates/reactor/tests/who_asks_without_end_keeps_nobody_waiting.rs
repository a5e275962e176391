//! A connection that always has another request here already gets its turn like the others, and no more.
#![cfg(feature = "testing")]

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use raida_conn::JOINED_MAX;
use raida_reactor::backend::{Backend, Completion, Waker};
use raida_reactor::buffer::Buffer;
use raida_reactor::clock::SystemClock;
use raida_reactor::counters::Counters;
use raida_reactor::datagrams::ReplyTo;
use raida_reactor::testing::{ECHO, Manners, RULES, request};
use raida_reactor::token::Token;
use raida_reactor::workers::Roads;
use raida_reactor::{Policy, Reactor, Settings};
use raida_workers::BatcherConfig;

/// How often the modest client asks.
const QUESTIONS: usize = 20;

/// A kernel with two clients, whose operations are done in the order in which they were asked for.
struct Queue {
    /// What the client in each slot sends whenever there is a receive.
    clients: [Vec<u8>; 2],
    scratch: Vec<u8>,
    next: VecDeque<Next>,
    /// The slot and the length of each send.
    sends: Vec<(u32, usize)>,
}

enum Next {
    Accept,
    Receive(Token),
    Sent(Token, Buffer, usize),
}

impl Backend for Queue {
    type Socket = ();

    fn waker(&self) -> Waker {
        Arc::new(|| {})
    }

    fn listeners(&self) -> usize {
        1
    }

    fn datagram_sockets(&self) -> usize {
        0
    }

    fn accept(&mut self, _listener: usize) {}

    fn adopt(&mut self, _token: Token, _socket: ()) {}

    fn receive(&mut self, token: Token) {
        self.next.push_back(Next::Receive(token));
    }

    fn send(&mut self, token: Token, buffer: Buffer, range: Range<usize>) {
        self.sends.push((token.slot(), range.len()));
        self.next.push_back(Next::Sent(token, buffer, range.len()));
    }

    fn watch(&mut self, _token: Token) {}

    fn has_unread(&mut self, _token: Token) -> bool {
        false
    }

    fn shut_down_sending(&mut self, _token: Token) {}

    fn close(&mut self, _token: Token, _reset: bool) {}

    fn receive_datagrams(&mut self, _socket: usize) {}

    fn answer_datagrams(&mut self, _socket: usize) {}

    fn send_datagram(&mut self, _to: ReplyTo, _buffer: Buffer, _range: Range<usize>) {}

    fn wait(&mut self, _timeout: Option<Duration>) -> io::Result<()> {
        Ok(())
    }

    fn next(&mut self) -> Option<Completion<'_, ()>> {
        Some(match self.next.pop_front()? {
            Next::Accept => {
                let peer = SocketAddr::from(([192, 0, 2, 1], 1024));
                Completion::Accepted { listener: 0, socket: (), peer }
            }
            Next::Receive(token) => {
                self.scratch.clone_from(self.clients.get(token.slot() as usize)?);
                Completion::Received { token, octets: &mut self.scratch, more: true }
            }
            Next::Sent(token, buffer, sent) => Completion::Sent { token, buffer, sent },
        })
    }

    fn stop_listening(&mut self) {}

    fn is_listening(&self) -> bool {
        false
    }
}

#[test]
fn between_two_answers_to_a_modest_client_go_two_bundles_of_answers_to_the_other_at_most() {
    let echo = request(ECHO, b"", 1).0;
    let next = VecDeque::from([Next::Accept, Next::Accept]);
    let backend = Queue { clients: [echo.repeat(1000), echo], scratch: Vec::new(), next, sends: Vec::new() };
    let service = Arc::new(Manners::default());
    let config = raida_workers::Config { threads: 1, ..Default::default() };
    let roads = Roads::start(&service, &config, &BatcherConfig::default()).unwrap();
    let policy = Policy { requests_max: u32::MAX, ..Policy::new(RULES) };
    let settings = Settings { connections_max: 2, ..Settings::new(policy) };
    let mut reactor =
        Reactor::new(backend, service, SystemClock::new(), settings, roads, Arc::new(Counters::default()));
    while reactor.backend().sends.len() < 2 * QUESTIONS {
        reactor.turn().unwrap();
    }

    let sends = &reactor.backend().sends;
    assert!(sends.iter().all(|&(slot, len)| len <= if slot == 0 { JOINED_MAX } else { 32 }), "{sends:?}");
    assert!(sends.iter().any(|&(slot, len)| slot == 0 && len > 1000), "answers do leave together");
    // A question takes the modest client two operations, a receive and a send, and a bundle takes the other one.
    let runs = sends.chunk_by(|one, other| one.0 == other.0);
    assert!(runs.filter(|run| run.first().is_some_and(|&(slot, _)| slot == 0)).all(|run| run.len() <= 2), "{sends:?}");
}
