//! The road of a request that comes in a datagram: no connection, no farewell.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use raida_conn::Instant;
use raida_wire::{Datagram as Judged, DropReason, Head, Refusal, Status, judge_datagram, vote};
use tracing::{debug, trace};

use crate::buffer::{Buffer, SMALL};
use crate::clock::Clock;
use crate::core::Core;
use crate::datagram_limits::{Kind, Verdict};
use crate::datagrams::{Datagram, Datagrams, ReplyTo};
use crate::order::Order;
use crate::service::{Answer, Request, Service, Transport, Weight};
use crate::workers::{Finished, Job, Origin, Outcome, Road};

/// No answer.
const SILENCE: Range<usize> = 0..0;

impl<S: Service, C: Clock> Core<S, C> {
    /// Serves every datagram of a batch; the answers are in it afterwards.
    pub(crate) fn serve_batch(&mut self, batch: &mut Datagrams) {
        self.clock.look();
        for datagram in batch.iter_mut() {
            let range = self.serve_datagram(datagram);
            if !range.is_empty() {
                self.counters.datagrams_out.add(1);
                self.counters.datagram_octets_out.add(range.len() as u64);
            }
            datagram.answer_range = range;
            // Whatever a request carried is not left lying for the next datagram.
            datagram.octets.as_mut().get_mut(..datagram.len).unwrap_or_default().fill(0);
        }
    }

    /// Another thread has answered a datagram.
    pub(crate) fn finished_datagram(
        &mut self,
        road: Road,
        to: ReplyTo,
        head: &Head,
        outcome: Outcome,
        mut answer: Buffer,
        began: Instant,
    ) -> Order {
        self.dispatch.datagram_answered(road);
        self.buffers.book_growth(&mut answer);
        let range = self.settle_datagram(head, outcome, &mut answer, began);
        if range.is_empty() {
            return self.returned(answer);
        }
        self.counters.datagrams_out.add(1);
        self.counters.datagram_octets_out.add(range.len() as u64);
        Order::SendDatagram(to, answer, range)
    }

    /// Judges one datagram and says where in its answer buffer the answer lies.
    fn serve_datagram(&mut self, datagram: &mut Datagram) -> Range<usize> {
        let began = self.clock.seen();
        let Datagram { reply_to, octets, len, truncated, answer, .. } = datagram;
        let octets = octets.as_mut().get_mut(..*len).unwrap_or_default();
        self.counters.datagrams_in.add(1);
        self.counters.datagram_octets_in.add(octets.len() as u64);
        if *truncated {
            self.counters.datagrams_truncated.add(1);
        }
        let judged = judge_datagram(octets, &self.settings.policy.rules);
        if let Some(range) = self.limit(&judged, *reply_to, answer, began) {
            return range;
        }
        let head = match judged {
            Judged::Vote(question) => return self.vote(&question, answer),
            Judged::Drop(reason) => return self.drop_datagram(*reply_to, reason),
            Judged::Refuse(refusal) => {
                debug!(peer = %reply_to.peer, status = %refusal.status(), "datagram refused");
                return self.refuse(&refusal, answer, began);
            }
            Judged::Request(head) => head,
        };
        let verdict = match crate::service::admit(&*self.service, &head) {
            Ok(()) => self
                .check(&head, octets.len(), *truncated)
                .and_then(|()| self.serve_request(&head, octets, *reply_to, answer, began)),
            Err(status) => self.repeat(&head, octets, *reply_to, answer, began).ok_or(status),
        };
        verdict.unwrap_or_else(|status| {
            debug!(peer = %reply_to.peer, command = %head.command(), %status, "datagram refused");
            self.refuse(&head.refuse(status), answer, began)
        })
    }

