//! The backend itself: operations in, the kernel's events sorted to whom they concern, completions out.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::io;
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
    Tenant, Wake, within,
};

use crate::connection::{self, Connection};
use crate::counts::{Incidents, SyscallCounts};
use crate::listener::{self, Listener};
use crate::polled_port::PolledPort;
use crate::probe;
use crate::rings::Rings;
use crate::starved::Starved;
use crate::sys::{Event, Interest, Last, Lent, Loan, Ring, Room, SLOTS_MAX, Tag};

/// Completions reported after which the loop is sent to submit and to look for others, even if there are more to report.
const TURNS_MAX: u32 = 256;

/// Buffers that may wait to be given back before the queue for them has to grow.
const RETURNED_ROOM: usize = 1024;

/// How long a backend that is dropped waits for the kernel to let go of its buffers.
const FAREWELL: Duration = Duration::from_secs(1);

/// The io_uring backend of one reactor: its listeners, its datagram sockets and its connections.
///
/// What the loop starts goes into the submission queue; [`wait`](Backend::wait) submits all of it with one system call and
/// sorts what has come; [`next`](Backend::next) reports it, one thing of each source in turn. After
/// [`bind`](SocketBackend::bind) nothing is allocated, except where more buffers wait for their last completion, or more
/// connections for a buffer, than ever before.
pub struct Uring {
    ring: Ring,
    wake: Arc<Wake>,
    wake_place: Place,
    wake_armed: bool,
    listeners: Box<[Listener]>,
    ports: Box<[PolledPort]>,
    connections: Connections<Connection>,
    /// Sends that have outlived their connection.
    leaving: HashMap<Token, Lent>,
    starved: Starved,
    ready: Ready,
    returned: VecDeque<Buffer>,
    reserve: Reserve,
    /// What the loop has on loan until its next call.
    loan: Option<Loan>,
    turns_left: u32,
    /// Late answers for a socket that there is not.
    sent_nowhere: u64,
    counts: SyscallCounts,
    incidents: Incidents,
    local_addrs: Box<[SocketAddr]>,
    receive_buffers: Box<[usize]>,
}

/// What a turn has brought. The borrow of a [`Completion`] begins only when it is certain that this one is reported.
enum Outcome {
    Told(Completion<'static, Stream>),
    Received { token: Token, loan: Loan },
    Datagrams { socket: usize },
}

impl Uring {
    /// Binds as [`bind`](SocketBackend::bind) does, with rings of other sizes.
    ///
    /// # Errors
    /// The step that failed, the address, and what the system said.
    pub fn bind_with(setup: &Setup, rings: &Rings) -> Result<Self, SetupError> {
        setup.check()?;
        rings.check()?;
        let doors = setup.addresses.iter().map(|&address| Door::open(setup, address)).collect::<Result<_, _>>()?;
        Self::assemble(setup, doors, rings)
    }

    /// System calls made so far.
    #[must_use]
    pub fn syscall_counts(&self) -> SyscallCounts {
        let mut counts = SyscallCounts { enter: self.ring.enters(), ..self.counts };
        for calls in self.ports.iter().map(|polled| polled.port.calls()) {
            counts.receive_datagrams += calls.receive;
            counts.send_datagrams += calls.send;
        }
        counts
    }

    /// What has happened rarely, so far.
    #[must_use]
    pub fn incidents(&self) -> Incidents {
        Incidents { queue_full: self.ring.full(), ..self.incidents }
    }

    fn assemble(setup: &Setup, doors: Vec<Door>, rings: &Rings) -> Result<Self, SetupError> {
        within("connections_max", setup.connections_max as usize, SLOTS_MAX as usize)?;
        let ring = probe::open(rings)?;
        let wake = Wake::new().map_err(SetupError::because(Step::CreateEventfd))?;
        let sources = doors.len() * 2 + 1;
        let (mut listeners, mut ports) = (Vec::new(), Vec::new());
        let (mut local_addrs, mut receive_buffers) = (Vec::new(), Vec::new());
        for (number, door) in (0u32..).zip(doors) {
            local_addrs.push(door.address);
            receive_buffers.push(door.receive_buffer);
            listeners.push(Listener::new(door.stream, number, rings.ahead));
            let (batch, limit) = (setup.datagram_batch, setup.datagram_limit);
            let port = DatagramPort::new(door.datagram, number as usize, batch, limit);
            ports.push(PolledPort::new(port, number));
        }
        Ok(Self {
            ring,
            wake: Arc::new(wake),
            wake_place: Place::default(),
            wake_armed: false,
            listeners: listeners.into(),
            ports: ports.into(),
            connections: Connections::new(setup.connections_max),
            leaving: HashMap::new(),
            starved: Starved::default(),
            ready: Ready::new(setup.connections_max as usize + sources),
            returned: VecDeque::with_capacity(RETURNED_ROOM),
            reserve: Reserve::new(),
            loan: None,
            turns_left: TURNS_MAX,
            sent_nowhere: 0,
            counts: SyscallCounts::default(),
            incidents: Incidents::default(),
            local_addrs: local_addrs.into(),
            receive_buffers: receive_buffers.into(),
        })
    }

