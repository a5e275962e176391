//! A reactor over a kernel that is played: it has no sockets, and a script says what comes of each wish.

#![expect(clippy::unwrap_used, reason = "a test may panic, also in its shared parts")]

use std::io;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use raida_reactor::backend::{Backend, Completion, Waker};
use raida_reactor::buffer::Buffer;
use raida_reactor::clock::SystemClock;
use raida_reactor::counters::Counters;
use raida_reactor::datagrams::ReplyTo;
use raida_reactor::testing::Manners;
use raida_reactor::token::Token;
use raida_reactor::workers::Roads;
use raida_reactor::{Reactor, Settings};
use raida_workers::{BatcherConfig, Config};

/// What the loop wants done.
pub(crate) enum Wish {
    Receive(Token),
    /// So many octets of the buffer.
    Send(Token, Buffer, usize),
    Close,
    AnswerDatagrams,
}

/// What the kernel does. It is asked for one thing at a time.
pub(crate) trait Script {
    const DATAGRAM_SOCKETS: usize;

    fn wish(&mut self, wish: Wish);

    /// The loop has done everything that was reported.
    fn wait(&mut self);

    fn report(&mut self) -> Option<Completion<'_, ()>>;
}

/// A kernel that follows a script. It has one listener.
pub(crate) struct Played<S>(pub(crate) S);

/// Somebody connects.
pub(crate) fn accepted() -> Completion<'static, ()> {
    Completion::Accepted { listener: 0, socket: (), peer: SocketAddr::from(([192, 0, 2, 1], 1024)) }
}

/// A reactor over such a kernel, serving [`Manners`].
pub(crate) fn reactor<S: Script>(script: S, settings: Settings) -> Reactor<Played<S>, Manners, SystemClock> {
    let service = Arc::new(Manners::default());
    let roads = Roads::start(&service, &Config { threads: 1, ..Config::default() }, &BatcherConfig::default()).unwrap();
    Reactor::new(Played(script), service, SystemClock::new(), settings, roads, Arc::new(Counters::default()))
}

impl<S: Script> Backend for Played<S> {
    type Socket = ();

    fn waker(&self) -> Waker {
        Arc::new(|| {})
    }

    fn listeners(&self) -> usize {
        1
    }

    fn datagram_sockets(&self) -> usize {
        S::DATAGRAM_SOCKETS
    }

    fn accept(&mut self, _listener: usize) {}

    fn adopt(&mut self, _token: Token, _socket: ()) {}

    fn receive(&mut self, token: Token) {
        self.0.wish(Wish::Receive(token));
    }

    fn send(&mut self, token: Token, buffer: Buffer, range: Range<usize>) {
        self.0.wish(Wish::Send(token, buffer, range.len()));
    }

    fn watch(&mut self, _token: Token) {}

    fn has_unread(&mut self, _token: Token) -> bool {
        false
    }

    fn shut_down_sending(&mut self, _token: Token) {}

    fn close(&mut self, _token: Token, _reset: bool) {
        self.0.wish(Wish::Close);
    }

    fn receive_datagrams(&mut self, _socket: usize) {}

    fn answer_datagrams(&mut self, _socket: usize) {
        self.0.wish(Wish::AnswerDatagrams);
    }

    fn send_datagram(&mut self, _to: ReplyTo, _buffer: Buffer, _range: Range<usize>) {}

    fn wait(&mut self, _timeout: Option<Duration>) -> io::Result<()> {
        self.0.wait();
        Ok(())
    }

    fn next(&mut self) -> Option<Completion<'_, ()>> {
        self.0.report()
    }

    fn stop_listening(&mut self) {}

    fn is_listening(&self) -> bool {
        false
    }
}