    /// What is answered to a datagram of which its source has sent too many; `None` where it may be served.
    fn limit(
        &mut self,
        judged: &Judged<'_>,
        reply_to: ReplyTo,
        answer: &mut Buffer,
        began: Instant,
    ) -> Option<Range<usize>> {
        let peer = reply_to.peer;
        if self.is_exempt(peer.ip()) {
            return None;
        }
        let kind = match judged {
            Judged::Vote(_) => Kind::Light,
            Judged::Drop(_) => return None,
            Judged::Refuse(_) => Kind::Heavy,
            Judged::Request(head) if self.service.weight(head) == Weight::Light => Kind::Light,
            Judged::Request(_) => Kind::Heavy,
        };
        let refusal = match (self.askers.judge(peer.ip(), kind, began), judged) {
            (Verdict::Answer, _) => return None,
            (Verdict::UseTcp, Judged::Request(head)) => head.refuse(Status::INVALID_UDP_FRAME_COUNT),
            // A vote has no other answer than a vote, and what is no request has no place over TCP either.
            (Verdict::UseTcp, Judged::Vote(_) | Judged::Refuse(_) | Judged::Drop(_)) | (Verdict::Silence, _) => {
                self.counters.datagrams_over_rate.add(1);
                let limit = self.askers.rate(kind);
                debug!(%peer, limit, ?kind, "datagram dropped: its source asks too often");
                return Some(SILENCE);
            }
        };
        self.counters.datagrams_slipped.add(1);
        Some(self.refuse(&refusal, answer, began))
    }

    /// Refuses a datagram whose answer is not waited for in a batch.
    pub(crate) fn refuse_datagram_late(&mut self, to: ReplyTo, refusal: &Refusal, began: Instant) -> Order {
        let mut answer = self.buffers.take_tiny();
        let range = self.refuse(refusal, &mut answer, began);
        self.counters.datagrams_out.add(1);
        self.counters.datagram_octets_out.add(range.len() as u64);
        Order::SendDatagram(to, answer, range)
    }

    /// Gives the former answer to a datagram whose key is not there, or not any more.
    fn repeat(
        &mut self,
        head: &Head,
        octets: &mut [u8],
        reply_to: ReplyTo,
        buffer: &mut Buffer,
        began: Instant,
    ) -> Option<Range<usize>> {
        let transport = self.transport(octets.len());
        let octets = octets.get_mut(..head.request_len())?;
        let request = Request { head: *head, octets, peer: reply_to.peer, transport };
        let mut answer = Answer::new(buffer);
        // Unwind safety: as in `call`.
        let repeat = AssertUnwindSafe(|| self.service.repeat(&request, &mut answer));
        let outcome = match catch_unwind(repeat) {
            Ok(flow) => Outcome::of(flow?, &answer),
            Err(_) => Outcome::Broken,
        };
        self.counters.requests.add(1);
        Some(self.settle_datagram(head, outcome, buffer, began))
    }

    /// How a datagram of this length came.
    fn transport(&self, datagram: usize) -> Transport {
        Transport::Udp { datagram, limit: self.settings.datagram_octets_max }
    }

    /// Checks 11 to 13, and the limit: a datagram that was longer is refused even where its request would fit.
    fn check(&self, head: &Head, len: usize, truncated: bool) -> Result<(), Status> {
        head.check_datagram(len, &self.settings.policy.rules).map_err(|refusal| refusal.status())?;
        if truncated { Err(Status::INVALID_PACKET_LENGTH) } else { Ok(()) }
    }

    /// Serves a request that passed all header and length checks: at once, or elsewhere (then nothing is answered yet).
    fn serve_request(
        &mut self,
        head: &Head,
        octets: &mut [u8],
        reply_to: ReplyTo,
        answer: &mut Buffer,
        began: Instant,
    ) -> Result<Range<usize>, Status> {
        self.counters.requests.add(1);
        let transport = self.transport(octets.len());
        let octets = octets.get_mut(..head.request_len()).unwrap_or_default();
        let request = Request { head: *head, octets: &mut *octets, peer: reply_to.peer, transport };
        match self.call(request, Answer::new(answer)) {
            Ok(outcome) => Ok(self.settle_datagram(head, outcome, answer, began)),
            Err(road) => self.defer_datagram(road, head, octets, reply_to, transport, began).map(|()| SILENCE),
        }
    }

