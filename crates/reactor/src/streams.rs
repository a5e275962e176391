//! The road of a request that comes over a connection.

use std::io;
use std::ops::Range;
use std::time::Duration;

use raida_conn::{CloseReason, Instant, Octets, Phase, Step};
use raida_wire::{Head, Refusal, Status};
use tracing::debug;

use crate::buffer::{Buffer, SMALL};
use crate::clock::Clock;
use crate::core::Core;
use crate::flights::Flight;
use crate::link::Parked;
use crate::order::Order;
use crate::service::{Answer, Request, Service, Transport};
use crate::timer::TICK;
use crate::token::Token;
use crate::workers::{Finished, Origin, Outcome, Road};

/// How often, once a tick, a late connection is looked at again: for about a second. What the kernel has is reported long
/// before that; this is the bound where a backend only says so.
const SPARED_MAX: u8 = 80;

impl<S: Service, C: Clock> Core<S, C> {
    /// Octets came, and perhaps there are more in the kernel. They are lent, and wiped before they go back.
    pub(crate) fn received(&mut self, token: Token, octets: &mut [u8], more: bool) -> Order {
        let now = self.clock.look();
        self.counters.octets_in.add(octets.len() as u64);
        let step = self.feed(token, |machine, policy, host| {
            let step = machine.received(now, octets, policy, host);
            if more {
                machine.left_unread();
            }
            step
        });
        if let Some(link) = self.links.get_mut(token) {
            link.octets_in += octets.len() as u64;
            link.forgive(now);
        }
        let order = self.follow(token, step, octets, now);
        octets.fill(0);
        order
    }

    /// The system holds octets of the peer's that were not received.
    pub(crate) fn left_unread(&mut self, token: Token) {
        if let Some(link) = self.links.get_mut(token) {
            link.machine.left_unread();
        }
    }

    /// The peer has shut down its sending side.
    pub(crate) fn ended(&mut self, token: Token) -> Order {
        let now = self.clock.look();
        let step = self.feed(token, |machine, _policy, host| machine.ended(host));
        self.follow(token, step, &mut [], now)
    }

    /// Octets of the response went out.
    pub(crate) fn sent(&mut self, token: Token, buffer: Buffer, sent: usize) -> Order {
        let now = self.clock.seen();
        self.counters.octets_out.add(sent as u64);
        let Some(link) = self.links.get_mut(token) else {
            self.counters.stale_completions.add(1);
            return self.returned(buffer);
        };
        link.octets_out += sent as u64;
        let step = self.feed(token, |machine, policy, host| machine.sent(now, sent, policy, host));
        match (&step, self.links.get_mut(token)) {
            (Some(Step::Send(_)), Some(link)) => {
                link.forgive(now);
                link.response = Some(buffer);
            }
            _ => self.buffers.put(buffer),
        }
        self.follow(token, step, &mut [], now)
    }

    /// The connection broke.
    pub(crate) fn failed(&mut self, token: Token, error: &io::Error, buffer: Option<Buffer>) -> Order {
        if let Some(buffer) = buffer {
            self.buffers.put(buffer);
        }
        if let Some(link) = self.links.get(token) {
            debug!(slot = token.slot(), peer = %link.peer, %error, "connection failed");
        }
        self.gone(token)
    }

    /// The peer has reset the connection. A request that still waits in it is given up.
    pub(crate) fn gone(&mut self, token: Token) -> Order {
        let now = self.clock.look();
        let mut step = self.feed(token, |machine, _policy, host| machine.failed(host));
        if self.unpark(token).is_some() {
            step = self.feed(token, |machine, policy, host| machine.responded(now, 0, policy, host));
        }
        self.follow(token, step, &mut [], now)
    }

    /// The connection in a slot whose peer has owed octets or room for too long, as far as is known here. `None` also where it
    /// has been spared as often as may be.
    pub(crate) fn late(&self, slot: u32) -> Option<Token> {
        let token = self.links.token(slot)?;
        let link = self.links.get(token)?;
        let owes = matches!(link.machine.phase(), Phase::WantReadHeader | Phase::WantReadBody | Phase::WantWrite);
        let is_late = link.machine.deadline().is_some_and(|deadline| deadline <= self.clock.seen());
        (owes && is_late && link.spared < SPARED_MAX).then_some(token)
    }

    /// Looks at a late connection again a little later, or by the next deadline of a peer that is taking its answer.
    pub(crate) fn spare(&mut self, token: Token) {
        let now = self.clock.seen();
        let Some(link) = self.links.get_mut(token) else { return };
        link.machine.taken(now, &self.settings.policy);
        link.spared += 1;
        link.forgive(now);
        let deadline = link.machine.deadline().filter(|deadline| *deadline > now);
        self.timers.arm(token.slot(), deadline.unwrap_or(now + TICK));
    }

