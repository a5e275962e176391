//! The backend itself: system calls in the order of the ready list, completions out.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::mem;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use raida_reactor::backend::{Backend, Completion, Losses, Waker};
use raida_reactor::buffer::Buffer;
use raida_reactor::datagrams::ReplyTo;
use raida_reactor::token::Token;
use raida_sockets::{
    Connections, DatagramPort, Door, Place, Ready, Reserve, Setup, SetupError, SocketBackend, Source, Step, Stream,
    Tenant, Wake,
};

use crate::connection::{self, Connection, Operation};
use crate::counts::SyscallCounts;
use crate::listener::{self, Listener};
use crate::sys::{Edges, Event, Interest};
use crate::watched_port::WatchedPort;

/// Octets that one receive takes in at most: the longest request there is, and one more segment than that needs.
const SCRATCH: usize = 48 + 65_536;

/// System calls after which the loop is sent to look for edges even if there is more to do, so that whoever is ready all
/// the time does not keep out those who become so.
const TURNS_MAX: u32 = 256;

/// Buffers that may wait to be given back before the queue for them has to grow.
const RETURNED_ROOM: usize = 1024;

/// The epoll backend of one reactor: its listeners, its datagram sockets and its connections.
///
/// Every operation is tried first and waited for second: it goes on a ready list, [`next`](Backend::next) makes the
/// system call, and only where the kernel has nothing does the descriptor go on the interest list, once in its life.
/// After [`bind`](SocketBackend::bind) nothing is allocated.
pub struct Epoll {
    interest: Interest,
    wake: Arc<Wake>,
    wake_place: Place,
    listeners: Box<[Listener]>,
    ports: Box<[WatchedPort]>,
    connections: Connections<Connection>,
    ready: Ready,
    returned: VecDeque<Buffer>,
    reserve: Reserve,
    events: Box<[Event]>,
    scratch: Box<[u8]>,
    turns_left: u32,
    /// Late answers for a socket that there is not.
    sent_nowhere: u64,
    counts: SyscallCounts,
    local_addrs: Box<[SocketAddr]>,
    receive_buffers: Box<[usize]>,
}

/// What a turn has brought. The borrow of a [`Completion`] begins only when it is certain that this one is reported.
enum Outcome {
    Told(Completion<'static, Stream>),
    Received { token: Token, len: usize },
    Datagrams { socket: usize },
}

impl Epoll {
    /// System calls made so far.
    #[must_use]
    pub fn syscall_counts(&self) -> SyscallCounts {
        let mut counts = self.counts;
        for calls in self.ports.iter().map(|watched| watched.port.calls()) {
            counts.receive_datagrams += calls.receive;
            counts.send_datagrams += calls.send;
        }
        counts
    }

    /// Starts an operation. Gives back the buffer that is not needed: a stale send's, or that of a send it replaces.
    fn start(&mut self, token: Token, operation: Operation) {
        let unneeded = match (self.connections.get_mut(token), operation) {
            (Some(connection), operation) => connection.start(operation),
            (None, Operation::Send { buffer, .. }) => Some(buffer),
            (None, Operation::Idle | Operation::Receive | Operation::Watch) => None,
        };
        self.returned.extend(unneeded);
        self.connections.queue(token, &mut self.ready);
    }

    /// Takes in what the kernel says of one source. An event for a tenancy that is over finds nobody.
    fn note(&mut self, event: Event) {
        match Source::from_word(event.word()) {
            Source::Waker => self.ready.push(Source::Waker, &mut self.wake_place),
            Source::Listener(number) => {
                if let Some(listener) = self.listeners.get_mut(number as usize) {
                    listener.note_report();
                    listener.watch(&self.interest, &mut self.counts.epoll_ctl);
                    queue_listener(&mut self.ready, number as usize, listener);
                }
            }
            Source::DatagramPort(number) => {
                if let Some(watched) = self.ports.get_mut(number as usize) {
                    watched.note_edge(event);
                    queue_port(&mut self.ready, number as usize, &mut watched.port);
                }
            }
            Source::Connection(token) => {
                if let Some(connection) = self.connections.get_mut(token) {
                    connection.note_edge(event);
                    self.connections.queue(token, &mut self.ready);
                }
            }
        }
    }

