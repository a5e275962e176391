//! A question as octets, and what recognises its answer.

use std::time::Duration;

use raida_wire::{Pending, Recipient, Request, ResponseError, SHORT, Status};
use zeroize::Zeroizing;

use crate::answer::{Reply, Trip};
use crate::error::Trouble;
use crate::question::Question;
use crate::target::Target;
use crate::udp::Verdict;

/// No datagram is padded beyond this: the node would not send more either.
///
/// Source: protocol §1.12
pub(crate) const UDP_PAYLOAD_LIMIT: usize = 1440;

/// One request, built once: an attempt that repeats it sends the same octets, so that a late answer still fits.
pub(crate) struct Letter {
    /// The request, and behind it the padding of the datagram.
    octets: Zeroizing<Vec<u8>>,
    request_len: usize,
    pending: Pending,
    pub(crate) is_repeatable: bool,
}

impl Letter {
    pub(crate) fn write(target: &Target, question: &Question) -> Result<Self, Trouble> {
        let recipient = Recipient { raida_id: target.raida_id, coin_id: target.coin_id, shard: 0 };
        let request = Request::new(recipient, question.command(), target.envelope.sender()?);
        let needed = request.built_len(question.payload().len());
        let padded = answer_len(target, question).min(UDP_PAYLOAD_LIMIT);
        let mut octets = Zeroizing::new(vec![0; needed.max(padded)]);
        let (request_len, pending) = request.build(&mut octets, question.payload())?;
        Ok(Self { octets, request_len, pending, is_repeatable: question.is_repeatable() })
    }

    /// What goes into a connection.
    pub(crate) fn request(&self) -> &[u8] {
        self.octets.get(..self.request_len).unwrap_or_default()
    }

    /// What goes into a datagram: the request, with what makes room for the answer behind it.
    pub(crate) fn datagram(&self) -> &[u8] {
        &self.octets
    }

    /// How many octets the answer has at least, seen what has arrived of it.
    pub(crate) fn answer_len(&self, octets: &[u8]) -> usize {
        self.pending.response_len(octets)
    }

    /// Verifies what came through a connection.
    pub(crate) fn read(&self, octets: &mut [u8], trip: Trip) -> Result<Reply, ResponseError> {
        let response = self.pending.read(octets)?;
        Ok(Reply {
            status: response.status,
            is_verified: response.is_verified,
            payload: response.payload.to_vec(),
            trip: Trip { execution: Some(Duration::from_micros(response.elapsed_us.into())), ..trip },
        })
    }

    /// Judges what came in a datagram. What does not carry the echo of the question is somebody else's.
    pub(crate) fn judge(&self, octets: &mut [u8], trip: Trip) -> Verdict<Reply> {
        match self.read(octets, trip) {
            Ok(reply) => Verdict::Answer(reply),
            Err(error @ ResponseError::Raida { .. }) if is_from_another_node(octets) => Verdict::Failure(error.into()),
            Err(ResponseError::Raida { .. } | ResponseError::Echo | ResponseError::Truncated { .. }) => {
                Verdict::Stray(None)
            }
            Err(error) => Verdict::Stray(Some(error)),
        }
    }
}

/// The size of the whole answer, if the question says how large its payload will be.
const fn answer_len(target: &Target, question: &Question) -> usize {
    let encryption = target.envelope.encryption();
    let header_len = if encryption.is_long() { raida_wire::LONG } else { SHORT };
    match question.answer_len() {
        0 => 0,
        payload_len => header_len.saturating_add(encryption.response_overhead()).saturating_add(payload_len),
    }
}

/// Whether it is the short refusal of a node that was asked by another one's id. It can carry no echo.
fn is_from_another_node(octets: &[u8]) -> bool {
    octets.len() == SHORT && octets.get(2) == Some(&Status::INVALID_RAIDA_ID.0)
}

impl From<ResponseError> for Trouble {
    fn from(error: ResponseError) -> Self {
        Self::Answer(error)
    }
}
