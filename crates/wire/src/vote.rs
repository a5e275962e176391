//! The vote packet: "are your Merkle roots the same as mine?"
//!
//! It travels by UDP only, without header and without authentication.
//!
//! Source: protocol §6.1

use core::fmt;

use subtle::{Choice, ConstantTimeEq};

use crate::octets::put;

/// The size of a question, in octets.
pub const REQUEST_LEN: usize = 497;
/// The size of an answer, in octets.
pub const ANSWER_LEN: usize = 17;
/// Fifteen roots of 32 octets, denominations ascending from -8 to 6. A denomination without a tree counts as zeros.
pub const ROOTS_LEN: usize = 480;
/// The size of the nonce, in octets.
pub const NONCE_LEN: usize = 16;

/// The first octet of every question.
const MARK: u8 = 7;

/// One question, borrowed. Holding it proves that the datagram is a vote packet.
#[derive(Clone, Copy, Debug)]
pub struct Request<'d> {
    roots: &'d [u8; ROOTS_LEN],
    nonce: &'d [u8; NONCE_LEN],
}

impl<'d> Request<'d> {
    /// `None` unless the datagram has 497 octets and begins with 7: then it is an ordinary request.
    #[must_use]
    pub fn parse(datagram: &'d [u8]) -> Option<Self> {
        let (&MARK, rest) = datagram.split_first()? else { return None };
        let (roots, nonce) = rest.split_first_chunk()?;
        Some(Self { roots, nonce: nonce.try_into().ok()? })
    }

    /// The asker's roots.
    #[must_use]
    pub const fn roots(&self) -> &'d [u8; ROOTS_LEN] {
        self.roots
    }

    /// The asker's nonce.
    #[must_use]
    pub const fn nonce(&self) -> &'d [u8; NONCE_LEN] {
        self.nonce
    }
}

/// Builds a question.
pub fn ask(roots: &[u8; ROOTS_LEN], nonce: &[u8; NONCE_LEN], out: &mut [u8; REQUEST_LEN]) {
    put::<0, _, _>(out, [MARK]);
    put::<1, _, _>(out, *roots);
    put::<{ 1 + ROOTS_LEN }, _, _>(out, *nonce);
}

/// Answers a question: 1 if all 480 octets are the same, else 0. Takes the same time wherever they differ.
#[must_use]
pub fn answer(request: &Request<'_>, local_roots: &[u8; ROOTS_LEN]) -> [u8; ANSWER_LEN] {
    let mut out = [0; ANSWER_LEN];
    let vote = are_equal(request.roots, local_roots).unwrap_u8();
    put::<0, _, _>(&mut out, [vote]);
    put::<1, _, _>(&mut out, *request.nonce);
    out
}

/// Compares words, not octets: octet by octet takes longer than all the rest of an answer.
fn are_equal(one: &[u8; ROOTS_LEN], other: &[u8; ROOTS_LEN]) -> Choice {
    let word = |octets: &[u8; 8]| u64::from_be_bytes(*octets);
    let pairs = one.as_chunks().0.iter().zip(other.as_chunks().0);
    pairs.fold(0, |difference, (one, other)| difference | (word(one) ^ word(other))).ct_eq(&0)
}

/// Reads an answer: whether the peer's roots are the same. The caller has checked that it came from the peer it asked.
///
/// # Errors
/// When it does not have 17 octets, carries another nonce, or votes neither 0 nor 1.
pub fn read(datagram: &[u8], nonce: &[u8; NONCE_LEN]) -> Result<bool, AnswerError> {
    let octets: &[u8; ANSWER_LEN] = datagram.try_into().map_err(|_| AnswerError::Length(datagram.len()))?;
    let [vote, returned @ ..] = octets;
    if !bool::from(returned.ct_eq(nonce)) {
        return Err(AnswerError::Nonce);
    }
    match vote {
        0 => Ok(false),
        1 => Ok(true),
        other => Err(AnswerError::Vote(*other)),
    }
}

/// Why a datagram is not the answer to a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerError {
    /// Not 17 octets, but so many.
    Length(usize),
    /// It carries another nonce than the question.
    Nonce,
    /// It votes neither 0 nor 1.
    Vote(u8),
}

impl fmt::Display for AnswerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length(found) => write!(f, "answer has {found} octets, expected {ANSWER_LEN}"),
            Self::Nonce => f.write_str("answer carries another nonce than the question"),
            Self::Vote(found) => write!(f, "vote is {found}, expected 0 or 1"),
        }
    }
}

impl core::error::Error for AnswerError {}