    /// A deadline of the slot's has passed: the peer's, or that of a request waiting in it, or one that was met in time.
    pub(crate) fn expired(&mut self, slot: u32) -> Order {
        let now = self.clock.look();
        let Some(token) = self.links.token(slot) else { return Order::Nothing };
        if self.deadline(token).is_none_or(|deadline| deadline > now) {
            self.rearm(token);
            return Order::Nothing;
        }
        let step = match self.unpark(token) {
            Some((head, began)) => {
                self.counters.wait_timeouts.add(1);
                let len = self.refuse_link(token, &head.refuse(Status::REQUEST_RATE), began);
                self.feed(token, |machine, policy, host| machine.responded(now, len, policy, host))
            }
            None => self.feed(token, |machine, policy, host| machine.expired(now, policy, host)),
        };
        self.follow(token, step, &mut [], now)
    }

    /// Another thread is done with a request.
    pub(crate) fn finished(&mut self, finished: Finished) -> Order {
        if matches!(finished.outcome, Outcome::Batched) && !finished.is_given_up {
            return self.go_on_to_batch(finished);
        }
        let Finished { road, origin, head, request, answer, began, outcome, is_given_up, .. } = finished;
        let now = self.clock.look();
        self.buffers.put(request);
        if is_given_up {
            if matches!(origin, Origin::Datagram(_)) {
                self.dispatch.datagram_answered(road);
            }
            return self.returned(answer);
        }
        let token = match origin {
            Origin::Connection(token) => token,
            Origin::Datagram(to) => return self.finished_datagram(road, to, &head, outcome, answer, began),
        };
        if self.links.get(token).is_none() {
            self.counters.stale_completions.add(1);
            return self.returned(answer);
        }
        // What the batch has done is done, and its answers may hold what nobody will ever be told again.
        let len = if road == Road::Batch || self.buffers.make_room(&answer) {
            self.respond(token, &head, outcome, answer, began)
        } else {
            self.counters.answers_over_memory.add(1);
            self.buffers.put(answer);
            self.refuse_link(token, &head.refuse(Status::MEMORY_ALLOC), began)
        };
        let step = self.feed(token, |machine, policy, host| machine.responded(now, len, policy, host));
        self.follow(token, step, &mut [], now)
    }

    /// A worker has found a change worth its place in the batch.
    fn go_on_to_batch(&mut self, finished: Finished) -> Order {
        let token = match finished.origin {
            Origin::Connection(token) => token,
            Origin::Datagram(to) => return self.datagram_goes_on_to_batch(to, finished),
        };
        let Finished { head, request, answer, began, .. } = finished;
        if self.links.get(token).is_none() {
            self.counters.stale_completions.add(1);
            self.buffers.put(request);
            return self.returned(answer);
        }
        self.defer(token, Parked { road: Road::Batch, head, request, answer, began });
        self.rearm(token);
        Order::Nothing
    }

    /// When the next request has waited long enough in a queue.
    pub(crate) fn next_overdue(&self) -> Option<Instant> {
        self.dispatch.oldest().map(|began| began + self.settings.wait_for_worker)
    }

    /// Takes back a request that has waited too long in the queue of a road, and that nobody works on yet.
    pub(crate) fn overdue(&mut self, road: Road) -> Option<Flight> {
        let waited = self.clock.seen().as_micros().checked_sub(micros(self.settings.wait_for_worker))?;
        self.dispatch.give_up(road, Instant::from_micros(waited))
    }

    /// Tells whoever waits for a request that was taken back.
    pub(crate) fn refuse_overdue(&mut self, Flight { origin, head, began }: Flight) -> Order {
        self.counters.queue_timeouts.add(1);
        let refusal = head.refuse(Status::REQUEST_RATE);
        let token = match origin {
            Origin::Connection(token) => token,
            Origin::Datagram(to) => return self.refuse_datagram_late(to, &refusal, began),
        };
        if self.links.get(token).is_none() {
            return Order::Nothing;
        }
        let now = self.clock.seen();
        let len = self.refuse_link(token, &refusal, began);
        let step = self.feed(token, |machine, policy, host| machine.responded(now, len, policy, host));
        self.follow(token, step, &mut [], now)
    }

    /// The connection in a slot, if its request waits there for a worker or the batch.
    pub(crate) fn waiting_in(&self, slot: u32) -> Option<Token> {
        let token = self.links.token(slot)?;
        self.links.get(token)?.parked.as_ref().map(|_| token)
    }

    /// Sends requests that wait on their way, longest first, as long as there is room. A blocked road holds up its own
    /// line only.
    pub(crate) fn dispatch_waiting(&mut self) {
        Road::BOTH.into_iter().for_each(|road| self.dispatch_line(road));
    }

