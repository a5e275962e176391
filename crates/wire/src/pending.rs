//! The client's side: reading responses.

use core::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroize;

use crate::TRAILER;
use crate::cipher::CipherKey;
use crate::header::{LONG, SHORT};
use crate::octets::field;
use crate::response::{Form, Header};
use crate::status::Status;

/// A request that waits for its answer: what reading the answer takes.
///
/// `Debug` shows neither key nor signature; both are wiped from memory when it is dropped.
pub struct Pending {
    raida_id: u8,
    echo: [u8; 2],
    iv: [u8; 16],
    key: CipherKey,
    signature: [u8; 16],
}

/// An answer that belongs to the request, decrypted in place. `Debug` shows no octet of the payload.
#[derive(PartialEq, Eq)]
pub struct Response<'b> {
    /// How the request fared.
    pub status: Status,
    /// The request's command group, or 0 if it was not accepted.
    pub group: u8,
    /// How long the node took, in microseconds.
    pub elapsed_us: u32,
    /// The header as it came.
    pub header: Header,
    /// Whether signature or HMAC show that the node knew the key. Nothing shows it for errors decided before the body
    /// was opened, for long responses without body, and for requests without body.
    pub is_verified: bool,
    /// The clear payload.
    pub payload: &'b mut [u8],
}

impl Pending {
    /// For types 0, 1 and 2, from the parts that were sent. `key` is the authenticity number or locker key, `None` for
    /// type 0; the last two octets of `nonce` are the echo.
    #[must_use]
    pub fn short(raida_id: u8, key: Option<&[u8; 16]>, nonce: &[u8; 8], challenge: [u8; 16]) -> Self {
        let key = key.map_or(CipherKey::Clear, |key| CipherKey::Aes128(*key));
        let [a, b, c, d, e, f, g, h] = *nonce;
        let signature = key.signature(challenge);
        Self::new(raida_id, [g, h], [a, b, c, d, e, f, g, h, 0, 0, 0, 0, 0, 0, 0, 0], key, signature)
    }

    /// For types 4 and 5, from the parts that were sent. `key` is the AES-256 key.
    #[must_use]
    pub fn long(raida_id: u8, key: &[u8; 32], nonce: &[u8; 24]) -> Self {
        let echo = field::<22, _, _>(nonce);
        Self::new(raida_id, echo, field::<0, _, _>(nonce), CipherKey::Aes256(*key), [0; 16])
    }

    pub(crate) const fn new(raida_id: u8, echo: [u8; 2], iv: [u8; 16], key: CipherKey, signature: [u8; 16]) -> Self {
        Self { raida_id, echo, iv, key, signature }
    }

    /// How many octets the response has, or how many are needed at least to know more. Once `octets` holds that many,
    /// ask again: the response is whole when the answer stays the same.
    ///
    /// A short header may answer a long request; its status tells.
    ///
    /// Source: protocol §1.8
    #[must_use]
    pub fn response_len(&self, octets: &[u8]) -> usize {
        match self.split(octets) {
            Some((header, _)) => self.header_len(header.status).saturating_add(header.body_size as usize),
            None => octets.get(2).map_or(SHORT, |status| self.header_len(Status(*status))),
        }
    }

