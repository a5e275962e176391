//! A backend without a kernel: the same request comes again and again, over a connection of its own, many at once over one
//! that lasts, or in a datagram.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use raida_reactor::backend::{Backend, Completion, Waker};
use raida_reactor::buffer::Buffer;
use raida_reactor::datagrams::{Datagrams, ReplyTo};
use raida_reactor::token::Token;

/// Datagrams that come together.
pub(crate) const BATCH: usize = 32;

/// What comes next on the one connection that there is.
enum Next {
    Nothing,
    Connection,
    Request(Token),
    Sent(Token, Buffer, usize),
}

/// Brings `request` until it has been answered often enough.
pub(crate) struct Loopback {
    request: Vec<u8>,
    scratch: Vec<u8>,
    next: Next,
    /// How many requests are in `request`, which comes over and over on one connection; `None` where each connection
    /// brings it once and is closed.
    lasting: Option<u32>,
    /// For datagrams; otherwise it is connections that come.
    batch: Option<Datagrams>,
    is_asked: bool,
    /// Answers so far, and the last of them.
    pub(crate) answers: u32,
    pub(crate) last: Vec<u8>,
}

impl Loopback {
    pub(crate) fn over_connections(request: Vec<u8>) -> Self {
        let scratch = vec![0; request.len()];
        let next = Next::Nothing;
        Self { request, scratch, next, lasting: None, batch: None, is_asked: false, answers: 0, last: Vec::new() }
    }

    /// So many requests at once, all over the same connection.
    pub(crate) fn pipelined(request: &[u8], depth: u32) -> Self {
        Self { lasting: Some(depth), ..Self::over_connections(request.repeat(depth as usize)) }
    }

    /// How many requests one of its connections brings.
    pub(crate) fn requests_max(&self) -> u32 {
        self.lasting.map_or(1, |_| u32::MAX)
    }

    pub(crate) fn in_datagrams(request: Vec<u8>) -> Self {
        let mut batch = Datagrams::new(0, BATCH, 1440, 4096);
        batch.set_filled(BATCH);
        for datagram in batch.iter_mut() {
            datagram.reply_to.peer = peer();
        }
        Self { batch: Some(batch), ..Self::over_connections(request) }
    }
}

fn peer() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 4711).into()
}

impl Backend for Loopback {
    type Socket = ();

    fn waker(&self) -> Waker {
        Arc::new(|| ())
    }

    fn listeners(&self) -> usize {
        usize::from(self.batch.is_none())
    }

    fn datagram_sockets(&self) -> usize {
        usize::from(self.batch.is_some())
    }

    fn accept(&mut self, _listener: usize) {
        if matches!(self.next, Next::Nothing) {
            self.next = Next::Connection;
        }
        self.is_asked = true;
    }

    fn adopt(&mut self, _token: Token, _socket: ()) {}

    fn receive(&mut self, token: Token) {
        self.next = Next::Request(token);
    }

    fn send(&mut self, token: Token, buffer: Buffer, range: Range<usize>) {
        let sent = range.len();
        self.last.clear();
        self.last.extend_from_slice(buffer.as_ref().get(range).unwrap_or_default());
        self.answers += self.lasting.unwrap_or(0);
        self.next = Next::Sent(token, buffer, sent);
    }

    fn watch(&mut self, _token: Token) {}

    fn has_unread(&mut self, _token: Token) -> bool {
        false
    }

    fn shut_down_sending(&mut self, _token: Token) {}

    fn close(&mut self, _token: Token, _reset: bool) {
        self.answers += 1;
        self.next = if self.is_asked { Next::Connection } else { Next::Nothing };
    }

    fn receive_datagrams(&mut self, _socket: usize) {
        self.is_asked = true;
    }

    fn answer_datagrams(&mut self, _socket: usize) {
        let Some(batch) = &mut self.batch else { return };
        for datagram in batch.iter_mut() {
            let answer = datagram.answer.as_ref().get(datagram.answer_range.clone()).unwrap_or_default();
            self.last.clear();
            self.last.extend_from_slice(answer);
            self.answers += u32::from(!answer.is_empty());
        }
    }

    fn send_datagram(&mut self, _to: ReplyTo, _buffer: Buffer, _range: Range<usize>) {}

    fn wait(&mut self, _timeout: Option<Duration>) -> io::Result<()> {
        Ok(())
    }

    fn next(&mut self) -> Option<Completion<'_, ()>> {
        if let Some(batch) = &mut self.batch {
            if !std::mem::take(&mut self.is_asked) {
                return None;
            }
            for datagram in batch.iter_mut() {
                datagram.len = self.request.len();
                datagram.octets.as_mut().get_mut(..datagram.len)?.copy_from_slice(&self.request);
            }
            return Some(Completion::Datagrams { socket: 0, batch });
        }
        match std::mem::replace(&mut self.next, Next::Nothing) {
            Next::Nothing => None,
            Next::Connection => {
                self.is_asked = false;
                Some(Completion::Accepted { listener: 0, socket: (), peer: peer() })
            }
            Next::Request(token) => {
                self.scratch.copy_from_slice(&self.request);
                Some(Completion::Received { token, octets: &mut self.scratch, more: false })
            }
            Next::Sent(token, buffer, sent) => Some(Completion::Sent { token, buffer, sent }),
        }
    }

    fn stop_listening(&mut self) {}

    fn is_listening(&self) -> bool {
        false
    }
}
