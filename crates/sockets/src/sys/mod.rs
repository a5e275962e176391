//! The system calls of this crate, one kernel object per file.
//!
//! Nothing above this module sees a raw pointer, a raw descriptor or an `errno`: slices, owned descriptors and
//! `io::Result` at the edge. Every call is retried when a signal interrupts it.
#![expect(unsafe_code, reason = "raw system calls")]

mod address;
mod control;
mod datagram;
mod eventfd;
mod listening;
mod mode;
mod option;
mod socket;
mod stream;

use std::io;
use std::os::fd::{FromRawFd, OwnedFd};

pub use datagram::DatagramSocket;
pub(crate) use datagram::Envelopes;
pub use eventfd::Eventfd;
pub use listening::ListeningSocket;
pub use mode::{set_blocking, set_nonblocking};
pub use stream::Stream;

/// What the kernel answers with -1 on failure and a number of things otherwise.
fn count(result: isize) -> io::Result<usize> {
    usize::try_from(result).map_err(|_| io::Error::last_os_error())
}

/// What the kernel answers with -1 on failure and nothing of interest otherwise.
fn done(result: libc::c_int) -> io::Result<()> {
    count(result as isize).map(drop)
}

/// Takes possession of a descriptor that a call has just made.
///
/// # Safety
/// `result` is the answer of a system call that returns -1 or a new descriptor, and nobody else owns that descriptor.
unsafe fn descriptor(result: libc::c_int) -> io::Result<OwnedFd> {
    done(result)?;
    // SAFETY: needs an open descriptor that nobody else closes. The call succeeded, and the caller vouches for the rest.
    Ok(unsafe { OwnedFd::from_raw_fd(result) })
}

/// Calls again for as long as a signal comes in between.
fn retry<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            outcome => return outcome,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_a_signal_interrupts_is_made_again() {
        let mut calls = 0;
        let outcome = retry(|| {
            calls += 1;
            if calls < 3 { Err(io::ErrorKind::Interrupted.into()) } else { Ok(calls) }
        });
        assert_eq!(outcome.unwrap(), 3);
        assert_eq!(
            retry(|| count(-1).map_err(|_| io::ErrorKind::WouldBlock.into())).unwrap_err().kind(),
            io::ErrorKind::WouldBlock
        );
    }
}