    /// Gives `source`, which has just left the ready list, its turn.
    fn turn(&mut self, source: Source) -> Option<Outcome> {
        match source {
            Source::Waker => {
                self.wake_place.free();
                self.wake.answer();
                Some(Outcome::Told(Completion::Woken))
            }
            Source::Listener(number) => self.listener_turn(number as usize),
            Source::DatagramPort(number) => self.port_turn(number as usize),
            Source::Connection(token) => self.connection_turn(token),
        }
    }

    fn listener_turn(&mut self, number: usize) -> Option<Outcome> {
        let listener = self.listeners.get_mut(number)?;
        listener.place.free();
        match listener.turn(&mut self.reserve, &mut self.counts) {
            listener::Turn::Accepted(socket, peer) => {
                Some(Outcome::Told(Completion::Accepted { listener: number, socket, peer }))
            }
            listener::Turn::Failed { error, shed } => {
                Some(Outcome::Told(Completion::AcceptFailed { listener: number, error, shed }))
            }
            listener::Turn::Again => {
                queue_listener(&mut self.ready, number, listener);
                None
            }
            listener::Turn::Nobody => None,
        }
    }

    fn port_turn(&mut self, socket: usize) -> Option<Outcome> {
        let watched = self.ports.get_mut(socket)?;
        watched.port.place.free();
        let has_batch = watched.port.turn();
        watched.watch(&self.interest, &mut self.counts.epoll_ctl);
        if !has_batch {
            return None;
        }
        // A batch is as much work as that many turns: a flood of datagrams must not keep out the connections.
        let others = u32::try_from(watched.port.batch().filled()).unwrap_or(u32::MAX).saturating_sub(1);
        self.turns_left = self.turns_left.saturating_sub(others);
        Some(Outcome::Datagrams { socket })
    }

    fn connection_turn(&mut self, token: Token) -> Option<Outcome> {
        let connection = self.connections.call(token)?;
        let token = connection.token();
        match connection.turn(&mut self.scratch, &self.interest, &mut self.counts) {
            connection::Turn::Received(len) => Some(Outcome::Received { token, len }),
            connection::Turn::Told(completion) => Some(Outcome::Told(completion)),
            connection::Turn::Waiting => None,
        }
    }

    /// Does what there is to do until something can be reported.
    fn outcome(&mut self) -> Option<Outcome> {
        if let Some(buffer) = self.returned.pop_front() {
            return Some(Outcome::Told(Completion::Returned(buffer)));
        }
        while self.turns_left > 0 {
            let source = self.ready.pop()?;
            self.turns_left -= 1;
            if let Some(outcome) = self.turn(source) {
                return Some(outcome);
            }
        }
        None
    }
}

impl Backend for Epoll {
    type Socket = Stream;

    fn waker(&self) -> Waker {
        let wake = Arc::clone(&self.wake);
        Arc::new(move || wake.wake())
    }

    fn listeners(&self) -> usize {
        self.listeners.len()
    }

    fn datagram_sockets(&self) -> usize {
        self.ports.len()
    }

    fn accept(&mut self, listener: usize) {
        let number = listener;
        if let Some(listener) = self.listeners.get_mut(number) {
            listener.ask();
            listener.watch(&self.interest, &mut self.counts.epoll_ctl);
            queue_listener(&mut self.ready, number, listener);
        }
    }

    fn adopt(&mut self, token: Token, socket: Stream) {
        let displaced = self.connections.insert(Connection::new(token, socket));
        debug_assert!(displaced.is_none(), "slot {} is taken or beyond the table", token.slot());
        if let Some(mut displaced) = displaced {
            self.returned.extend(displaced.start(Operation::Idle));
        }
    }

