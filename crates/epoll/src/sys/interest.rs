//! The interest list: one epoll instance.

use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::time::Duration;

/// One epoll instance, edge-triggered but for the listeners.
///
/// A descriptor is added once and leaves the list when it is closed: nothing in this crate duplicates one, so closing it
/// closes the file behind it.
#[derive(Debug)]
pub(crate) struct Interest(OwnedFd);

impl Interest {
    pub(crate) fn new() -> io::Result<Self> {
        // SAFETY: needs nothing but a valid flag; answers with a new descriptor that is nobody's yet.
        let made = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
        count(made)?;
        // SAFETY: needs an open descriptor that nobody else closes. The call has succeeded and made it.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(made) }))
    }

    /// Asks for edges of `object`; they will come with `word`. What it is ready for already counts as an edge.
    pub(crate) fn add(&self, object: impl AsFd, word: u64, edges: Edges) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_ADD, object, word, edges)
    }

    /// Asks for other edges of an object that is on the list. Again, what it is ready for already counts as one.
    pub(crate) fn change(&self, object: impl AsFd, word: u64, edges: Edges) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_MOD, object, word, edges)
    }

    fn control(&self, operation: libc::c_int, object: impl AsFd, word: u64, edges: Edges) -> io::Result<()> {
        let events = match edges {
            Edges::Incoming => libc::EPOLLET | libc::EPOLLIN | libc::EPOLLRDHUP,
            Edges::Both => libc::EPOLLET | libc::EPOLLIN | libc::EPOLLRDHUP | libc::EPOLLOUT,
            Edges::WhileIncoming => libc::EPOLLIN,
            Edges::Silence => 0,
        };
        let mut event = libc::epoll_event { events: events as u32, u64: word };
        let object = object.as_fd();
        // SAFETY: needs two open descriptors, which the borrows keep open across the call, and one readable event,
        // which lives on this stack and which the kernel copies before it returns.
        count(unsafe { libc::epoll_ctl(self.0.as_raw_fd(), operation, object.as_raw_fd(), &raw mut event) }).map(drop)
    }

    /// Waits for edges, for at most `timeout` rounded up to milliseconds, and says how many of `events` it filled.
    /// A signal ends the wait with none.
    pub(crate) fn wait(&self, events: &mut [Event], timeout: Option<Duration>) -> io::Result<usize> {
        let room = i32::try_from(events.len()).unwrap_or(i32::MAX);
        let first = events.as_mut_ptr().cast::<libc::epoll_event>();
        // SAFETY: needs room for `room` events at `first` until the call returns. `events` is borrowed mutably across
        // it, has at least that many, and `Event` is a transparent wrapper; the kernel keeps no pointer afterwards.
        let filled = unsafe { libc::epoll_wait(self.0.as_raw_fd(), first, room, milliseconds(timeout)) };
        match count(filled) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(0),
            outcome => outcome,
        }
    }
}

/// Which edges to tell. Errors and hang-ups are told in any case.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Edges {
    /// Something to receive, or the end of it.
    Incoming,
    /// That, and room to send.
    Both,
    /// No edge: something to receive, told by every wait for as long as it is there.
    WhileIncoming,
    /// Nothing.
    Silence,
}

/// What has happened to one object of the interest list.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct Event(libc::epoll_event);

impl Event {
    /// Room for an event; nothing has happened yet.
    pub(crate) const NONE: Self = Self(libc::epoll_event { events: 0, u64: 0 });

    /// The word given with the object.
    pub(crate) fn word(self) -> u64 {
        self.0.u64
    }

    /// A receive or an accept may find something, if only the end or an error.
    pub(crate) fn readable(self) -> bool {
        self.any(libc::EPOLLIN | libc::EPOLLRDHUP) || self.broken()
    }

    /// A send may find room, if only for an error.
    pub(crate) fn writable(self) -> bool {
        self.any(libc::EPOLLOUT) || self.broken()
    }

    /// The peer has ended its sending, or more than that.
    pub(crate) fn ended(self) -> bool {
        self.any(libc::EPOLLRDHUP) || self.broken()
    }

    /// The connection is over in both directions. The end of the peer's sending alone does not count.
    pub(crate) fn broken(self) -> bool {
        self.any(libc::EPOLLERR | libc::EPOLLHUP)
    }

    fn any(self, bits: libc::c_int) -> bool {
        let events = self.0.events;
        events & bits as u32 != 0
    }
}

/// What the kernel answers with -1 on failure and a number of things otherwise.
fn count(result: libc::c_int) -> io::Result<usize> {
    usize::try_from(result).map_err(|_| io::Error::last_os_error())
}

/// Rounds up: a wait that ends before its deadline would be begun again for nothing.
fn milliseconds(timeout: Option<Duration>) -> libc::c_int {
    let Some(timeout) = timeout else { return -1 };
    let whole = timeout.as_nanos().div_ceil(1_000_000);
    libc::c_int::try_from(whole).unwrap_or(libc::c_int::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_is_rounded_up_and_bounded() {
        assert_eq!(milliseconds(None), -1);
        assert_eq!(milliseconds(Some(Duration::ZERO)), 0);
        assert_eq!(milliseconds(Some(Duration::from_nanos(1))), 1);
        assert_eq!(milliseconds(Some(Duration::from_millis(10_000))), 10_000);
        assert_eq!(milliseconds(Some(Duration::MAX)), libc::c_int::MAX);
    }
}
