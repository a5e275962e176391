//! Blocking and non-blocking mode of any descriptor.

use std::io;
use std::os::fd::{AsFd, AsRawFd};

use super::{done, retry};

/// Makes calls on `object` return [`WouldBlock`](io::ErrorKind::WouldBlock) instead of waiting. No other flag changes.
///
/// # Errors
/// What `fcntl` said.
pub fn set_nonblocking(object: impl AsFd) -> io::Result<()> {
    change(object, |flags| flags | libc::O_NONBLOCK)
}

/// Makes calls on `object` wait until they can be done. No other flag changes.
///
/// # Errors
/// What `fcntl` said.
pub fn set_blocking(object: impl AsFd) -> io::Result<()> {
    change(object, |flags| flags & !libc::O_NONBLOCK)
}

fn change(object: impl AsFd, to: impl Fn(libc::c_int) -> libc::c_int) -> io::Result<()> {
    let object = object.as_fd();
    // SAFETY: needs an open descriptor, which the borrow keeps open; this request takes no pointer.
    let flags = retry(|| known(unsafe { libc::fcntl(object.as_raw_fd(), libc::F_GETFL) }))?;
    if to(flags) == flags {
        return Ok(());
    }
    // SAFETY: as above; the argument is a number.
    retry(|| done(unsafe { libc::fcntl(object.as_raw_fd(), libc::F_SETFL, to(flags)) }))
}

fn known(flags: libc::c_int) -> io::Result<libc::c_int> {
    done(flags).map(|()| flags)
}