    /// Sorts what the kernel has told to whom it concerns. What concerns a tenancy that is over finds nobody.
    fn note(&mut self, event: Event) {
        match event {
            Event::Nothing => {}
            Event::Woken { armed } => {
                self.wake_armed = armed;
                self.ready.push(Source::Waker, &mut self.wake_place);
            }
            Event::Accepted { listener: number, outcome, armed } => {
                self.incidents.accepts_ended += u64::from(!armed);
                // A connection that comes to no listener of ours would be dropped, and closed.
                if let Some(listener) = self.listeners.get_mut(number as usize) {
                    listener.note(outcome, armed, &mut self.ring);
                    queue_listener(&mut self.ready, number, listener);
                }
            }
            Event::Datagrams(number) => self.note_port(number, PolledPort::note_datagrams),
            Event::Room(number) => self.note_port(number, PolledPort::note_room),
            Event::Received { token, outcome } => self.note_received(token, outcome),
            Event::Sent { token, outcome, last } => self.note_sent(token, outcome, last),
            Event::Watched { token, broken, armed } => {
                if let Some(connection) = self.connections.get_mut(token) {
                    connection.note_watched(broken, armed);
                    self.connections.queue(token, &mut self.ready);
                }
            }
        }
    }

    fn note_port(&mut self, number: u32, note: impl Fn(&mut PolledPort)) {
        if let Some(polled) = self.ports.get_mut(number as usize) {
            note(polled);
            queue_port(&mut self.ready, number, polled);
        }
    }

    fn note_received(&mut self, token: Token, outcome: io::Result<Option<Loan>>) {
        let Some(connection) = self.connections.get_mut(token) else {
            self.incidents.stale += 1;
            if let Ok(Some(loan)) = outcome {
                self.give_back(loan);
            }
            return;
        };
        if let Some(room) = connection.note_received(outcome, &mut self.ring) {
            self.incidents.starved += 1;
            self.starved.push(room, token);
            if self.ring.is_whole(room) {
                // They have all come back meanwhile: nobody else would start it again.
                self.feed(room);
            }
        }
        self.connections.queue(token, &mut self.ready);
    }

    fn note_sent(&mut self, token: Token, outcome: io::Result<usize>, last: Last) {
        if let Some(lent) = self.leaving.remove(&token) {
            self.returned.push_back(lent.take_back(last));
        } else if let Some(connection) = self.connections.get_mut(token) {
            connection.note_sent(outcome, last, &mut self.counts);
            self.connections.queue(token, &mut self.ready);
        }
    }

    /// Puts a buffer back where the kernel finds it, and starts again a receive that had none.
    fn give_back(&mut self, loan: Loan) {
        let room = loan.room();
        self.ring.octets(&loan).fill(0);
        self.ring.give_back(loan);
        self.feed(room);
    }

    fn feed(&mut self, room: Room) {
        while let Some(token) = self.starved.pop(room) {
            if let Some(connection) = self.connections.get_mut(token) {
                return connection.resume(&mut self.ring);
            }
        }
    }

    /// Takes back what the loop had until this call.
    fn end_loan(&mut self) {
        if let Some(loan) = self.loan.take() {
            self.give_back(loan);
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
            Source::Listener(number) => self.listener_turn(number),
            Source::DatagramPort(number) => self.port_turn(number),
            Source::Connection(token) => match self.connections.call(token)?.turn() {
                connection::Turn::Received(loan) => Some(Outcome::Received { token, loan }),
                connection::Turn::Told(completion) => Some(Outcome::Told(completion)),
                connection::Turn::Waiting => None,
            },
        }
    }

    fn listener_turn(&mut self, number: u32) -> Option<Outcome> {
        let listener = self.listeners.get_mut(number as usize)?;
        listener.place.free();
        let turn = listener.turn(&mut self.ring, &mut self.reserve);
        queue_listener(&mut self.ready, number, listener);
        let number = number as usize;
        match turn {
            listener::Turn::Accepted(socket, peer) => {
                self.counts.peer_address += 1;
                Some(Outcome::Told(Completion::Accepted { listener: number, socket, peer }))
            }
            listener::Turn::Failed { error, shed } => {
                Some(Outcome::Told(Completion::AcceptFailed { listener: number, error, shed }))
            }
            listener::Turn::Again | listener::Turn::Nobody => None,
        }
    }

