//! The connection machine.

use std::time::Duration;

use raida_conn::{Connection, Host, Instant, Octets, Phase, Policy, Step};
use raida_wire::{Head, Refusal, Status};

use crate::RULES;
use crate::plausible::plausible;

/// However a stream is cut into pieces, the connection comes to the same decision; and in whatever order things happen
/// to it, it ends once, asks for nothing afterwards, and gives every buffer back.
pub fn connection(octets: &[u8]) {
    let Some((cut, stream)) = octets.split_first() else { return };
    cut_anywhere(usize::from(*cut % 64) + 1, &plausible(stream));
    any_order(*cut, stream);
}

fn cut_anywhere(every: usize, stream: &[u8]) {
    let pieces: Vec<_> = stream.chunks(every).collect();
    let (whole, in_pieces) = (decision(&[stream]), decision(&pieces));
    assert_ne!(whole, Decision::OutOfTurn);
    assert_eq!(whole, in_pieces, "cut every {every} octets");
}

/// What a connection decided about the first request of a stream.
#[derive(Debug, PartialEq)]
enum Decision {
    Serve(Vec<u8>),
    Refuse(Refusal),
    WaitForMore,
    OutOfTurn,
}

fn decision(pieces: &[&[u8]]) -> Decision {
    let policy = Policy::new(RULES);
    let mut connection = Connection::new(Instant::from_micros(0), &policy);
    for piece in pieces.iter().filter(|piece| !piece.is_empty()) {
        let mut input = piece.to_vec();
        match connection.received(Instant::from_micros(1), &input, &policy, &mut Memory::default()) {
            Step::Receive => {}
            Step::Process { mut request, .. } => return Decision::Serve(request.get_mut(&mut input).to_vec()),
            Step::Refuse(refusal) => return Decision::Refuse(refusal),
            Step::Send(_) | Step::Linger | Step::Close(_) | Step::Wait => return Decision::OutOfTurn,
        }
    }
    Decision::WaitForMore
}

/// Each octet is something that happens; what a request needs is taken from the octets behind it.
fn any_order(seed: u8, script: &[u8]) {
    let policy = Policy { requests_max: u32::from(seed % 4), linger_octets: 64, ..Policy::new(RULES) };
    let mut life = Life::begin(policy);
    let mut at = 0;
    while let Some(happens) = script.get(at) {
        at += 1;
        match happens % 16 {
            0..=3 => {
                let length = 1 + usize::from(happens >> 4) * 4;
                let piece = script.get(at..).unwrap_or_default();
                let piece = &piece[..length.min(piece.len())];
                at += piece.len();
                life.happen(|machine, now, policy, memory| machine.received(now, piece, policy, memory), piece);
            }
            4 | 5 => {
                let request = request(*happens);
                life.happen(|machine, now, policy, memory| machine.received(now, &request, policy, memory), &request);
            }
            6 | 7 => life.respond(usize::from(happens >> 4) * 16),
            8 | 9 => life.send(usize::from(happens >> 4) * 8),
            10 => life.happen(|machine, now, policy, memory| machine.expired(now, policy, memory), &[]),
            11 => life.happen(|machine, _, _, memory| machine.ended(memory), &[]),
            12 => life.happen(|machine, _, _, memory| machine.failed(memory), &[]),
            13 => life.happen(|machine, _, _, memory| machine.stop(memory), &[]),
            14 => life.now = life.now + Duration::from_millis(u64::from(happens >> 4) * 300),
            _ if happens >> 4 == 0 => life.happen(|machine, _, _, memory| machine.abort(memory), &[]),
            _ if happens >> 4 == 1 => life.memory.is_full = !life.memory.is_full,
            _ => life.machine.left_unread(),
        }
    }
    life.happen(|machine, _, _, memory| machine.abort(memory), &[]);
    assert!(life.closed, "an abort ends every connection");
}