    fn receive(&mut self, token: Token) {
        self.start(token, Operation::Receive);
    }

    fn send(&mut self, token: Token, buffer: Buffer, range: Range<usize>) {
        self.start(token, Operation::Send { buffer, range, last: false });
    }

    fn send_last(&mut self, token: Token, buffer: Buffer, range: Range<usize>) {
        self.start(token, Operation::Send { buffer, range, last: true });
    }

    fn watch(&mut self, token: Token) {
        self.start(token, Operation::Watch);
    }

    fn has_unread(&mut self, token: Token) -> bool {
        let Some(connection) = self.connections.get_mut(token) else { return false };
        self.counts.unread += 1;
        // Where the system cannot tell, the connection is broken, and whatever comes next tells that.
        connection.stream().unread().is_ok_and(|octets| octets > 0)
    }

    fn has_news(&mut self, token: Token) -> bool {
        self.connections.get_mut(token).is_some_and(|connection| connection.has_news(&mut self.counts))
    }

    fn shut_down_sending(&mut self, token: Token) {
        if let Some(connection) = self.connections.get_mut(token) {
            self.counts.shutdown += 1;
            // Fails only where the peer is gone, and the receive that follows tells that better.
            let _ = connection.stream().shut_down_sending();
        }
    }

    fn close(&mut self, token: Token, reset: bool) {
        let Some(mut connection) = self.connections.remove(token) else { return };
        self.returned.extend(connection.start(Operation::Idle));
        if reset {
            // Where it fails the peer is gone, and there is nobody to tell.
            let _ = connection.stream().reset_on_close();
        }
        self.counts.close += 1;
        drop(connection);
        self.reserve.refill();
    }

    fn receive_datagrams(&mut self, socket: usize) {
        if let Some(WatchedPort { port, .. }) = self.ports.get_mut(socket) {
            port.ask();
            queue_port(&mut self.ready, socket, port);
        }
    }

    fn answer_datagrams(&mut self, socket: usize) {
        if let Some(watched) = self.ports.get_mut(socket) {
            watched.port.answer();
            watched.watch(&self.interest, &mut self.counts.epoll_ctl);
        }
    }

    fn send_datagram(&mut self, to: ReplyTo, buffer: Buffer, range: Range<usize>) {
        match self.ports.get_mut(to.socket) {
            Some(watched) => watched.port.send(to, &buffer, range),
            None => self.sent_nowhere += 1,
        }
        self.returned.push_back(buffer);
    }

    fn wait(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        let something_known = !self.ready.is_empty() || !self.returned.is_empty();
        if something_known && self.turns_left > 0 {
            return Ok(());
        }
        self.turns_left = TURNS_MAX;
        self.counts.epoll_wait += 1;
        let mut events = mem::take(&mut self.events);
        let filled = self.interest.wait(&mut events, if something_known { Some(Duration::ZERO) } else { timeout });
        for &event in events.iter().take(*filled.as_ref().unwrap_or(&0)) {
            self.note(event);
        }
        self.events = events;
        filled.map(drop)
    }

    fn next(&mut self) -> Option<Completion<'_, Stream>> {
        Some(match self.outcome()? {
            Outcome::Told(completion) => completion,
            Outcome::Received { token, len } => {
                let more = len == self.scratch.len();
                Completion::Received { token, octets: self.scratch.get_mut(..len)?, more }
            }
            Outcome::Datagrams { socket } => {
                Completion::Datagrams { socket, batch: self.ports.get_mut(socket)?.port.batch() }
            }
        })
    }

    fn stop_listening(&mut self) {
        for (number, listener) in self.listeners.iter_mut().enumerate() {
            listener.stop();
            queue_listener(&mut self.ready, number, listener);
        }
        self.ports.iter_mut().for_each(|watched| watched.port.close());
    }