    /// Verifies a response and decrypts it in place. Octets behind it are ignored.
    ///
    /// The signature may be zero only where the node can not have one: in errors without body, and in the answer to a
    /// request without body.
    ///
    /// # Errors
    /// The first of these that is wrong: size of the header, node, echo, signature, body size, what has arrived of the
    /// body, trailer, HMAC.
    ///
    /// Source: protocol §1.7, §1.8, §1.9, §2
    pub fn read<'b>(&self, octets: &'b mut [u8]) -> Result<Response<'b>, ResponseError> {
        let needed = self.response_len(octets);
        let found = octets.len();
        let truncated = ResponseError::Truncated { found, needed };
        let (header, body) = self.split_mut(octets).ok_or(truncated)?;
        if header.raida_id != self.raida_id {
            return Err(ResponseError::Raida { found: header.raida_id, expected: self.raida_id });
        }
        let is_signed = self.check_form(&header)?;
        let (payload, is_verified) = match self.body(&header, body, truncated)? {
            Some(payload) => (payload, is_signed || self.is_long()),
            None => (&mut [][..], is_signed),
        };
        let Header { status, group, elapsed_us, .. } = header;
        Ok(Response { status, group, elapsed_us, header, is_verified, payload })
    }

    /// Echo and signature. `true` when there is a signature and it is right.
    fn check_form(&self, header: &Header) -> Result<bool, ResponseError> {
        match header.form {
            Form::Short { echo, signature } => {
                if echo != self.echo && !(header.status.is_early() && echo == [0; 2]) {
                    return Err(ResponseError::Echo);
                }
                if !self.is_long() && bool::from(signature.ct_eq(&self.signature)) {
                    return Ok(self.signature != [0; 16]);
                }
                let may_be_zero = header.body_size == 0 && !header.status.is_result();
                if signature == [0; 16] && may_be_zero { Ok(false) } else { Err(ResponseError::Signature) }
            }
            Form::Long { nonce, .. } => {
                let echo: [u8; 2] = field::<22, _, _>(&nonce);
                let is_unknown_type = header.status == Status::INVALID_ENCRYPTION_CODE && echo == [0; 2];
                if echo == self.echo || is_unknown_type { Ok(false) } else { Err(ResponseError::Echo) }
            }
        }
    }

    /// The clear payload; `None` for a response without body. `truncated` is what to say if it has not all arrived.
    fn body<'b>(
        &self,
        header: &Header,
        body: &'b mut [u8],
        truncated: ResponseError,
    ) -> Result<Option<&'b mut [u8]>, ResponseError> {
        let size = header.body_size as usize;
        let (iv, overhead) = match header.form {
            Form::Short { .. } => (self.iv, 2),
            Form::Long { nonce, .. } => (field::<0, _, _>(&nonce), 34),
        };
        if size == 0 {
            return Ok(None);
        }
        if size <= overhead {
            return Err(ResponseError::Length(header.body_size));
        }
        let whole = body.get_mut(..size).ok_or(truncated)?;
        let Some((sealed, &mut TRAILER)) = whole.split_last_chunk_mut() else {
            return Err(ResponseError::Terminator);
        };
        let payload = match header.form {
            Form::Short { .. } => sealed,
            Form::Long { .. } => match sealed.split_last_chunk_mut() {
                Some((ciphertext, mac)) if self.key.verifies(ciphertext, mac) => ciphertext,
                Some(_) | None => return Err(ResponseError::Hmac),
            },
        };
        self.key.apply(&iv, payload);
        Ok(Some(payload))
    }

    fn split<'b>(&self, octets: &'b [u8]) -> Option<(Header, &'b [u8])> {
        let status = Status(*octets.get(2)?);
        if self.header_len(status) == LONG {
            octets.split_first_chunk().map(|(header, body)| (Header::parse_long(header), body))
        } else {
            octets.split_first_chunk().map(|(header, body)| (Header::parse_short(header), body))
        }
    }

    fn split_mut<'b>(&self, octets: &'b mut [u8]) -> Option<(Header, &'b mut [u8])> {
        let (header, body) = self.split(octets)?;
        let start = octets.len() - body.len();
        octets.get_mut(start..).map(|body| (header, body))
    }

    const fn header_len(&self, status: Status) -> usize {
        if self.is_long() && !status.is_early() { LONG } else { SHORT }
    }

    const fn is_long(&self) -> bool {
        matches!(self.key, CipherKey::Aes256(_))
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.signature.zeroize();
    }
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending").field("raida_id", &self.raida_id).field("echo", &self.echo).finish_non_exhaustive()
    }
}

impl fmt::Debug for Response<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("group", &self.group)
            .field("elapsed_us", &self.elapsed_us)
            .field("is_verified", &self.is_verified)
            .field("payload_len", &self.payload.len())
            .finish_non_exhaustive()
    }
}

/// Why octets are not the answer to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseError {
    /// The response ends too early.
    Truncated {
        /// How many octets arrived.
        found: usize,
        /// How many it must have at least.
        needed: usize,
    },
    /// Another node answered.
    Raida {
        /// Which one.
        found: u8,
        /// Which one was asked.
        expected: u8,
    },
    /// It answers another request.
    Echo,
    /// The signature is not the one that the challenge and the key give.
    Signature,
    /// The body, of the announced size, has no room for a payload.
    Length(u32),
    /// The trailer is missing.
    Terminator,
    /// The HMAC does not check.
    Hmac,
}

impl ResponseError {
    /// One word for logs and tables.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Truncated { .. } => "truncated",
            Self::Raida { .. } => "raida",
            Self::Echo => "echo",
            Self::Signature => "signature",
            Self::Length(_) => "length",
            Self::Terminator => "terminator",
            Self::Hmac => "hmac",
        }
    }
}

impl fmt::Display for ResponseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated { found, needed } => {
                write!(f, "response ends after {found} octets, expected at least {needed}")
            }
            Self::Raida { found, expected } => write!(f, "node {found} answered, expected {expected}"),
            Self::Echo => f.write_str("response carries another echo than the request"),
            Self::Signature => f.write_str("response carries another signature than challenge and key give"),
            Self::Length(found) => write!(f, "response announces a body of {found} octets, expected none or a payload"),
            Self::Terminator => f.write_str("response does not end with 3E 3E"),
            Self::Hmac => f.write_str("response carries another HMAC than its ciphertext and the key give"),
        }
    }
}

impl core::error::Error for ResponseError {}
