//! The floor over epoll.
//!
//! Why it cannot be leaner:
//!
//! - A one-shot request costs `accept4`, `recv`, `send`, `shutdown`, `close`, and nothing that depends on what came. The
//!   `send` keeps the answer back (`MSG_MORE`) and the `shutdown` lets it go, together with the end of the connection: that
//!   call costs a twentieth of the trip through the network that it saves. A `close` alone would save it as well, and drop
//!   the answer of a peer that has sent an octet too much: no server could do that. (`--plain` sends and closes.)
//! - Where the request has not arrived yet, one `epoll_ctl` and a second `recv` are added: nobody can receive what is not
//!   there, and a wait needs the descriptor on the list. The descriptor leaves the list by being closed.
//! - The kernel is not asked who connected, and no option is set on a connection.
//! - The listener is level-triggered and one connection is taken per report; in a crowd, all that wait are taken until the
//!   kernel says that there are no more. An `accept4` that finds nobody is the dearest of the calls in vain, because it
//!   makes a socket and a file first: it costs as much as some reports.
//! - Datagrams come 64 at a time and go back from the same memory to the same addresses; only lengths are written. A batch
//!   that is not full has emptied the queue, so an edge will come and no `recvmmsg` is made in vain.
//! - There is one thread, no lock, no allocation, no clock, no log, no counter, and no table but the one from descriptors
//!   to connections that wait.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use anyhow::{Context, Result};
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::io::Errno;
use rustix::net::{self, RecvFlags, SendFlags, Shutdown, SocketFlags};

use crate::floor::{Shape, datagram_answer};
use crate::sys::Batch;

const LISTENER: u64 = u64::MAX;
const DATAGRAMS: u64 = u64::MAX - 1;

/// As many as a node takes by default.
pub(super) const BATCH: usize = 64;

pub(super) fn serve(shape: &Shape, listener: &OwnedFd, datagrams: &OwnedFd) -> Result<()> {
    let list = epoll::create(CreateFlags::CLOEXEC).context("creating the epoll instance")?;
    epoll::add(&list, listener, EventData::new_u64(LISTENER), EventFlags::IN).context("watching the listener")?;
    let edge = EventFlags::IN | EventFlags::ET;
    epoll::add(&list, datagrams, EventData::new_u64(DATAGRAMS), edge).context("watching the datagram socket")?;
    let mut streams = Streams {
        list,
        waiting: Vec::new(),
        octets: vec![0; 1 << 16].into(),
        request: shape.request,
        answer: shape.answer,
        persistent: shape.persistent,
        plain: shape.plain || shape.persistent,
    };
    let mut batch = Batch::named(BATCH);
    let mut events = Vec::with_capacity(1024);
    let mut crowd = Crowd::default();
    loop {
        events.clear();
        match epoll::wait(&streams.list, rustix::buffer::spare_capacity(&mut events), None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error).context("waiting for events"),
        }
        for &Event { data, .. } in &events {
            match data.u64() {
                LISTENER => streams.accept(listener.as_fd(), &mut crowd)?,
                DATAGRAMS => answer_all(&mut batch, datagrams.as_fd())?,
                descriptor => streams.resume(usize::try_from(descriptor)?)?,
            }
        }
    }
}

/// Connections whose requests have not come, or that stay open.
struct Streams {
    list: OwnedFd,
    /// By descriptor; with how many octets of a request have come.
    waiting: Vec<Option<(OwnedFd, usize)>>,
    octets: Box<[u8]>,
    request: usize,
    answer: usize,
    persistent: bool,
    plain: bool,
}

impl Streams {
    /// Serves one of those who wait to be accepted, or all.
    fn accept(&mut self, listener: BorrowedFd<'_>, crowd: &mut Crowd) -> Result<()> {
        let all = crowd.is_worth_a_look();
        let mut accepted = 0;
        loop {
            match net::accept_with(listener, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC) {
                Ok(stream) => {
                    self.begin(stream)?;
                    accepted += 1;
                }
                Err(Errno::AGAIN) => break,
                Err(Errno::CONNABORTED | Errno::INTR) => {}
                Err(error) => return Err(error).context("accepting"),
            }
            if !all {
                return Ok(());
            }
        }
        crowd.found(accepted);
        Ok(())
    }