    fn is_listening(&self) -> bool {
        self.listeners.iter().any(Listener::is_open)
    }

    fn losses(&self) -> Losses {
        let mut losses = Losses { unsent: self.sent_nowhere, ..Losses::default() };
        for of_port in self.ports.iter().map(|watched| watched.port.losses()) {
            losses.overflowed += of_port.overflowed;
            losses.unsent += of_port.unsent;
        }
        losses
    }
}

impl SocketBackend for Epoll {
    fn behind(setup: &Setup, doors: Vec<Door>) -> Result<Self, SetupError> {
        let cannot = |what| SetupError::because(Step::Backend(what));
        let interest = Interest::new().map_err(cannot("create the epoll instance"))?;
        let wake = Wake::new().map_err(SetupError::because(Step::CreateEventfd))?;
        interest
            .add(wake.eventfd(), Source::Waker.to_word(), Edges::Incoming)
            .map_err(cannot("watch the eventfd that ends the wait"))?;
        let sources = doors.len() * 2 + 1;
        let (mut listeners, mut ports) = (Vec::new(), Vec::new());
        let (mut local_addrs, mut receive_buffers) = (Vec::new(), Vec::new());
        for (number, door) in (0u32..).zip(doors) {
            enlist(&interest, &door, number)?;
            local_addrs.push(door.address);
            receive_buffers.push(door.receive_buffer);
            listeners.push(Listener::new(door.stream, number));
            let (batch, limit) = (setup.datagram_batch, setup.datagram_limit);
            let port = DatagramPort::new(door.datagram, number as usize, batch, limit);
            ports.push(WatchedPort::new(port, number));
        }
        Ok(Self {
            interest,
            wake: Arc::new(wake),
            wake_place: Place::default(),
            listeners: listeners.into(),
            ports: ports.into(),
            connections: Connections::new(setup.connections_max),
            ready: Ready::new(setup.connections_max as usize + sources),
            returned: VecDeque::with_capacity(RETURNED_ROOM),
            reserve: Reserve::new(),
            events: vec![Event::NONE; setup.events_max].into(),
            scratch: vec![0; SCRATCH].into(),
            turns_left: TURNS_MAX,
            sent_nowhere: 0,
            counts: SyscallCounts::default(),
            local_addrs: local_addrs.into(),
            receive_buffers: receive_buffers.into(),
        })
    }

    fn local_addrs(&self) -> &[SocketAddr] {
        &self.local_addrs
    }

    fn datagram_receive_buffers(&self) -> &[usize] {
        &self.receive_buffers
    }
}

impl fmt::Debug for Epoll {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Epoll")
            .field("local_addrs", &self.local_addrs)
            .field("counts", &self.syscall_counts())
            .field("losses", &self.losses())
            .finish_non_exhaustive()
    }
}

/// Puts both sockets of an address on the interest list.
fn enlist(interest: &Interest, door: &Door, number: u32) -> Result<(), SetupError> {
    let cannot = |what| SetupError::at(Step::Backend(what), door.address);
    interest
        .add(&door.stream, Source::Listener(number).to_word(), Edges::WhileIncoming)
        .map_err(cannot("watch the TCP listener on"))?;
    interest
        .add(&door.datagram, Source::DatagramPort(number).to_word(), Edges::Incoming)
        .map_err(cannot("watch the UDP socket on"))
}

fn queue_listener(ready: &mut Ready, number: usize, listener: &mut Listener) {
    if listener.has_work() {
        ready.push(Source::Listener(numbered(number)), &mut listener.place);
    }
}

fn queue_port(ready: &mut Ready, number: usize, port: &mut DatagramPort) {
    if port.has_work() {
        ready.push(Source::DatagramPort(numbered(number)), &mut port.place);
    }
}

/// Listeners and datagram sockets are as many as addresses, which `Setup::check` bounds.
fn numbered(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
