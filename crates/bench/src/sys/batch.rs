//! Datagrams that travel together.

use std::io;
use std::mem;
use std::os::fd::{AsFd, AsRawFd};
use std::ptr;

/// Octets of one datagram at most. An odd number of cache lines, so that the first octets of a batch do not all compete
/// for the same few places in the cache.
pub(crate) const ROOM: usize = 23 * 64;

/// Room for some datagrams with the addresses of their senders, and all that the kernel wants to see beside it. Pointers
/// are set up once: a call changes nothing but lengths.
pub(crate) struct Batch {
    octets: Box<[[u8; ROOM]]>,
    /// The kernel writes senders here, and reads recipients from the same place.
    _names: Box<[libc::sockaddr_in]>,
    vectors: Box<[libc::iovec]>,
    headers: Box<[libc::mmsghdr]>,
}

impl Batch {
    /// For IPv4 datagrams, each with the name of the other side.
    pub(crate) fn named(room: usize) -> Self {
        Self::new(room, true)
    }

    /// For a connected socket: nobody is named.
    pub(crate) fn nameless(room: usize) -> Self {
        Self::new(room, false)
    }

    fn new(room: usize, named: bool) -> Self {
        let mut octets = vec![[0; ROOM]; room].into_boxed_slice();
        let nobody =
            libc::sockaddr_in { sin_family: 0, sin_port: 0, sin_addr: libc::in_addr { s_addr: 0 }, sin_zero: [0; 8] };
        let mut names = vec![nobody; room].into_boxed_slice();
        let vector = |octets: &mut [u8; ROOM]| libc::iovec { iov_base: octets.as_mut_ptr().cast(), iov_len: ROOM };
        let mut vectors: Box<[_]> = octets.iter_mut().map(vector).collect();
        let header = |(name, vector): (&mut libc::sockaddr_in, &mut libc::iovec)| {
            // SAFETY: all-zero octets make a valid `mmsghdr`: null pointers and zero lengths.
            let mut header: libc::mmsghdr = unsafe { mem::zeroed() };
            header.msg_hdr.msg_iov = &raw mut *vector;
            header.msg_hdr.msg_iovlen = 1;
            if named {
                header.msg_hdr.msg_name = (&raw mut *name).cast();
                header.msg_hdr.msg_namelen = 16;
            }
            header
        };
        let headers = names.iter_mut().zip(&mut vectors).map(header).collect();
        Self { octets, _names: names, vectors, headers }
    }

    /// The room of one datagram.
    pub(crate) fn octets(&mut self, place: usize) -> Option<&mut [u8; ROOM]> {
        self.octets.get_mut(place)
    }

    /// How many octets of one count: those that came, or those that [`set_len`](Self::set_len) said.
    pub(crate) fn received_len(&self, place: usize) -> usize {
        self.headers.get(place).map_or(0, |header| (header.msg_len as usize).min(ROOM))
    }

    /// Says how many octets of one are to be sent.
    pub(crate) fn set_len(&mut self, place: usize, len: usize) {
        if let Some(vector) = self.vectors.get_mut(place) {
            vector.iov_len = len.min(ROOM);
        }
    }

    /// Receives what has come, as much as there is room for, and says how many datagrams that are.
    pub(crate) fn receive(&mut self, socket: impl AsFd) -> io::Result<usize> {
        for vector in &mut self.vectors {
            vector.iov_len = ROOM;
        }
        let (first, room) = (self.headers.as_mut_ptr(), small(self.headers.len()));
        // SAFETY: needs `room` headers at `first` whose pointers lead to memory that is ours and as long as they say,
        // until the call returns. All of it is owned by `self`, which is borrowed mutably: the vectors have just been
        // given the length of their rooms, a name has 16 octets, and boxed slices do not move with `self`.
        let filled = unsafe { libc::recvmmsg(socket.as_fd().as_raw_fd(), first, room, 0, ptr::null_mut()) };
        usize::try_from(filled).map_err(|_| io::Error::last_os_error())
    }

    /// Sends the first `count` datagrams, from number `from`, and says how many went.
    pub(crate) fn send(&mut self, socket: impl AsFd, from: usize, count: usize) -> io::Result<usize> {
        let Some(headers) = self.headers.get_mut(from..count) else { return Ok(0) };
        let (first, many) = (headers.as_mut_ptr(), small(headers.len()));
        // SAFETY: needs `many` headers at `first` whose pointers lead to memory that stays readable, and as long as they
        // say, until the call returns. They are a slice of ours; no vector is longer than its room (`set_len`), and the
        // rest is as for `receive`.
        let sent = unsafe { libc::sendmmsg(socket.as_fd().as_raw_fd(), first, many, libc::MSG_NOSIGNAL) };
        usize::try_from(sent).map_err(|_| io::Error::last_os_error())
    }
}

fn small(len: usize) -> libc::c_uint {
    libc::c_uint::try_from(len).unwrap_or(libc::c_uint::MAX)
}
