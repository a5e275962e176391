//! Sealing the answer to a request.

use core::fmt;
use core::ops::Range;

use zeroize::Zeroize;

use crate::TRAILER;
use crate::cipher::CipherKey;
use crate::head::Head;
use crate::header::{Keying, LONG};
use crate::octets::field;
use crate::response::{BODY_SIZE_MAX, Form, Header, nonce_field};
use crate::status::Status;

/// How many octets a response buffer keeps free in front of its payload, for the header.
pub const HEADROOM: usize = LONG;
/// How many octets a response buffer must have behind its payload, for the HMAC and the trailer.
pub const TAILROOM: usize = 34;

/// What sealing an answer takes: the request's head, the key, and the signature.
///
/// Made by [`open`](crate::open) alone, so holding one proves that the envelope of the request was right. `Debug` shows
/// neither key nor signature; both are wiped from memory when it is dropped.
pub struct Session {
    head: Head,
    key: CipherKey,
    signature: [u8; 16],
}

impl Session {
    /// Seals a response in place and returns where in `buf` it lies.
    ///
    /// The clear payload is `buf[HEADROOM..HEADROOM + payload_len]`. It is encrypted where it stands, HMAC and trailer
    /// go behind it, and the header right in front, so `buf` needs [`HEADROOM`] octets, the payload, and [`TAILROOM`]
    /// octets more if there is a payload. `random` goes into the nonce of a long header; it must be fresh.
    ///
    /// A payload for which there is no room in `buf`, or that is too long for the 24-bit size field, is left out and
    /// the status becomes 252: that is a defect of the caller. A `buf` shorter than [`HEADROOM`] gives an empty range.
    ///
    /// Source: protocol §1.7, §1.8, §1.9, §2
    pub fn seal(
        &self,
        buf: &mut [u8],
        payload_len: usize,
        status: Status,
        raida_id: u8,
        elapsed_us: u32,
        random: &[u8; 24],
    ) -> Range<usize> {
        let Some((headroom, rest)) = buf.split_first_chunk_mut::<HEADROOM>() else { return 0..0 };
        let (form, iv) = self.form(random);
        let sealed = self.seal_body(rest, payload_len, &iv);
        let (status, body_size) = sealed.map_or((Status::INTERNAL, 0), |body_size| (status, body_size));
        let group = self.head.command().group;
        let header = Header { raida_id, status, group, elapsed_us, body_size, form };
        let mut octets = [0; LONG];
        let len = header.emit(&mut octets);
        let start = HEADROOM - len;
        if let (Some(to), Some(from)) = (headroom.get_mut(start..), octets.get(..len)) {
            to.copy_from_slice(from);
        }
        start..HEADROOM + body_size as usize
    }

    /// Puts a body that [`open`](crate::open) has opened back to how it came. Who can not answer at once hands the octets
    /// on as they were.
    pub fn close(&self, body: &mut [u8]) {
        let clear = self.head.encryption().response_overhead();
        if let Some((sealed, _)) = body.len().checked_sub(clear).and_then(|sealed| body.split_at_mut_checked(sealed)) {
            self.key.apply(&self.head.header().keying.iv(), sealed);
        }
    }

    /// The size of the whole response with a payload of this length, header included, before it is built.
    #[must_use]
    pub const fn sealed_len(&self, payload_len: usize) -> usize {
        self.head.header_len() + self.body_size(payload_len)
    }

    /// The head of the request.
    #[must_use]
    pub const fn head(&self) -> &Head {
        &self.head
    }

    /// Whether the peer proved a secret: types 1, 2, 4 and 5.
    #[must_use]
    pub const fn is_authenticated(&self) -> bool {
        !matches!(self.key, CipherKey::Clear)
    }

    /// What the response carries as signature. Zero for types 4 and 5, which have none, and for a request without body.
    #[must_use]
    pub const fn signature(&self) -> &[u8; 16] {
        &self.signature
    }

    /// The key of the envelope.
    #[must_use]
    pub const fn key(&self) -> &CipherKey {
        &self.key
    }

    pub(crate) const fn new(head: Head, key: CipherKey, signature: [u8; 16]) -> Self {
        Self { head, key, signature }
    }

    /// The varying part of the header, and where the cipher's counter starts. Types 1 and 2 start again at the
    /// request's IV; types 4 and 5 start at the nonce that the response carries.
    fn form(&self, random: &[u8; 24]) -> (Form, [u8; 16]) {
        let echo = self.head.echo();
        let keying = self.head.header().keying;
        let (key, second) = match keying {
            Keying::None { .. } | Keying::Coin { .. } | Keying::Locker { .. } => {
                return (Form::Short { echo, signature: self.signature }, keying.iv());
            }
            Keying::Coin256 { coin, .. } => (coin, None),
            Keying::TwoCoins { first, second, .. } => (first, Some(second)),
        };
        let nonce = nonce_field(second, echo, random);
        let encryption_code = self.head.encryption().code();
        (Form::Long { encryption_code, key, nonce }, field::<0, _, _>(&nonce))
    }

    /// Seals the body at the front of `rest` and returns its size; `None` if it does not fit.
    fn seal_body(&self, rest: &mut [u8], payload_len: usize, iv: &[u8; 16]) -> Option<u32> {
        let size = self.body_size(payload_len);
        let announced = u32::try_from(size).ok().filter(|size| *size <= BODY_SIZE_MAX)?;
        let (payload, behind) = rest.get_mut(..size)?.split_at_mut_checked(payload_len)?;
        self.key.apply(iv, payload);
        if let Some((mac, trailer)) = behind.split_first_chunk_mut::<32>() {
            *mac = self.key.mac(payload);
            trailer.copy_from_slice(&TRAILER);
        } else if let Some(trailer) = behind.first_chunk_mut() {
            *trailer = TRAILER;
        }
        Some(announced)
    }

    /// No payload means no body at all.
    const fn body_size(&self, payload_len: usize) -> usize {
        if payload_len == 0 { 0 } else { payload_len.saturating_add(self.head.encryption().response_overhead()) }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.signature.zeroize();
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("head", &self.head).finish_non_exhaustive()
    }
}