    fn begin(&mut self, stream: OwnedFd) -> Result<()> {
        let got = match self.serve(stream.as_fd(), 0)? {
            Some(got) => got,
            None => return Ok(()),
        };
        let descriptor = usize::try_from(stream.as_raw_fd())?;
        epoll::add(&self.list, &stream, EventData::new_u64(descriptor as u64), EventFlags::IN).context("watching")?;
        if self.waiting.len() <= descriptor {
            self.waiting.resize_with(descriptor + 1, || None);
        }
        if let Some(place) = self.waiting.get_mut(descriptor) {
            *place = Some((stream, got));
        }
        Ok(())
    }

    fn resume(&mut self, descriptor: usize) -> Result<()> {
        let Some((stream, got)) = self.waiting.get_mut(descriptor).and_then(Option::take) else { return Ok(()) };
        let left = self.serve(stream.as_fd(), got)?;
        if let (Some(got), Some(place)) = (left, self.waiting.get_mut(descriptor)) {
            *place = Some((stream, got));
        }
        Ok(())
    }

    /// Receives once and answers. `None`: this connection is done with; otherwise how much of a request has come.
    fn serve(&mut self, stream: BorrowedFd<'_>, got: usize) -> Result<Option<usize>> {
        let received = match net::recv(stream, &mut self.octets[..], RecvFlags::empty()) {
            Ok((0, _)) | Err(Errno::CONNRESET) => return Ok(None),
            Ok((received, _)) => received,
            Err(Errno::AGAIN | Errno::INTR) => return Ok(Some(got)),
            Err(error) => return Err(error).context("receiving"),
        };
        let (whole, left) = ((got + received) / self.request, (got + received) % self.request);
        if whole == 0 {
            return Ok(Some(left));
        }
        let answers = if self.persistent { whole * self.answer } else { self.answer };
        let more = if self.plain { SendFlags::empty() } else { SendFlags::MORE };
        match net::send(stream, self.octets.get(..answers).unwrap_or_default(), SendFlags::NOSIGNAL | more) {
            Ok(_) if self.persistent => Ok(Some(left)),
            Ok(_) if self.plain => Ok(None),
            Ok(_) => {
                // Fails only where the peer is gone.
                let _ = net::shutdown(stream, Shutdown::Write);
                Ok(None)
            }
            Err(Errno::PIPE | Errno::CONNRESET) => Ok(None),
            Err(error) => Err(error).context("sending"),
        }
    }
}

pub(super) fn answer_all(batch: &mut Batch, socket: BorrowedFd<'_>) -> Result<()> {
    loop {
        let filled = match batch.receive(socket) {
            Ok(filled) => filled,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error).context("receiving datagrams"),
        };
        for place in 0..filled {
            batch.set_len(place, datagram_answer(batch.received_len(place)));
        }
        let mut sent = 0;
        while sent < filled {
            sent += batch.send(socket, sent, filled).context("sending datagrams")?.max(1);
        }
        if filled < BATCH {
            return Ok(());
        }
    }
}

/// Whether so many wait to be accepted at once that taking all of them, and finding nobody in the end, costs less than a
/// report for each.
#[derive(Default)]
struct Crowd {
    is_there: bool,
    reports: u32,
}

impl Crowd {
    /// From so many on it is a crowd.
    const MANY: u32 = 4;
    /// Without a crowd, one report in so many looks for one.
    const LOOK: u32 = 32;

    fn is_worth_a_look(&mut self) -> bool {
        self.reports = self.reports.wrapping_add(1);
        self.is_there || self.reports.is_multiple_of(Self::LOOK)
    }

    fn found(&mut self, accepted: u32) {
        self.is_there = accepted >= Self::MANY;
    }
}
