//! A reference connection: it keeps all octets, and judges them from the beginning each time.

use std::time::Duration;

use raida_conn::{CloseReason, Deadline, PIPELINE_MAX, Phase, Policy};
use raida_wire::{Head, Refusal, Status};

use crate::host::{Memory, admit};
use crate::session::{Input, Seen};

pub(crate) struct Model {
    policy: Policy,
    pub(crate) phase: Phase,
    /// Octets of the present request; while it is answered, those behind it.
    heard: Vec<u8>,
    /// Octets came behind the request and were dropped.
    dropped: bool,
    begun: u32,
    allowed: u32,
    /// When the present wait began, and when the peer last did something.
    since: u64,
    moved: u64,
    answer: usize,
    sent: usize,
    unread: bool,
    /// A stop took requests away that the peer was allowed.
    cut_short: bool,
    peer_ended: bool,
    peer_gone: bool,
}

impl Model {
    pub(crate) fn new(now: u64, policy: &Policy) -> Self {
        Self {
            policy: policy.clone(),
            phase: Phase::WantReadHeader,
            heard: Vec::new(),
            dropped: false,
            begun: 0,
            allowed: policy.requests_max.max(1),
            since: now,
            moved: now,
            answer: 0,
            sent: 0,
            unread: false,
            cut_short: false,
            peer_ended: false,
            peer_gone: false,
        }
    }

    pub(crate) fn give(&mut self, now: u64, input: &Input, memory: Memory) -> Seen {
        let reads = matches!(self.phase, Phase::WantReadHeader | Phase::WantReadBody);
        match (input, self.phase) {
            (_, Phase::Done) => Seen::Wait,
            (Input::Abort, _) => self.close(CloseReason::Stopped),
            (Input::Expired, _) => match self.due() {
                Some((at, what)) if at <= now => {
                    self.close(CloseReason::Timeout { what, limit: what.limit(&self.policy) })
                }
                _ => Seen::Wait,
            },
            (Input::Received(octets), _) if octets.is_empty() => {
                if reads || self.phase == Phase::Lingering {
                    Seen::Receive
                } else {
                    Seen::Wait
                }
            }
            (Input::LeftUnread, _) => {
                self.unread = true;
                Seen::Wait
            }
            (Input::Received(octets), _) if reads => self.read(now, octets, memory),
            (Input::Received(octets), Phase::Lingering) => {
                self.sent += octets.len();
                let limit = self.policy.linger_octets;
                if self.sent >= limit { self.close(CloseReason::LingerOctets { limit }) } else { Seen::Receive }
            }
            (Input::Received(_), _) => {
                self.heard.clear();
                (self.dropped, self.unread) = (true, false);
                Seen::Wait
            }
            (Input::Ended, _) if reads => self.cut(),
            (Input::Ended, Phase::Lingering) => self.close(CloseReason::Served),
            (Input::Ended, _) => {
                self.peer_ended = true;
                Seen::Wait
            }
            (Input::Failed, Phase::Processing) => {
                self.heard.clear();
                self.peer_gone = true;
                Seen::Wait
            }
            (Input::Failed, _) => self.close(CloseReason::PeerGone),
            (Input::Responded(_), Phase::Processing) if self.peer_gone => self.close(CloseReason::PeerGone),
            (Input::Responded(len), Phase::Processing) => {
                (self.phase, self.answer, self.sent) = (Phase::WantWrite, *len, 0);
                (self.since, self.moved) = (now, now);
                self.write(now, memory)
            }
            (Input::Sent(count), Phase::WantWrite) => {
                self.sent = self.sent.saturating_add(*count).min(self.answer);
                self.moved = if *count > 0 { now } else { self.moved };
                self.write(now, memory)
            }
            (Input::Stop, _) if reads && self.begun > 0 && self.heard.is_empty() => self.close(CloseReason::Stopped),
            (Input::Stop, _) => {
                let allowed = self.begun + u32::from(reads);
                self.cut_short |= allowed < self.allowed;
                self.allowed = allowed;
                Seen::Wait
            }
            (Input::Responded(_) | Input::Sent(_), _) => Seen::Wait,
        }
    }

