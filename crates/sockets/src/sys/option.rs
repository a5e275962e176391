//! Socket options.

use std::io;
use std::os::fd::{AsFd, AsRawFd};

use super::done;

/// Sets a numeric option.
pub(crate) fn set(socket: impl AsFd, level: libc::c_int, name: libc::c_int, value: libc::c_int) -> io::Result<()> {
    set_value(socket, level, name, &value)
}

/// Makes the next `close` drop what is unsent and tell the peer so.
pub(crate) fn set_linger_zero(socket: impl AsFd) -> io::Result<()> {
    set_value(socket, libc::SOL_SOCKET, libc::SO_LINGER, &libc::linger { l_onoff: 1, l_linger: 0 })
}

/// Reads a numeric option.
pub(crate) fn get(socket: impl AsFd, level: libc::c_int, name: libc::c_int) -> io::Result<libc::c_int> {
    let mut value: libc::c_int = 0;
    let mut len = length::<libc::c_int>();
    let socket = socket.as_fd().as_raw_fd();
    // SAFETY: needs an open descriptor and `len` writable octets at the pointer until the call returns. The borrow keeps
    // the one open, the other lives on this stack, is that long, and any octets make a number.
    done(unsafe { libc::getsockopt(socket, level, name, (&raw mut value).cast(), &raw mut len) })?;
    Ok(value)
}

fn set_value<T>(socket: impl AsFd, level: libc::c_int, name: libc::c_int, value: &T) -> io::Result<()> {
    let socket = socket.as_fd().as_raw_fd();
    // SAFETY: needs an open descriptor and as many readable octets at the pointer as it is told, until the call returns.
    // The borrows last that long; both callers pass plain numbers without padding.
    done(unsafe { libc::setsockopt(socket, level, name, (&raw const *value).cast(), length::<T>()) })
}

/// Size of an option as the kernel counts it.
fn length<T>() -> libc::socklen_t {
    libc::socklen_t::try_from(size_of::<T>()).unwrap_or(0)
}
