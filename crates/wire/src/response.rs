//! The response header, both sizes.

use crate::coin::RawCoinId;
use crate::header::{LONG, SHORT};
use crate::octets::{field, put};
use crate::status::Status;

/// The frame count of a short header: always one.
pub const FRAME_COUNT: u16 = 1;
/// The largest body that the 24-bit size field can announce, in octets.
pub const BODY_SIZE_MAX: u32 = 0x00FF_FFFF;

/// A response header as a value.
///
/// Source: protocol §1.7, §1.8
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The node that answers.
    pub raida_id: u8,
    /// How the request fared.
    pub status: Status,
    /// The request's command group, or 0 if it was not accepted.
    pub group: u8,
    /// How long the node took, in microseconds.
    pub elapsed_us: u32,
    /// How many octets follow the header, trailer included. The field has 24 bits.
    pub body_size: u32,
    /// What differs between the two sizes.
    pub form: Form,
}

/// What differs between the two sizes of a response header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// 32 octets: types 0, 1, 2 and early errors.
    Short {
        /// The request's echo, or zero if its encryption type was not accepted.
        echo: [u8; 2],
        /// The challenge, XOR the key if there is one; zero until the challenge has been verified.
        signature: [u8; 16],
    },
    /// 48 octets: types 4 and 5, and status 27.
    Long {
        /// Octet 16 of the request, also when it is what was rejected.
        encryption_code: u8,
        /// The request's first key coin, or zero with status 27.
        key: RawCoinId,
        /// The IV of the body in the first sixteen octets, the echo in the last two.
        nonce: [u8; 24],
    },
}

impl Header {
    /// Writes the header to the front of `out` and returns its size, 32 or 48. What lies behind a short header becomes
    /// zero. A body size of more than 24 bits loses the upper ones.
    pub fn emit(&self, out: &mut [u8; LONG]) -> usize {
        *out = [0; LONG];
        put::<0, _, _>(out, [self.raida_id, 0, self.status.0, self.group]);
        let [_, size @ ..] = self.body_size.to_be_bytes();
        put::<9, _, _>(out, size);
        match self.form {
            Form::Short { echo, signature } => {
                put::<4, _, _>(out, FRAME_COUNT.to_be_bytes());
                put::<6, _, _>(out, echo);
                put::<12, _, _>(out, self.elapsed_us.to_be_bytes());
                put::<16, _, _>(out, signature);
                SHORT
            }
            Form::Long { encryption_code, key, nonce } => {
                put::<4, _, _>(out, self.elapsed_us.to_be_bytes());
                put::<16, _, _>(out, [encryption_code]);
                put::<17, _, _>(out, key.0);
                put::<24, _, _>(out, nonce);
                LONG
            }
        }
    }

    /// Reads a short header.
    #[must_use]
    pub fn parse_short(octets: &[u8; SHORT]) -> Self {
        let form = Form::Short { echo: field::<6, _, _>(octets), signature: field::<16, _, _>(octets) };
        Self::parse(octets, u32::from_be_bytes(field::<12, _, _>(octets)), form)
    }

    /// Reads a long header.
    #[must_use]
    pub fn parse_long(octets: &[u8; LONG]) -> Self {
        let form = Form::Long {
            encryption_code: octets[16],
            key: RawCoinId(field::<17, _, _>(octets)),
            nonce: field::<24, _, _>(octets),
        };
        Self::parse(octets, u32::from_be_bytes(field::<4, _, _>(octets)), form)
    }

    /// What stands at the same place in both sizes, and what does not.
    fn parse<const LEN: usize>(octets: &[u8; LEN], elapsed_us: u32, form: Form) -> Self {
        let [raida_id, _shard, status, group] = field::<0, 4, _>(octets);
        let [a, b, c] = field::<9, 3, _>(octets);
        let body_size = u32::from_be_bytes([0, a, b, c]);
        Self { raida_id, status: Status(status), group, elapsed_us, body_size, form }
    }
}

/// The nonce field of a long header: random, with the second coin's name (type 5) in front and the echo behind.
///
/// Source: protocol §1.8
pub(crate) fn nonce_field(second: Option<RawCoinId>, echo: [u8; 2], random: &[u8; 24]) -> [u8; 24] {
    let mut nonce = *random;
    if let Some(coin) = second {
        put::<0, _, _>(&mut nonce, coin.0);
    }
    put::<22, _, _>(&mut nonce, echo);
    nonce
}