    fn dispatch_line(&mut self, road: Road) {
        while let Some(slot) = self.dispatch.first(road) {
            let token = self.links.token(slot);
            let parked = token.and_then(|token| Some((token, self.links.get_mut(token)?)));
            let Some((token, link)) = parked else {
                self.dispatch.leave(slot);
                continue;
            };
            if let Some(parked) = link.parked.take()
                && let Err(job) = self.dispatch.submit(parked.into_job(token, link.peer))
            {
                link.parked = Some(Box::new(Parked::from_job(job)));
                return;
            }
            self.dispatch.leave(slot);
            self.rearm(token);
        }
    }

    /// The node is about to stop: no further request begins on this connection.
    pub(crate) fn stop(&mut self, token: Token) -> Order {
        let now = self.clock.seen();
        let step = self.feed(token, |machine, _policy, host| machine.stop(host));
        self.follow(token, step, &mut [], now)
    }

    /// The node stops now.
    pub(crate) fn abort(&mut self, token: Token) -> Order {
        let now = self.clock.seen();
        self.unpark(token);
        let step = self.feed(token, |machine, _policy, host| machine.abort(host));
        self.follow(token, step, &mut [], now)
    }

    fn close(&mut self, token: Token, reason: CloseReason) -> Order {
        let now = self.clock.seen();
        let Some(link) = self.forget(token) else { return Order::Nothing };
        self.counters.closed(reason);
        debug!(
            slot = token.slot(),
            peer = %link.peer,
            %reason,
            octets_in = link.octets_in,
            octets_out = link.octets_out,
            elapsed_us = now.saturating_duration_since(link.opened).as_micros(),
            "connection closed"
        );
        Order::Close { token, reset: reason.reset() }
    }

    /// Does what the machine asks until it asks for something that only the backend can do.
    fn follow(&mut self, token: Token, first: Option<Step<Buffer>>, input: &mut [u8], began: Instant) -> Order {
        let mut next = first;
        let order = loop {
            let Some(step) = next else {
                self.counters.stale_completions.add(1);
                return Order::Nothing;
            };
            if matches!(step, Step::Receive | Step::Linger | Step::Close(_)) {
                // What has not gone out by now never will.
                self.drop_response(token);
            }
            let len = match step {
                Step::Receive => break Order::Receive(token),
                Step::Send(range) => break self.send(token, range),
                Step::Linger => break Order::Linger(token),
                Step::Wait => break Order::Nothing,
                Step::Close(reason) => return self.close(token, reason),
                Step::Refuse(refusal) => self.refuse_link(token, &refusal, began),
                Step::Process { head, request } => match self.process(token, head, request, input, began) {
                    Some(len) => len,
                    None => break Order::Watch(token),
                },
            };
            let now = self.clock.seen();
            next = self.feed(token, |machine, policy, host| machine.answered(now, len, input, policy, host));
        };
        self.rearm(token);
        order
    }

    /// Serves a whole request: the length of its response, or `None` where it leaves this thread or waits for that.
    fn process(
        &mut self,
        token: Token,
        head: Head,
        mut request: Octets<Buffer>,
        input: &mut [u8],
        began: Instant,
    ) -> Option<usize> {
        self.counters.requests.add(1);
        if let Octets::Stored(buffer, _) = &request {
            self.unbook(token, buffer.len());
            // Who sends in pieces may have one more on its way, which a plain close would answer with a reset.
            self.left_unread(token);
        }
        let link = self.links.get_mut(token)?;
        let (peer, waiting) = (link.peer, link.take_waiting());
        let start = waiting.as_ref().map_or(0, |_| link.response_at.end);
        let Some(mut answer) = waiting.or_else(|| self.buffers.take(SMALL)) else {
            self.give_up(request);
            return Some(self.refuse_link(token, &head.refuse(Status::MEMORY_ALLOC), began));
        };
        let octets = request.get_mut(input);
        let call = Request { head, octets, peer, transport: Transport::Tcp };
        let road = match self.call(call, Answer::behind(&mut answer, start)) {
            Err(road) => road,
            Ok(outcome) => {
                self.give_up(request);
                return Some(self.respond_behind(token, &head, outcome, answer, start, began));
            }
        };
        self.feed(token, |machine, _policy, host| machine.outlive(input, host));
        let answer = if start == 0 { Some(answer) } else { self.leave_waiting(token, answer) };
        match (answer, self.keep(request, input)) {
            (Some(answer), Some(request)) => {
                self.defer(token, Parked { road, head, request, answer, began });
                None
            }
            (answer, request) => {
                answer.into_iter().chain(request).for_each(|unneeded| self.buffers.put(unneeded));
                Some(self.refuse_link(token, &head.refuse(Status::MEMORY_ALLOC), began))
            }
        }
    }