    fn defer_datagram(
        &mut self,
        road: Road,
        head: &Head,
        octets: &[u8],
        reply_to: ReplyTo,
        transport: Transport,
        began: Instant,
    ) -> Result<(), Status> {
        // Requests that wait in connections were here before.
        let datagrams = self.dispatch.datagrams(road);
        if datagrams >= self.settings.datagrams_in_flight_max || self.dispatch.first(road).is_some() {
            return Err(self.overloaded());
        }
        let answer = self.buffers.take(SMALL).ok_or(Status::MEMORY_ALLOC)?;
        let Some(request) = self.buffers.take_copy(octets) else {
            self.buffers.put(answer);
            return Err(Status::MEMORY_ALLOC);
        };
        let (origin, outcome) = (Origin::Datagram(reply_to), Outcome::Broken);
        let (peer, head) = (reply_to.peer, *head);
        let (claim, is_begun) = (None, false);
        self.send_off(Job { road, origin, head, peer, transport, request, answer, began, outcome, claim, is_begun })
    }

    /// A worker has found the change of a datagram worth its place in the batch.
    pub(crate) fn datagram_goes_on_to_batch(&mut self, to: ReplyTo, finished: Finished) -> Order {
        self.dispatch.datagram_answered(finished.road);
        let (head, began) = (finished.head, finished.began);
        match self.send_off(finished.again(Road::Batch, to.peer)) {
            Ok(()) => Order::Nothing,
            Err(status) => self.refuse_datagram_late(to, &head.refuse(status), began),
        }
    }

    /// Sends the request of a datagram by its road.
    fn send_off(&mut self, job: Job) -> Result<(), Status> {
        let road = job.road;
        if let Err(job) = self.dispatch.submit(job) {
            self.buffers.put(job.request);
            self.buffers.put(job.answer);
            return Err(self.overloaded());
        }
        self.dispatch.datagram_left(road);
        self.counters.left(road);
        Ok(())
    }

    fn overloaded(&self) -> Status {
        self.counters.datagrams_overloaded.add(1);
        Status::REQUEST_RATE
    }

    /// As [`settle`](Self::settle), for an answer that has to fit into a datagram.
    fn settle_datagram(&mut self, head: &Head, outcome: Outcome, answer: &mut Buffer, began: Instant) -> Range<usize> {
        if let Outcome::Answered(range, _) = &outcome
            && range.len() > self.settings.datagram_octets_max
        {
            self.counters.datagrams_too_long.add(1);
            return self.refuse(&head.refuse(Status::INVALID_UDP_FRAME_COUNT), answer, began);
        }
        self.settle(head, outcome, answer, began)
    }

    /// Answers a vote packet.
    fn vote(&mut self, question: &vote::Request<'_>, answer: &mut Buffer) -> Range<usize> {
        // Unwind safety: as in `call`.
        let Ok(vote) = catch_unwind(AssertUnwindSafe(|| self.service.vote(question))) else {
            self.counters.panics.add(1);
            return SILENCE;
        };
        answer.grow(vote.len());
        match answer.as_mut().first_chunk_mut() {
            Some(out) => *out = vote,
            None => return SILENCE,
        }
        self.counters.votes.add(1);
        0..vote.len()
    }

    fn drop_datagram(&self, from: ReplyTo, reason: DropReason) -> Range<usize> {
        match reason {
            DropReason::TooShort => self.counters.datagrams_too_short.add(1),
            DropReason::Astray => self.counters.datagrams_astray.add(1),
        }
        trace!(peer = %from.peer, ?reason, "datagram dropped");
        SILENCE
    }
}
