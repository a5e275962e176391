//! A service that lies to other nodes about tickets, around an honest one.

use raida_reactor::service::{Answer, Call, Flow, Place, Request, Service};
use raida_wire::vote;
use raida_wire::{Command, HEADROOM, Head, Key, Status, TAILROOM, open};

/// Redeems any ticket, for a coin that it does not stand for.
#[derive(Debug)]
pub struct Lying<S>(S);

impl<S: Service> Lying<S> {
    /// Denomination 6, serial number 1.
    const COIN: [u8; 5] = [6, 0, 0, 0, 1];

    /// Around `inner`.
    pub const fn new(inner: S) -> Self {
        Self(inner)
    }

    fn lie(request: &mut Request<'_>, answer: &mut Answer<'_>) -> Option<()> {
        let raida_id = request.octets[2];
        let body = &mut request.octets[request.head.header_len()..];
        let (_, session) = open(&request.head, body, &Key::None).ok()?;
        let room = answer.buffer(HEADROOM + Self::COIN.len() + TAILROOM);
        room[HEADROOM..HEADROOM + Self::COIN.len()].copy_from_slice(&Self::COIN);
        let range = session.seal(room, Self::COIN.len(), Status::SUCCESS, raida_id, 0, &[0; 24]);
        answer.finish(range, Status::SUCCESS);
        Some(())
    }
}

impl<S: Service> Service for Lying<S> {
    fn admit(&self, head: &Head) -> Result<(), Status> {
        self.0.admit(head)
    }

    fn call(&self, request: &mut Request<'_>, answer: &mut Answer<'_>, place: Place) -> Flow {
        if request.head.command() == Command::VALIDATE_TICKET && Self::lie(request, answer).is_some() {
            return Flow::Answered;
        }
        self.0.call(request, answer, place)
    }

    fn call_together(&self, calls: &mut [Call<'_>]) {
        self.0.call_together(calls);
    }

    fn vote(&self, request: &vote::Request<'_>) -> [u8; 17] {
        self.0.vote(request)
    }
}
