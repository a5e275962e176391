//! Refusals: the answers to requests that no command ever sees.

use crate::coin::RawCoinId;
use crate::header::{self, HeaderError, Keying, LONG, View};
use crate::response::{Form, Header, nonce_field};
use crate::status::Status;

/// An error answer: the status and exactly what had been parsed when the check failed. Everything else is zero.
///
/// Source: protocol §3.2
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    status: Status,
    group: u8,
    shape: Shape,
}

/// Which header the answer has, and the parsed fields that come back in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Short { echo: [u8; 2] },
    Long { encryption_code: u8, key: RawCoinId, second: Option<RawCoinId>, echo: [u8; 2] },
}

impl Refusal {
    /// Writes the response, a header alone, to the front of `out` and returns its size, 32 or 48.
    ///
    /// `random` goes into the nonce field of a long header and is not used for a short one.
    pub fn write(&self, out: &mut [u8; LONG], raida_id: u8, elapsed_us: u32, random: &[u8; 24]) -> usize {
        let form = match self.shape {
            Shape::Short { echo } => Form::Short { echo, signature: [0; 16] },
            Shape::Long { encryption_code, key, second, echo } => {
                Form::Long { encryption_code, key, nonce: nonce_field(second, echo, random) }
            }
        };
        Header { raida_id, status: self.status, group: self.group, elapsed_us, body_size: 0, form }.emit(out)
    }

    /// The status that the client is told.
    #[must_use]
    pub const fn status(&self) -> Status {
        self.status
    }

    /// Checks 2 to 9: hardly anything has been accepted yet.
    pub(crate) fn of_header(error: HeaderError, view: &View<'_>) -> Self {
        let accepted_group = view.command().group;
        let short = Shape::Short { echo: [0; 2] };
        let (group, shape) = match error {
            HeaderError::Version(_)
            | HeaderError::SplitId(_)
            | HeaderError::RaidaId { .. }
            | HeaderError::Group(_)
            | HeaderError::Shard(_)
            | HeaderError::Command(_) => (0, short),
            HeaderError::CoinId { .. } => (accepted_group, short),
            HeaderError::Encryption(encryption_code) => {
                (accepted_group, Shape::Long { encryption_code, key: RawCoinId::default(), second: None, echo: [0; 2] })
            }
        };
        Self { status: error.status(), group, shape }
    }

    /// Check 10 and everything behind it: the header has been accepted.
    pub(crate) fn of_head(status: Status, header: &header::Header) -> Self {
        let echo = header.keying.echo();
        let encryption_code = header.encryption().code();
        let shape = match header.keying {
            Keying::None { .. } | Keying::Coin { .. } | Keying::Locker { .. } => Shape::Short { echo },
            Keying::Coin256 { coin: key, .. } => Shape::Long { encryption_code, key, second: None, echo },
            Keying::TwoCoins { first: key, second, .. } => {
                Shape::Long { encryption_code, key, second: Some(second), echo }
            }
        };
        Self { status, group: header.command.group, shape }
    }
}
