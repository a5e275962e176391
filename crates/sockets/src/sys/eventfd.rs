//! An eventfd: a counter in the kernel that other threads add to.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use super::{count, descriptor, retry};

/// One eventfd. It is never read: where edges are waited for, every write is an edge of its own, and the
/// counter has room for more writes than a machine can make.
#[derive(Debug)]
pub struct Eventfd(OwnedFd);

impl Eventfd {
    /// A new one, at zero.
    ///
    /// # Errors
    /// What the system said.
    pub fn new() -> io::Result<Self> {
        // SAFETY: needs nothing but valid flags; answers with a new descriptor that is nobody's yet.
        unsafe { descriptor(libc::eventfd(0, libc::EFD_NONBLOCK | libc::EFD_CLOEXEC)) }.map(Self)
    }

    /// Adds one.
    ///
    /// # Errors
    /// What the system said.
    pub fn signal(&self) -> io::Result<()> {
        let one = 1u64;
        let octets = size_of::<u64>();
        // SAFETY: needs `octets` readable octets at the pointer until the call returns; `one` lives on this stack.
        retry(|| count(unsafe { libc::write(self.0.as_raw_fd(), (&raw const one).cast(), octets) })).map(drop)
    }
}

impl AsFd for Eventfd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
