//! A refusal has a small buffer beside the bound on memory, one per connection, and there it stays.
#![cfg(feature = "testing")]

mod played;

use std::collections::VecDeque;

use raida_reactor::backend::Completion;
use raida_reactor::buffer::Buffer;
use raida_reactor::buffer_pool::TINY;
use raida_reactor::testing::{ECHO, RULES, request};
use raida_reactor::token::Token;
use raida_reactor::{Policy, Settings};
use raida_wire::Status;

use played::{Script, Wish};

/// A kernel with one client, who sends a bundle of requests and nothing more.
struct Bundle {
    octets: Vec<u8>,
    next: VecDeque<Next>,
    /// The status, the length and the buffer's length of each send.
    sends: Vec<(Option<Status>, usize, usize)>,
    is_closed: bool,
}

enum Next {
    Accept,
    Receive(Token),
    Sent(Token, Buffer, usize),
}

impl Script for Bundle {
    const DATAGRAM_SOCKETS: usize = 0;

    fn wish(&mut self, wish: Wish) {
        match wish {
            Wish::Receive(token) => self.next.push_back(Next::Receive(token)),
            Wish::Send(token, buffer, len) => {
                let status = buffer.as_ref().get(2).copied().map(Status);
                self.sends.push((status, len, buffer.len()));
                self.next.push_back(Next::Sent(token, buffer, len));
            }
            Wish::Close => self.is_closed = true,
            Wish::AnswerDatagrams => {}
        }
    }

    fn wait(&mut self) {}

    fn report(&mut self) -> Option<Completion<'_, ()>> {
        Some(match self.next.pop_front()? {
            Next::Accept => played::accepted(),
            Next::Receive(token) if self.sends.is_empty() => {
                Completion::Received { token, octets: &mut self.octets, more: false }
            }
            Next::Receive(token) => Completion::Ended { token },
            Next::Sent(token, buffer, sent) => Completion::Sent { token, buffer, sent },
        })
    }
}

#[test]
fn where_there_is_no_memory_a_bundle_of_requests_takes_no_more_than_one_request() {
    let octets = request(ECHO, b"", 1).0.repeat(64);
    let next = VecDeque::from([Next::Accept]);
    let bundle = Bundle { octets, next, sends: Vec::new(), is_closed: false };
    let policy = Policy { requests_max: u32::MAX, ..Policy::new(RULES) };
    let settings = Settings { connections_max: 1, buffer_octets_max: 0, ..Settings::new(policy) };
    let mut reactor = played::reactor(bundle, settings);
    while !reactor.backend().0.is_closed {
        reactor.turn().unwrap();
    }
    assert_eq!(reactor.backend().0.sends, [(Some(Status::MEMORY_ALLOC), 32, TINY)]);
}
