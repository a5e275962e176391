//! What a command answers with, before it is sealed.

use raida_reactor::service::{Answer, Transport};
use raida_wire::{Command, HEADROOM, Session, Status, TAILROOM};

use crate::statistics::Judged;

/// Takes a command's payload, in the place where it will be sealed.
#[derive(Debug)]
pub(crate) struct Reply<'r, 'a> {
    answer: &'r mut Answer<'a>,
    session: Session,
    transport: Transport,
    payload_len: usize,
    has_proof: bool,
    judged: Judged,
}

impl<'r, 'a> Reply<'r, 'a> {
    /// No payload yet. A peer that opened an encrypted envelope has proved a secret by that.
    pub(crate) fn new(answer: &'r mut Answer<'a>, session: Session, transport: Transport) -> Self {
        let has_proof = session.is_authenticated();
        Self { answer, session, transport, payload_len: 0, has_proof, judged: Judged::default() }
    }

    /// Answers with these octets.
    pub(crate) fn payload(&mut self, octets: &[u8]) {
        self.room(octets.len()).copy_from_slice(octets);
    }

    /// Answers with so many octets, all zero until they are written.
    pub(crate) fn room(&mut self, len: usize) -> &mut [u8] {
        self.payload_len = len;
        let room = self.answer.buffer(HEADROOM + len + TAILROOM).get_mut(HEADROOM..HEADROOM + len).unwrap_or_default();
        room.fill(0);
        room
    }

    /// Adds these octets to the payload.
    pub(crate) fn append(&mut self, octets: &[u8]) {
        let from = HEADROOM + self.payload_len;
        self.payload_len += octets.len();
        let room = self.answer.buffer(from + octets.len() + TAILROOM).get_mut(from..from + octets.len());
        room.unwrap_or_default().copy_from_slice(octets);
    }

    /// Answers without payload after all.
    pub(crate) fn discard(&mut self) {
        self.payload_len = 0;
    }

    /// The peer has proved a secret by its payload. Only then may a datagram's answer be larger than the datagram.
    pub(crate) fn proved(&mut self) {
        self.has_proof = true;
    }

    /// Tells how many coins passed and how many failed, for the statistics.
    pub(crate) fn judge(&mut self, judged: Judged) {
        self.judged = judged;
    }

    /// What was told so.
    pub(crate) const fn judged(&self) -> Judged {
        self.judged
    }

    /// What is answered.
    pub(crate) const fn command(&self) -> Command {
        self.session.head().command()
    }

    /// Makes sure that an answer with so many octets may leave. What changes something asks before it does: a client that
    /// is told "use TCP" has to find everything as it was.
    ///
    /// # Errors
    ///
    /// 15 where it may not.
    ///
    /// Source: protocol §1.11
    pub(crate) fn check_room(&self, payload_len: usize) -> Result<(), Status> {
        let len = self.session.sealed_len(payload_len);
        match self.transport {
            Transport::Udp { datagram, limit } if len > limit || !self.has_proof && len > datagram => {
                Err(Status::INVALID_UDP_FRAME_COUNT)
            }
            Transport::Tcp | Transport::Udp { .. } => Ok(()),
        }
    }

    /// The longest payload that may leave.
    pub(crate) fn payload_max(&self) -> usize {
        let len_max = match self.transport {
            Transport::Tcp => self.session.sealed_len(0) + raida_wire::response::BODY_SIZE_MAX as usize,
            Transport::Udp { limit, .. } => limit,
        };
        // Of an answer with one octet of payload, all but that octet.
        (len_max + 1).saturating_sub(self.session.sealed_len(1))
    }

    /// Seals the answer: the status, and the payload unless it may not leave this way.
    pub(crate) fn seal(self, status: Status, raida_id: u8) -> &'r mut Answer<'a> {
        let (mut status, mut payload_len) = match self.check_room(self.payload_len) {
            Ok(()) => (status, self.payload_len),
            Err(status) => (status, 0),
        };
        let mut random = [0; 24];
        // Without fresh octets a long header's nonce would repeat, and the payload would be readable.
        if self.session.head().encryption().is_long() && getrandom::fill(&mut random).is_err() {
            (status, payload_len) = (Status::INTERNAL, 0);
        }
        let room = self.answer.buffer(HEADROOM);
        let range = self.session.seal(room, payload_len, status, raida_id, 0, &random);
        self.answer.finish(range, status);
        self.answer
    }

    /// Gives no answer after all.
    pub(crate) fn into_session(self) -> Session {
        self.session
    }
}