/// An Echo, or its longer sister.
fn request(which: u8) -> Vec<u8> {
    let body = if which >> 4 == 0 { 0 } else { 18 + usize::from(which >> 4) };
    let mut request = vec![1, 0, RULES.raida_id, 0, 0, 0, 0, 6];
    request.resize(32 + body, 0x3E);
    request[16] = 0;
    request[22..24].copy_from_slice(&u16::try_from(body).unwrap().to_be_bytes());
    request
}

/// One connection and what is known of it from outside.
struct Life {
    policy: Policy,
    machine: Connection<Vec<u8>>,
    memory: Memory,
    now: Instant,
    closed: bool,
    processed: u32,
    responded: usize,
}

impl Life {
    fn begin(policy: Policy) -> Self {
        let now = Instant::from_micros(0);
        let machine = Connection::new(now, &policy);
        Self { policy, machine, memory: Memory::default(), now, closed: false, processed: 0, responded: 0 }
    }

    fn happen(
        &mut self,
        event: impl FnOnce(&mut Connection<Vec<u8>>, Instant, &Policy, &mut Memory) -> Step<Vec<u8>>,
        input: &[u8],
    ) {
        let before = self.machine.phase();
        let step = event(&mut self.machine, self.now, &self.policy, &mut self.memory);
        self.judge(before, step, input);
    }

    fn respond(&mut self, length: usize) {
        if self.machine.phase() == Phase::Processing {
            self.responded = length;
        }
        self.happen(|machine, now, policy, memory| machine.responded(now, length, policy, memory), &[]);
    }

    fn send(&mut self, count: usize) {
        let count = count.min(self.responded);
        self.happen(|machine, now, policy, memory| machine.sent(now, count, policy, memory), &[]);
    }

    fn judge(&mut self, before: Phase, step: Step<Vec<u8>>, input: &[u8]) {
        let phase = self.machine.phase();
        assert!(before != Phase::Done || matches!(step, Step::Wait), "{step:?} after the end");
        match step {
            Step::Process { request, .. } => {
                self.processed += 1;
                match request {
                    Octets::Input(range) => assert!(range.end <= input.len(), "{range:?} of {} octets", input.len()),
                    Octets::Stored(buffer, length) => {
                        assert!(length <= buffer.len());
                        self.memory.put_buffer(buffer);
                    }
                }
                assert_eq!(phase, Phase::Processing);
            }
            Step::Refuse(_) => assert_eq!(phase, Phase::Processing),
            Step::Send(range) => {
                assert!(range.start < range.end && range.end <= self.responded);
                assert_eq!(phase, Phase::WantWrite);
            }
            Step::Linger => assert_eq!(phase, Phase::Lingering),
            Step::Close(_) => {
                assert!(!self.closed, "it ends once");
                self.closed = true;
                assert_eq!(phase, Phase::Done);
            }
            Step::Receive | Step::Wait => {}
        }
        assert!(self.processed <= self.policy.requests_max.max(1));
        let is_owed =
            matches!(phase, Phase::WantReadHeader | Phase::WantReadBody | Phase::WantWrite | Phase::Lingering);
        assert_eq!(self.machine.deadline().is_some(), is_owed, "a deadline is set while the peer owes something");
        assert_eq!(phase == Phase::Done, self.closed);
        assert!(!self.closed || self.memory.lent == 0, "{} buffers are lost", self.memory.lent);
    }
}

/// Buffers, counted.
#[derive(Default)]
struct Memory {
    lent: usize,
    is_full: bool,
}

impl Host for Memory {
    type Buffer = Vec<u8>;

    fn admit(&mut self, head: &Head) -> Result<(), Status> {
        if head.shard() == 3 { Err(Status::INVALID_ENCRYPTION) } else { Ok(()) }
    }

    fn take_buffer(&mut self, len: usize) -> Option<Vec<u8>> {
        if self.is_full {
            return None;
        }
        self.lent += 1;
        Some(vec![0; len])
    }

    fn put_buffer(&mut self, _: Vec<u8>) {
        self.lent = self.lent.checked_sub(1).expect("a buffer that was lent");
    }
}