    fn port_turn(&mut self, number: u32) -> Option<Outcome> {
        let socket = number as usize;
        let polled = self.ports.get_mut(socket)?;
        polled.port.place.free();
        let has_batch = polled.port.turn();
        polled.poll(&mut self.ring);
        if !has_batch {
            return None;
        }
        // A batch is as much work as that many turns: a flood of datagrams must not keep out the connections.
        let others = u32::try_from(polled.port.batch().filled()).unwrap_or(u32::MAX).saturating_sub(1);
        self.turns_left = self.turns_left.saturating_sub(others);
        Some(Outcome::Datagrams { socket })
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

    /// Submits, waits, and sorts what has come.
    fn enter(&mut self, want: u32, timeout: Option<Duration>) -> io::Result<()> {
        if !self.wake_armed {
            self.wake_armed = true;
            self.ring.poll_always(self.wake.eventfd(), Interest::Incoming, Tag::Wake);
        }
        self.ring.enter(want, timeout)?;
        self.incidents.overflowed += u64::from(self.ring.has_overflowed());
        while let Some(event) = self.ring.next_event() {
            self.note(event);
        }
        // A close may have freed a descriptor.
        self.reserve.refill();
        Ok(())
    }

    /// Ends everything in flight and takes back what the kernel holds.
    fn reclaim(&mut self) -> io::Result<()> {
        self.end_loan();
        let Self { ring, connections, leaving, listeners, .. } = self;
        connections.iter_mut().for_each(|connection| ring.cancel_all(connection.stream()));
        leaving.keys().for_each(|&token| ring.cancel(Tag::Send(token)));
        for number in (0u32..).take(listeners.len()) {
            [Tag::Accept(number), Tag::Datagrams(number), Tag::Room(number)]
                .into_iter()
                .for_each(|tag| ring.cancel(tag));
        }
        ring.cancel(Tag::Wake);
        let mut tries = 10;
        while self.ring.in_flight() > 0 && tries > 0 {
            self.ring.enter(1, Some(FAREWELL / 10))?;
            tries -= 1;
            while let Some(event) = self.ring.next_event() {
                self.take_in(event);
            }
        }
        self.ring.enter(0, None)
    }

    /// As [`note`](Self::note), but starts nothing.
    fn take_in(&mut self, event: Event) {
        match event {
            Event::Received { outcome: Ok(Some(loan)), .. } => self.ring.give_back(loan),
            Event::Sent { token, outcome, last } => self.note_sent(token, outcome, last),
            // An accepted connection is closed by being dropped here.
            Event::Accepted { .. }
            | Event::Received { .. }
            | Event::Woken { .. }
            | Event::Datagrams(_)
            | Event::Room(_)
            | Event::Watched { .. }
            | Event::Nothing => {}
        }
    }
}

impl Backend for Uring {
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
        let number = numbered(listener);
        if let Some(listener) = self.listeners.get_mut(listener) {
            listener.ask(&mut self.ring);
            queue_listener(&mut self.ready, number, listener);
        }
    }

    fn adopt(&mut self, token: Token, socket: Stream) {
        let displaced = self.connections.insert(Connection::new(token, socket));
        debug_assert!(displaced.is_none(), "slot {} is taken or beyond the table", token.slot());
        if let Some(displaced) = displaced {
            self.bury(displaced, false);
        }
    }

    fn receive(&mut self, token: Token) {
        self.end_loan();
        if let Some(connection) = self.connections.get_mut(token) {
            connection.receive(&mut self.ring);
            self.connections.queue(token, &mut self.ready);
        }
    }

    fn send(&mut self, token: Token, buffer: Buffer, range: Range<usize>) {
        let unneeded = match self.connections.get_mut(token) {
            Some(connection) => connection.send(buffer, range, &mut self.ring),
            None => Some(buffer),
        };
        self.returned.extend(unneeded);
        self.connections.queue(token, &mut self.ready);
    }

    fn send_last(&mut self, token: Token, buffer: Buffer, range: Range<usize>) {
        // Without the ring: what is sent here and now is sent while the connection is still in the processor's cache,
        // and the loop closes it in the same turn.
        let unneeded = match self.connections.get_mut(token) {
            Some(connection) => connection.send_last(buffer, range, &mut self.ring, &mut self.counts),
            None => Some(buffer),
        };
        self.returned.extend(unneeded);
        self.connections.queue(token, &mut self.ready);
    }

