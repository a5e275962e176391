//! A service of thirty lines behind the real loop, over a simulated network: two clients ask it, one slowly, one in a
//! datagram.
//!
//! `cargo run -p raida-reactor --example echo`

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use raida_reactor::counters::Counters;
use raida_reactor::service::{Answer, Call, Flow, Place, Request, Service};
use raida_reactor::workers::Roads;
use raida_reactor::{Policy, Reactor, Settings};
use raida_sim::{Script, Sim, Weather};
use raida_wire::{
    Challenge, Command, HEADROOM, Head, Key, LONG, Recipient, Rules, Sender, Status, TAILROOM, open, vote,
};

/// Sends every payload back.
struct Echo;

impl Service for Echo {
    fn admit(&self, head: &Head) -> Result<(), Status> {
        if head.encryption() == raida_wire::Encryption::None { Ok(()) } else { Err(head.unknown_key()) }
    }

    fn call(&self, request: &mut Request<'_>, answer: &mut Answer<'_>, _place: Place) -> Flow {
        let body = request.octets.get_mut(request.head.header_len()..).unwrap_or_default();
        match open(&request.head, body, &Key::None) {
            Ok((payload, session)) => {
                let buffer = answer.buffer(HEADROOM + payload.len() + TAILROOM);
                if let Some(room) = buffer.get_mut(HEADROOM..HEADROOM + payload.len()) {
                    room.copy_from_slice(payload);
                }
                let range = session.seal(buffer, payload.len(), Status::SUCCESS, 14, 0, &[0; 24]);
                answer.finish(range, Status::SUCCESS);
            }
            Err(refusal) => {
                if let Some(out) = answer.buffer(LONG).first_chunk_mut() {
                    let len = refusal.write(out, 14, 0, &[0; 24]);
                    answer.finish(0..len, refusal.status());
                }
            }
        }
        Flow::Answered
    }

    fn call_together(&self, calls: &mut [Call<'_>]) {
        for Call { request, answer } in calls {
            let _ = self.call(request, answer, Place::Worker);
        }
    }

    fn vote(&self, request: &vote::Request<'_>) -> [u8; 17] {
        vote::answer(request, &[0; vote::ROOTS_LEN])
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let recipient = Recipient { raida_id: 14, coin_id: 6, shard: 0 };
    let sender = Sender::Nobody { echo: [0xAA, 0xBB], challenge: Challenge::new([7; 12]) };
    let mut octets = [0; 64];
    let (len, pending) = raida_wire::Request::new(recipient, Command::ECHO, sender).build(&mut octets, b"hello")?;
    let question = octets.get(..len).unwrap_or_default();

    let mut sim = Sim::new(1, Weather::rough());
    let (slow, asker) = (SocketAddr::from(([192, 0, 2, 1], 1024)), SocketAddr::from(([192, 0, 2, 2], 1024)));
    let client = sim.connect(Duration::ZERO, slow, Script::new().trickle(question, Duration::from_millis(20)));
    sim.post(Duration::from_millis(5), asker, question);

    let service = Arc::new(Echo);
    let roads = Roads::start(&service, &raida_workers::Config::default(), &raida_workers::BatcherConfig::default())?;
    let settings = Settings::new(Policy::new(Rules { raida_id: 14, coin_id: 6, body_max: u16::MAX }));
    let counters = Arc::new(Counters::default());
    let clock = sim.clock();
    let mut reactor = Reactor::new(sim, service, clock, settings, roads, Arc::clone(&counters));

    while reactor.backend().client(client).end().is_none() {
        reactor.turn()?;
    }
    reactor.handle().shutdown();
    let drained = reactor.run()?;

    let mut received = reactor.backend().client(client).received().to_vec();
    println!("over the connection: {}", String::from_utf8_lossy(pending.read(&mut received)?.payload));
    for answer in reactor.backend().answers(asker) {
        println!("in a datagram: {}", String::from_utf8_lossy(pending.read(&mut answer.clone())?.payload));
    }
    println!("{} requests, {drained:?}", counters.snapshot().requests);
    Ok(())
}
