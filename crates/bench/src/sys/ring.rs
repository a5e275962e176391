//! One ring, its connections, and their memory.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use io_uring::squeue::{Entry, Flags};
use io_uring::types::Fd;
use io_uring::{IoUring, cqueue, opcode};
use rustix::net::{self, SendFlags, Shutdown};

/// Octets that one receive takes in at most.
const ROOM: usize = 4096;

/// Submissions that fit into the ring; where there are more, it is emptied first.
const ENTRIES: u32 = 4096;

const ACCEPT: u64 = u64::MAX;
const DATAGRAMS: u64 = u64::MAX - 1;
const SEND: u64 = u64::MAX - 2;

/// What has come about.
pub(crate) enum Happened {
    /// There may be datagrams.
    Datagrams,
    /// So many octets came on this connection; 0 or less: nothing more will.
    Received(usize, i32),
    /// Nothing that anybody has to act on.
    Nothing,
}

/// A ring over which connections are accepted and received from. What has nothing to wait for is done without it.
///
/// Each connection has memory of its own, which no operation but its own uses; there is one operation, or one chain of
/// them, in flight for each at most. Memory is allocated once and never freed or moved: the process ends with it.
pub(crate) struct Ring {
    ring: IoUring,
    /// By place; `None`: nobody is there.
    streams: Vec<Option<OwnedFd>>,
    free: Vec<usize>,
    octets: &'static mut [[u8; ROOM]],
}

impl Ring {
    /// For so many connections at once.
    pub(crate) fn new(connections: usize) -> io::Result<Self> {
        let mut builder = IoUring::builder();
        builder.setup_single_issuer().setup_defer_taskrun().setup_cqsize(4 * ENTRIES);
        Ok(Self {
            ring: builder.build(ENTRIES)?,
            streams: (0..connections).map(|_| None).collect(),
            free: (0..connections).rev().collect(),
            octets: Vec::leak(vec![[0; ROOM]; connections]),
        })
    }

    /// Accepts connections from now on.
    pub(crate) fn accept(&mut self, listener: &OwnedFd) -> io::Result<()> {
        let accept = opcode::AcceptMulti::new(Fd(listener.as_raw_fd())).flags(libc::SOCK_CLOEXEC);
        self.push(&accept.build().user_data(ACCEPT))
    }

    /// Tells of datagrams from now on.
    pub(crate) fn watch(&mut self, datagrams: &OwnedFd) -> io::Result<()> {
        let poll = opcode::PollAdd::new(Fd(datagrams.as_raw_fd()), u32::from(libc::POLLIN.unsigned_abs()));
        self.push(&poll.multi(true).build().user_data(DATAGRAMS))
    }

    /// Submits what waits, waits for something, and tells all that has come about. `act` may start operations.
    pub(crate) fn turn(&mut self, mut act: impl FnMut(&mut Self, Happened) -> io::Result<()>) -> io::Result<()> {
        match self.ring.submit_and_wait(1) {
            Ok(_) => {}
            Err(error) if error.raw_os_error() == Some(libc::EINTR) => {}
            Err(error) => return Err(error),
        }
        while let Some(entry) = { self.ring.completion().next() } {
            let happened = self.note(&entry)?;
            act(self, happened)?;
        }
        Ok(())
    }

    /// Receives behind the first `got` octets of a connection.
    pub(crate) fn receive(&mut self, place: usize, got: usize) -> io::Result<()> {
        let receive = self.receiving(place, got);
        self.push(&receive)
    }

    /// Answers with the first `len` octets that came, then receives again.
    pub(crate) fn answer(&mut self, place: usize, len: usize) -> io::Result<()> {
        let (first, len) = (self.octets.get(place).map_or(std::ptr::null(), |octets| octets.as_ptr()), len.min(ROOM));
        let send = opcode::Send::new(self.descriptor(place), first, u32::try_from(len).unwrap_or(0));
        let send = send.flags(libc::MSG_NOSIGNAL).build().flags(Flags::IO_LINK | Flags::SKIP_SUCCESS);
        if self.room() < 2 {
            // A submission in the middle would tear the chain apart.
            self.ring.submit()?;
        }
        self.push(&send.user_data(SEND))?;
        self.receive(place, 0)
    }

    /// Answers with the first `len` octets that came, the end of the connection in the same packet, and closes.
    pub(crate) fn answer_and_close(&mut self, place: usize, len: usize) {
        let octets = self.octets.get(place).and_then(|octets| octets.get(..len)).unwrap_or_default();
        if let Some(Some(stream)) = self.streams.get(place) {
            // Either fails only where the peer is gone.
            let _ = net::send(stream, octets, SendFlags::NOSIGNAL | SendFlags::MORE);
            let _ = net::shutdown(stream, Shutdown::Write);
        }
        self.close(place);
    }

    /// Closes a connection on which nothing is in flight.
    pub(crate) fn close(&mut self, place: usize) {
        if let Some(stream) = self.streams.get_mut(place) {
            *stream = None;
            self.free.push(place);
        }
    }

    /// Keeps the books.
    fn note(&mut self, entry: &cqueue::Entry) -> io::Result<Happened> {
        let outcome = entry.result();
        match entry.user_data() {
            ACCEPT if outcome < 0 => Err(io::Error::from_raw_os_error(-outcome)),
            ACCEPT => {
                let Some(place) = self.free.pop() else { return Err(io::ErrorKind::OutOfMemory.into()) };
                if let Some(stream) = self.streams.get_mut(place) {
                    // SAFETY: needs an open descriptor that nobody else closes: the kernel has just made it, for us.
                    *stream = Some(unsafe { OwnedFd::from_raw_fd(outcome) });
                }
                self.receive(place, 0)?;
                Ok(Happened::Nothing)
            }
            DATAGRAMS => Ok(Happened::Datagrams),
            // A send that failed tells so, and the receive behind it too.
            SEND => Ok(Happened::Nothing),
            place => Ok(Happened::Received(usize::try_from(place).unwrap_or(usize::MAX), outcome)),
        }
    }

    fn receiving(&mut self, place: usize, got: usize) -> Entry {
        let descriptor = self.descriptor(place);
        let room = self.octets.get_mut(place).and_then(|octets| octets.get_mut(got..)).unwrap_or_default();
        let len = u32::try_from(room.len()).unwrap_or(0);
        opcode::Recv::new(descriptor, room.as_mut_ptr(), len).build().user_data(place as u64)
    }

    fn descriptor(&self, place: usize) -> Fd {
        Fd(self.streams.get(place).and_then(Option::as_ref).map_or(-1, AsRawFd::as_raw_fd))
    }

    fn room(&mut self) -> usize {
        let queue = self.ring.submission();
        queue.capacity() - queue.len()
    }

    fn push(&mut self, entry: &Entry) -> io::Result<()> {
        if self.ring.submission().is_full() {
            self.ring.submit()?;
        }
        // SAFETY: needs memory that stays valid, and that nobody else uses, until the operation is over. The only memory
        // an entry of this module points to lies in `octets`, which is leaked; each connection's part of it is used by
        // its own operation in flight and, between two of those, by nobody.
        unsafe { self.ring.submission().push(entry) }.map_err(|_| io::Error::from(io::ErrorKind::QuotaExceeded))
    }
}
