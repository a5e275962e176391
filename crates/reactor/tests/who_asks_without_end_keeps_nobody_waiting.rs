//! A connection that always has another request here already gets its turn like the others, and no more.
#![cfg(feature = "testing")]

mod played;

use std::collections::VecDeque;

use raida_conn::JOINED_MAX;
use raida_reactor::backend::Completion;
use raida_reactor::buffer::Buffer;
use raida_reactor::testing::{ECHO, RULES, request};
use raida_reactor::token::Token;
use raida_reactor::{Policy, Settings};

use played::{Script, Wish};

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

impl Script for Queue {
    const DATAGRAM_SOCKETS: usize = 0;

    fn wish(&mut self, wish: Wish) {
        match wish {
            Wish::Receive(token) => self.next.push_back(Next::Receive(token)),
            Wish::Send(token, buffer, len) => {
                self.sends.push((token.slot(), len));
                self.next.push_back(Next::Sent(token, buffer, len));
            }
            Wish::Close | Wish::AnswerDatagrams => {}
        }
    }

    fn wait(&mut self) {}

    fn report(&mut self) -> Option<Completion<'_, ()>> {
        Some(match self.next.pop_front()? {
            Next::Accept => played::accepted(),
            Next::Receive(token) => {
                self.scratch.clone_from(self.clients.get(token.slot() as usize)?);
                Completion::Received { token, octets: &mut self.scratch, more: true }
            }
            Next::Sent(token, buffer, sent) => Completion::Sent { token, buffer, sent },
        })
    }
}

#[test]
fn between_two_answers_to_a_modest_client_go_two_bundles_of_answers_to_the_other_at_most() {
    let echo = request(ECHO, b"", 1).0;
    let next = VecDeque::from([Next::Accept, Next::Accept]);
    let queue = Queue { clients: [echo.repeat(1000), echo], scratch: Vec::new(), next, sends: Vec::new() };
    let policy = Policy { requests_max: u32::MAX, ..Policy::new(RULES) };
    let settings = Settings { connections_max: 2, ..Settings::new(policy) };
    let mut reactor = played::reactor(queue, settings);
    while reactor.backend().0.sends.len() < 2 * QUESTIONS {
        reactor.turn().unwrap();
    }

    let sends = &reactor.backend().0.sends;
    assert!(sends.iter().all(|&(slot, len)| len <= if slot == 0 { JOINED_MAX } else { 32 }), "{sends:?}");
    assert!(sends.iter().any(|&(slot, len)| slot == 0 && len > 1000), "answers do leave together");
    // A question takes the modest client two operations, a receive and a send, and a bundle takes the other one.
    let runs = sends.chunk_by(|one, other| one.0 == other.0);
    assert!(runs.filter(|run| run.first().is_some_and(|&(slot, _)| slot == 0)).all(|run| run.len() <= 2), "{sends:?}");
}