    fn watch(&mut self, token: Token) {
        if let Some(connection) = self.connections.get_mut(token) {
            connection.watch(&mut self.ring);
            self.connections.queue(token, &mut self.ready);
        }
    }

    fn has_unread(&mut self, token: Token) -> bool {
        let Some(connection) = self.connections.get_mut(token) else { return false };
        if connection.has_arrival() {
            return true;
        }
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
        if let Some(connection) = self.connections.remove(token) {
            self.bury(connection, reset);
        }
    }

    fn receive_datagrams(&mut self, socket: usize) {
        let number = numbered(socket);
        if let Some(polled) = self.ports.get_mut(socket) {
            polled.port.ask();
            polled.poll(&mut self.ring);
            queue_port(&mut self.ready, number, polled);
        }
    }

    fn answer_datagrams(&mut self, socket: usize) {
        if let Some(polled) = self.ports.get_mut(socket) {
            polled.port.answer();
            polled.poll(&mut self.ring);
        }
    }

    fn send_datagram(&mut self, to: ReplyTo, buffer: Buffer, range: Range<usize>) {
        match self.ports.get_mut(to.socket) {
            Some(polled) => polled.port.send(to, &buffer, range),
            None => self.sent_nowhere += 1,
        }
        self.returned.push_back(buffer);
    }

    fn wait(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        self.end_loan();
        let something_known = !self.ready.is_empty() || !self.returned.is_empty();
        if something_known && self.turns_left > 0 && !self.ring.has_unsubmitted() {
            return Ok(());
        }
        self.turns_left = TURNS_MAX;
        let at_once = something_known || timeout == Some(Duration::ZERO);
        self.enter(u32::from(!at_once), timeout)
    }

    fn next(&mut self) -> Option<Completion<'_, Stream>> {
        self.end_loan();
        Some(match self.outcome()? {
            Outcome::Told(completion) => completion,
            Outcome::Received { token, loan } => {
                let more = self.ring.is_full(&loan);
                let octets = self.ring.octets(self.loan.insert(loan));
                Completion::Received { token, octets, more }
            }
            Outcome::Datagrams { socket } => {
                Completion::Datagrams { socket, batch: self.ports.get_mut(socket)?.port.batch() }
            }
        })
    }

    fn stop_listening(&mut self) {
        for (number, listener) in (0u32..).zip(&mut self.listeners) {
            listener.stop(&mut self.ring);
            queue_listener(&mut self.ready, number, listener);
        }
        self.ports.iter_mut().for_each(|polled| polled.port.close());
    }

    fn is_listening(&self) -> bool {
        self.listeners.iter().any(Listener::is_open)
    }

    fn losses(&self) -> Losses {
        let mut losses = Losses { unsent: self.sent_nowhere, ..Losses::default() };
        for of_port in self.ports.iter().map(|polled| polled.port.losses()) {
            losses.overflowed += of_port.overflowed;
            losses.unsent += of_port.unsent;
        }
        losses
    }
}

impl Uring {
    /// Closes what is not in the table any more.
    fn bury(&mut self, connection: Connection, reset: bool) {
        let token = connection.token();
        let remains = connection.close(reset, &mut self.ring, &mut self.counts);
        self.returned.extend(remains.buffer);
        if let Some(lent) = remains.leaving {
            self.leaving.insert(token, lent);
        }
    }
}

impl SocketBackend for Uring {
    fn behind(setup: &Setup, doors: Vec<Door>) -> Result<Self, SetupError> {
        Self::assemble(setup, doors, &Rings::default())
    }

    fn local_addrs(&self) -> &[SocketAddr] {
        &self.local_addrs
    }

    fn datagram_receive_buffers(&self) -> &[usize] {
        &self.receive_buffers
    }
}

impl Drop for Uring {
    fn drop(&mut self) {
        if self.ring.has_begun() {
            // Where that fails, in another thread than the one that served, what the kernel holds is left to it.
            let _ = self.reclaim();
        }
    }
}

impl fmt::Debug for Uring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Uring")
            .field("local_addrs", &self.local_addrs)
            .field("counts", &self.syscall_counts())
            .field("losses", &self.losses())
            .finish_non_exhaustive()
    }
}

fn queue_listener(ready: &mut Ready, number: u32, listener: &mut Listener) {
    if listener.has_work() {
        ready.push(Source::Listener(number), &mut listener.place);
    }
}

fn queue_port(ready: &mut Ready, number: u32, polled: &mut PolledPort) {
    if polled.port.has_work() {
        ready.push(Source::DatagramPort(number), &mut polled.port.place);
    }
}

/// Listeners and datagram sockets are as many as addresses, which `Setup::check` bounds.
fn numbered(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