    /// Sends a request on its way or, where others wait already or there is no room, lets it wait in its connection.
    fn defer(&mut self, token: Token, parked: Parked) {
        let Some(link) = self.links.get_mut(token) else { return };
        let (road, command) = (parked.road, parked.head.command());
        debug!(slot = token.slot(), peer = %link.peer, %command, ?road, "request deferred");
        self.counters.left(road);
        link.parked = Some(Box::new(parked));
        self.dispatch.enqueue(road, token.slot());
        self.dispatch_line(road);
        if self.links.get(token).is_some_and(|link| link.parked.is_some()) {
            self.counters.waited.add(1);
        }
    }

    /// Takes a waiting request out of the line and forgets it, except for what a refusal takes.
    fn unpark(&mut self, token: Token) -> Option<(Head, Instant)> {
        let Parked { head, request, answer, began, .. } = *self.links.get_mut(token)?.parked.take()?;
        self.dispatch.leave(token.slot());
        self.buffers.put(request);
        self.buffers.put(answer);
        Some((head, began))
    }

    /// Lets answers wait on in their buffer, and takes another one.
    fn leave_waiting(&mut self, token: Token, waiting: Buffer) -> Option<Buffer> {
        self.links.get_mut(token)?.rejoin(waiting, 0..0);
        self.buffers.take(SMALL)
    }

    /// As [`respond`](Self::respond), where the answer was written behind those that wait in the same buffer, from `start`
    /// on. At 0 none did.
    fn respond_behind(
        &mut self,
        token: Token,
        head: &Head,
        outcome: Outcome,
        mut answer: Buffer,
        start: usize,
        began: Instant,
    ) -> usize {
        if start == 0 {
            return self.respond(token, head, outcome, answer, began);
        }
        if matches!(outcome, Outcome::Broken) {
            let refusal = self.leave_waiting(token, answer).unwrap_or_else(|| self.buffers.take_tiny());
            return self.respond(token, head, outcome, refusal, began);
        }
        self.buffers.book_growth(&mut answer);
        let range = self.settle(head, outcome, &mut answer, began);
        let len = range.len();
        match self.links.get_mut(token) {
            Some(link) => link.rejoin(answer, range),
            None => self.buffers.put(answer),
        }
        len
    }

    /// Keeps the service's answer as the connection's response, and says how long it is.
    fn respond(&mut self, token: Token, head: &Head, outcome: Outcome, mut answer: Buffer, began: Instant) -> usize {
        self.buffers.book_growth(&mut answer);
        let range = self.settle(head, outcome, &mut answer, began);
        self.keep_response(token, answer, range)
    }

    /// Keeps a response until it is sent, and says how long it is.
    fn keep_response(&mut self, token: Token, answer: Buffer, range: Range<usize>) -> usize {
        let len = range.len();
        let Some(link) = self.links.get_mut(token) else {
            self.buffers.put(answer);
            return 0;
        };
        if let Some(copied) = link.respond(answer, range) {
            self.buffers.put(copied);
            if let Some(all) = &mut link.response {
                self.buffers.book_growth(all);
            }
        }
        len
    }

    /// Writes a refusal as the connection's response, and says how long it is.
    fn refuse_link(&mut self, token: Token, refusal: &Refusal, began: Instant) -> usize {
        let mut buffer = self.buffers.take_tiny();
        let range = self.refuse(refusal, &mut buffer, began);
        if let Some(link) = self.links.get(token) {
            debug!(slot = token.slot(), peer = %link.peer, status = %refusal.status(), "request refused");
        }
        self.keep_response(token, buffer, range)
    }

    /// Sends a part of the response, counted from its start.
    fn send(&mut self, token: Token, range: Range<usize>) -> Order {
        let Some(link) = self.links.get_mut(token) else { return Order::Nothing };
        let start = link.response_at.start;
        let range = start + range.start..start + range.end;
        match link.response.take() {
            Some(buffer) if link.machine.closes_when_sent() => Order::SendLast(token, buffer, range),
            Some(buffer) => Order::Send(token, buffer, range),
            None => Order::Nothing,
        }
    }

    fn drop_response(&mut self, token: Token) {
        if let Some(buffer) = self.links.get_mut(token).and_then(|link| link.response.take()) {
            self.buffers.put(buffer);
        }
    }

    /// Takes back the buffer of a request that has been served.
    fn give_up(&mut self, request: Octets<Buffer>) {
        if let Octets::Stored(buffer, _) = request {
            self.buffers.put(buffer);
        }
    }

    /// Moves a request into a buffer of its own, if there is one.
    fn keep(&mut self, mut request: Octets<Buffer>, input: &mut [u8]) -> Option<Buffer> {
        match request {
            Octets::Stored(buffer, _) => Some(buffer),
            Octets::Input(_) => self.buffers.take_copy(request.get_mut(input)),
        }
    }
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}
