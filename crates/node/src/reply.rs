//! What a command answers with, before it is sealed.

use raida_reactor::service::{Answer, Transport};
use raida_wire::{HEADROOM, Session, Status, TAILROOM};

/// Takes a command's payload, in the place where it will be sealed.
#[derive(Debug)]
pub(crate) struct Reply<'r, 'a> {
    answer: &'r mut Answer<'a>,
    payload_len: usize,
    has_proof: bool,
}

impl<'r, 'a> Reply<'r, 'a> {
    /// No payload yet. A peer that opened an encrypted envelope has proved a secret by that.
    pub(crate) fn new(answer: &'r mut Answer<'a>, session: &Session) -> Self {
        Self { answer, payload_len: 0, has_proof: session.is_authenticated() }
    }

    /// Answers with these octets.
    pub(crate) fn payload(&mut self, octets: &[u8]) {
        let room = self.answer.buffer(HEADROOM + octets.len() + TAILROOM);
        if let Some(place) = room.get_mut(HEADROOM..HEADROOM + octets.len()) {
            place.copy_from_slice(octets);
            self.payload_len = octets.len();
        }
    }

    /// Answers without payload after all.
    pub(crate) fn discard(&mut self) {
        self.payload_len = 0;
    }

    /// The peer has proved a secret by its payload. Only then may a datagram's answer be larger than the datagram.
    pub(crate) fn proved(&mut self) {
        self.has_proof = true;
    }

    /// Seals the answer: the status, and the payload unless it may not leave this way ("use TCP").
    pub(crate) fn seal(self, status: Status, session: &Session, transport: Transport, raida_id: u8) {
        let fits = is_allowed(session.sealed_len(self.payload_len), self.has_proof, transport);
        let (mut status, mut payload_len) =
            if fits { (status, self.payload_len) } else { (Status::INVALID_UDP_FRAME_COUNT, 0) };
        let mut random = [0; 24];
        // Without fresh octets a long header's nonce would repeat, and the payload would be readable.
        if session.head().encryption().is_long() && getrandom::fill(&mut random).is_err() {
            (status, payload_len) = (Status::INTERNAL, 0);
        }
        let room = self.answer.buffer(HEADROOM);
        let range = session.seal(room, payload_len, status, raida_id, 0, &random);
        self.answer.finish(range, status);
    }
}

/// Whether an answer of this size may be sent.
///
/// Source: protocol §1.11
fn is_allowed(len: usize, has_proof: bool, transport: Transport) -> bool {
    match transport {
        Transport::Tcp => true,
        Transport::Udp { datagram, limit } => len <= limit && (has_proof || len <= datagram),
    }
}