    /// What the peer owes, and by when.
    pub(crate) fn due(&self) -> Option<(u64, Deadline)> {
        let micros = |what: Deadline| u64::try_from(Duration::as_micros(&what.limit(&self.policy))).unwrap();
        let nearer = |pause: Deadline, whole: Deadline| {
            let (pause_ends, whole_ends) = (self.moved + micros(pause), self.since + micros(whole));
            Some(if whole_ends < pause_ends { (whole_ends, whole) } else { (pause_ends, pause) })
        };
        match self.phase {
            Phase::WantReadHeader if self.begun > 0 && self.heard.is_empty() => {
                Some((self.since + micros(Deadline::Idle), Deadline::Idle))
            }
            Phase::WantReadHeader | Phase::WantReadBody => nearer(Deadline::Progress, Deadline::Request),
            Phase::WantWrite => nearer(Deadline::WriteProgress, Deadline::Write),
            Phase::Lingering => Some((self.since + micros(Deadline::Linger), Deadline::Linger)),
            Phase::Processing | Phase::Done => None,
        }
    }

    /// How many buffers it takes to remember what has to be remembered.
    pub(crate) fn buffers(&self) -> usize {
        usize::from(self.phase != Phase::WantReadHeader && !self.heard.is_empty())
    }

    fn read(&mut self, now: u64, octets: &[u8], memory: Memory) -> Seen {
        let whole_would_be_lent = self.heard.is_empty();
        if self.heard.is_empty() && self.begun > 0 {
            self.since = now;
        }
        (self.moved, self.unread) = (now, false);
        self.heard.extend(octets);
        self.judge(whole_would_be_lent, true, memory)
    }

    fn judge(&mut self, may_lend: bool, is_new: bool, memory: Memory) -> Seen {
        let head = match Head::judge(&self.heard, &self.policy.rules) {
            Ok(None) if self.peer_ended => return self.cut(),
            Ok(None) => return Seen::Receive,
            Ok(Some(head)) => head,
            Err(refusal) => return self.refuse(refusal),
        };
        let is_whole = self.heard.len() >= head.request_len();
        if self.phase == Phase::WantReadHeader {
            if let Err(status) = admit(&head) {
                return self.refuse(head.refuse(status));
            }
            if let Err(refusal) = head.check_length(&self.policy.rules) {
                return self.refuse(refusal);
            }
            if !(may_lend && is_whole || memory.suffices()) {
                return self.refuse(head.refuse(Status::MEMORY_ALLOC));
            }
        }
        if !is_whole {
            self.phase = Phase::WantReadBody;
            return if self.peer_ended { self.cut() } else { Seen::Receive };
        }
        let request: Vec<u8> = self.heard.drain(..head.request_len()).collect();
        self.phase = Phase::Processing;
        self.begun += 1;
        let keeps = !is_new || memory.suffices() && self.heard.len() <= PIPELINE_MAX;
        if !self.heard.is_empty() && (self.begun >= self.allowed || !keeps) {
            self.heard.clear();
            self.dropped = true;
        }
        Seen::Process(Box::new(head), request)
    }

    fn refuse(&mut self, refusal: Refusal) -> Seen {
        self.phase = Phase::Processing;
        self.heard.clear();
        self.dropped = true;
        Seen::Refuse(refusal)
    }

    fn write(&mut self, now: u64, memory: Memory) -> Seen {
        if self.sent < self.answer {
            return Seen::Send(self.sent..self.answer);
        }
        let something_left = self.dropped || !self.heard.is_empty();
        (self.since, self.moved) = (now, now);
        if self.begun < self.allowed && !self.dropped && (something_left || !self.peer_ended) {
            self.phase = Phase::WantReadHeader;
            if something_left { self.judge(false, false, memory) } else { Seen::Receive }
        } else if (something_left || self.unread || self.cut_short) && !self.peer_ended {
            self.heard.clear();
            (self.phase, self.sent) = (Phase::Lingering, 0);
            Seen::Linger
        } else {
            self.close(CloseReason::Served)
        }
    }

    fn cut(&mut self) -> Seen {
        self.close(match (self.heard.is_empty(), self.begun) {
            (true, 0) => CloseReason::PeerClosed,
            (true, _) => CloseReason::Served,
            (false, _) => CloseReason::CutRequest,
        })
    }

    fn close(&mut self, reason: CloseReason) -> Seen {
        self.heard.clear();
        self.phase = Phase::Done;
        Seen::Close(reason)
    }
}
