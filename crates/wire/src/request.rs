//! The client's side: building requests.

use core::fmt;

use crate::TRAILER;
use crate::challenge::Challenge;
use crate::cipher::CipherKey;
use crate::coin::CoinId;
use crate::command::Command;
use crate::header::{Header, Keying, LONG, PRESENTATION};
use crate::octets::put;
use crate::pending::Pending;
use crate::secret::AuthenticityNumber;

/// Whom a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// The node, 0 to 24.
    pub raida_id: u8,
    /// The coin network; 6 on the live network.
    pub coin_id: u16,
    /// 0 to 3; 0 unless the command is Detect.
    pub shard: u8,
}

/// Who asks: the type of the envelope and the secrets that go into it. Challenges and nonces must be random.
#[derive(Clone, Copy, Debug)]
pub enum Sender<'k> {
    /// Type 0: in clear.
    Nobody {
        /// Comes back in the response.
        echo: [u8; 2],
        /// Comes back as the signature.
        challenge: Challenge,
    },
    /// Type 1: AES-128 under a coin's authenticity number.
    Coin {
        /// The key coin.
        coin: CoinId,
        /// Its authenticity number.
        number: &'k AuthenticityNumber,
        /// Where the counter starts.
        nonce: [u8; 8],
        /// Shows that the key was right.
        challenge: Challenge,
    },
    /// Type 2: AES-128 under a locker key.
    Locker {
        /// The whole locker key.
        key: &'k AuthenticityNumber,
        /// Where the counter starts.
        nonce: [u8; 8],
        /// Shows that the key was right.
        challenge: Challenge,
    },
    /// Type 4: AES-256 and HMAC under a coin's authenticity number.
    Coin256 {
        /// The key coin.
        coin: CoinId,
        /// Its authenticity number.
        number: &'k AuthenticityNumber,
        /// The first sixteen octets are where the counter starts.
        nonce: [u8; 24],
    },
    /// Type 5: AES-256 and HMAC under two coins' authenticity numbers.
    TwoCoins {
        /// The first key coin and its authenticity number.
        first: (CoinId, &'k AuthenticityNumber),
        /// The second key coin and its authenticity number.
        second: (CoinId, &'k AuthenticityNumber),
        /// Nonce octets 5 to 23; the first five are the second coin's name.
        nonce: [u8; 19],
    },
}

/// A request, ready to be written.
///
/// ```
/// use raida_wire::{Challenge, Command, Recipient, Request, Sender};
///
/// let recipient = Recipient { raida_id: 14, coin_id: 6, shard: 0 };
/// let challenge = Challenge::new([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
/// let sender = Sender::Nobody { echo: [0xAA, 0xBB], challenge };
/// let request = Request::new(recipient, Command::ECHO, sender);
/// let mut octets = [0; 50];
/// let (length, _pending) = request.build(&mut octets, b"")?;
/// assert_eq!(length, 50);
/// assert_eq!(octets[44..], [0x92, 0x70, 0xC9, 0x65, 0x3E, 0x3E]);
/// # Ok::<(), raida_wire::BuildError>(())
/// ```
///
/// Source: protocol §1.2, §1.6, appendix A
#[derive(Debug)]
pub struct Request {
    header: Header,
    key: CipherKey,
    /// In front of the payload; types 4 and 5 have none.
    challenge: Option<Challenge>,
}

impl Request {
    /// A request of one command to one node.
    #[must_use]
    pub fn new(recipient: Recipient, command: Command, sender: Sender<'_>) -> Self {
        let (keying, key, challenge) = match sender {
            Sender::Nobody { echo, challenge } => (Keying::None { echo }, CipherKey::Clear, Some(challenge)),
            Sender::Coin { coin, number, nonce, challenge } => {
                (Keying::Coin { coin: coin.raw(), nonce }, CipherKey::plain(number), Some(challenge))
            }
            Sender::Locker { key, nonce, challenge } => {
                (Keying::Locker { prefix: key.locker_prefix(), nonce }, CipherKey::plain(key), Some(challenge))
            }
            Sender::Coin256 { coin, number, nonce } => {
                (Keying::Coin256 { coin: coin.raw(), nonce }, CipherKey::coin256(number), None)
            }
            Sender::TwoCoins { first: (first, first_number), second: (second, second_number), nonce } => (
                Keying::TwoCoins { first: first.raw(), second: second.raw(), nonce },
                CipherKey::two_coins(first_number, second_number),
                None,
            ),
        };
        let Recipient { raida_id, coin_id, shard } = recipient;
        let header = Header { raida_id, shard, command, coin_id, presentation: PRESENTATION, body_len: 0, keying };
        Self { header, key, challenge }
    }

    /// Puts other octets into the presentation field, which nodes ignore.
    #[must_use]
    pub const fn with_presentation(mut self, presentation: [u8; 8]) -> Self {
        self.header.presentation = presentation;
        self
    }

    /// The size of the whole request with a payload of this length, header included.
    #[must_use]
    pub const fn built_len(&self, payload_len: usize) -> usize {
        self.header.len() + self.body_len(payload_len)
    }

    /// Writes the request to the front of `out`. Gives its size and what reading the answer takes.
    ///
    /// # Errors
    /// When the body would be longer than 65,535 octets, or the request longer than `out`. Then nothing is written.
    pub fn build(&self, out: &mut [u8], payload: &[u8]) -> Result<(usize, Pending), BuildError> {
        let body_len = self.body_len(payload.len());
        let header = Header {
            body_len: u16::try_from(body_len).map_err(|_| BuildError::Payload(payload.len()))?,
            ..self.header
        };
        let needed = self.built_len(payload.len());
        let found = out.len();
        let request = out.get_mut(..needed).ok_or(BuildError::Room { found, needed })?;
        let mut octets = [0; LONG];
        let (head, body) = request.split_at_mut(header.emit(&mut octets));
        copy(head, &octets);
        self.write_body(body, payload);
        Ok((needed, self.pending(self.challenge)))
    }

    /// Writes the request without any body to the front of `out`. Gives its size and what reading the answer takes.
    ///
    /// Nodes answer that for type 0 Echo, Version and Audit; everything else they refuse with 36.
    ///
    /// Source: protocol §3.3
    pub fn build_bodyless(&self, out: &mut [u8; LONG]) -> (usize, Pending) {
        (self.header.emit(out), self.pending(None))
    }

    /// Fills exactly the body: the prefix, the payload, what goes behind it; then encrypts.
    fn write_body(&self, body: &mut [u8], payload: &[u8]) {
        let iv = self.header.keying.iv();
        if let Some(challenge) = &self.challenge {
            let Some((sealed, trailer)) = body.split_last_chunk_mut() else { return };
            *trailer = TRAILER;
            if let Some((front, rest)) = sealed.split_first_chunk_mut() {
                *front = *challenge.octets();
                copy(rest, payload);
            }
            self.key.apply(&iv, sealed);
        } else if let Some((sealed, end)) = body.split_last_chunk_mut::<34>() {
            copy(sealed, payload);
            self.key.apply(&iv, sealed);
            put::<0, _, _>(end, self.key.mac(sealed));
            put::<32, _, _>(end, TRAILER);
        }
    }

    fn pending(&self, challenge: Option<Challenge>) -> Pending {
        let signature = challenge.map_or([0; 16], |challenge| self.key.signature(*challenge.octets()));
        Pending::new(
            self.header.raida_id,
            self.header.keying.echo(),
            self.header.keying.iv(),
            self.key.clone(),
            signature,
        )
    }

    const fn body_len(&self, payload_len: usize) -> usize {
        payload_len.saturating_add(self.header.encryption().request_overhead())
    }
}

/// Copies as much of `from` as `to` holds.
fn copy(to: &mut [u8], from: &[u8]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
}

/// Why a request was not built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BuildError {
    /// The payload, of so many octets, makes the body longer than 65,535.
    Payload(usize),
    /// The buffer is too short.
    Room {
        /// What it has, in octets.
        found: usize,
        /// What the request takes, in octets.
        needed: usize,
    },
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Payload(found) => write!(f, "payload of {found} octets makes the body longer than 65535"),
            Self::Room { found, needed } => write!(f, "buffer has {found} octets, the request takes {needed}"),
        }
    }
}

impl core::error::Error for BuildError {}
