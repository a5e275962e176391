//! What the driver of a connection does next.

use core::fmt;
use core::ops::Range;

use raida_wire::{Head, Refusal};

use crate::close_reason::CloseReason;

/// What to do next. Every step but `Wait` and `Close` is done once and answered once.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub enum Step<B> {
    /// Start one receive. Answer with `received`, `ended` or `failed`.
    Receive,
    /// Serve this request. Answer with `responded`. Nothing is received meanwhile.
    Process {
        /// The judged header; its key is admitted and its length checked.
        head: Head,
        /// Header and body, exactly `head.request_len()` octets.
        request: Octets<B>,
    },
    /// Write this refusal as the response. Answer with `responded`.
    Refuse(Refusal),
    /// Send this range of the response. Answer with `sent` or `failed`.
    Send(Range<usize>),
    /// Shut down the sending side and start one receive. What comes is handed to `received`, which discards it.
    Linger,
    /// Close. Nothing follows; where [`CloseReason::reset`] says so, drop what is unsent (`SO_LINGER` 0).
    Close(CloseReason),
    /// Nothing new: what is in flight goes on.
    Wait,
}

/// Where a whole request lies. `Debug` does not show the octets, which may hold secrets.
#[derive(PartialEq, Eq)]
pub enum Octets<B> {
    /// In this range of the input that was just handed in.
    Input(Range<usize>),
    /// In the first so many octets of this buffer, which now belongs to the driver.
    Stored(B, usize),
}

impl<B: AsMut<[u8]>> Octets<B> {
    /// The request itself. `input` is the slice that was just handed in; it does not matter for a stored request.
    ///
    /// Empty if `input` is another, shorter slice.
    pub fn get_mut<'a>(&'a mut self, input: &'a mut [u8]) -> &'a mut [u8] {
        match self {
            Self::Input(range) => input.get_mut(range.clone()),
            Self::Stored(buffer, len) => buffer.as_mut().get_mut(..*len),
        }
        .unwrap_or_default()
    }
}

impl<B> fmt::Debug for Octets<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input(range) => f.debug_tuple("Input").field(range).finish(),
            Self::Stored(_, len) => f.debug_tuple("Stored").field(len).finish(),
        }
    }
}
