//! The small things.

use std::error::Error;
use std::hint::black_box;
use std::sync::Arc;

use raida_conn::{Connection, Host, Instant, Policy};
use raida_node::testing::{Coins, node_of};
use raida_reactor::clock::SystemClock;
use raida_reactor::counters::Counters;
use raida_reactor::slab::Slab;
use raida_reactor::timer::Wheel;
use raida_reactor::workers::Roads;
use raida_reactor::{Reactor, Settings};
use raida_wire::{
    AuthenticityNumber, Challenge, CoinId, Command, HEADROOM, Head, Key, Recipient, Request, Rules, Sender, Status,
    TAILROOM, open, vote,
};
use raida_workers::{BatcherConfig, CompletionQueue, Config};

use crate::loopback::Loopback;

type Outcome = Result<(), Box<dyn Error>>;

/// Something to do so many times.
pub(crate) struct Subject {
    pub(crate) name: &'static str,
    pub(crate) run: fn(u32) -> Outcome,
}

impl Subject {
    pub(crate) const ALL: &[Self] = &[
        Self { name: "judge-0", run: |times| judge(times, Envelope::Clear) },
        Self { name: "judge-4", run: |times| judge(times, Envelope::Coin256) },
        Self { name: "open-and-seal-0", run: |times| open_and_seal(times, Envelope::Clear) },
        Self { name: "open-and-seal-1", run: |times| open_and_seal(times, Envelope::Coin) },
        Self { name: "open-and-seal-4", run: |times| open_and_seal(times, Envelope::Coin256) },
        Self { name: "vote", run: compare_roots },
        Self { name: "machine", run: machine },
        Self { name: "slab", run: slab },
        Self { name: "timer-wheel", run: wheel },
        Self { name: "completion", run: completion },
        Self { name: "tcp-echo", run: |times| serve(times, false, Command::ECHO, Envelope::Clear) },
        Self { name: "tcp-detect-1", run: |times| serve(times, false, Command::DETECT, Envelope::Coin) },
        Self { name: "tcp-detect-4", run: |times| serve(times, false, Command::DETECT, Envelope::Coin256) },
        Self { name: "tcp-pipelined-1", run: |times| pipelined(times, 1) },
        Self { name: "tcp-pipelined-16", run: |times| pipelined(times, 16) },
        Self { name: "udp-echo", run: |times| serve(times, true, Command::ECHO, Envelope::Clear) },
        Self { name: "udp-vote", run: votes },
    ];
}

const RULES: Rules = Rules { raida_id: 14, coin_id: 6, body_max: u16::MAX };
const RECIPIENT: Recipient = Recipient { raida_id: 14, coin_id: 6, shard: 0 };

#[derive(Clone, Copy, PartialEq)]
enum Envelope {
    Clear,
    Coin,
    Coin256,
}

fn coin() -> Result<CoinId, Box<dyn Error>> {
    CoinId::new(1, 4711).ok_or_else(|| "no such coin".into())
}

fn number() -> AuthenticityNumber {
    AuthenticityNumber::new([7; 16])
}

fn request(command: Command, envelope: Envelope) -> Result<Vec<u8>, Box<dyn Error>> {
    let (coin, number, challenge) = (coin()?, number(), Challenge::new([9; 12]));
    let sender = match envelope {
        Envelope::Clear => Sender::Nobody { echo: [1, 2], challenge },
        Envelope::Coin => Sender::Coin { coin, number: &number, nonce: [3; 8], challenge },
        Envelope::Coin256 => Sender::Coin256 { coin, number: &number, nonce: [3; 24] },
    };
    let payload = match command {
        Command::DETECT => [&coin.raw().0[..], number.octets()].concat(),
        _ => Vec::new(),
    };
    let request = Request::new(RECIPIENT, command, sender);
    let mut octets = vec![0; request.built_len(payload.len())];
    request.build(&mut octets, &payload)?;
    Ok(octets)
}

fn judge(times: u32, envelope: Envelope) -> Outcome {
    let octets = request(Command::DETECT, envelope)?;
    for _ in 0..times {
        let judged = black_box(Head::judge(black_box(&octets), &RULES));
        if !matches!(judged, Ok(Some(_))) {
            return Err("the header was refused".into());
        }
    }
    Ok(())
}

fn open_and_seal(times: u32, envelope: Envelope) -> Outcome {
    let octets = request(Command::DETECT, envelope)?;
    let head = Head::judge(&octets, &RULES).ok().flatten().ok_or("the header was refused")?;
    let number = number();
    let key = if envelope == Envelope::Clear { Key::None } else { Key::Coin(&number) };
    let mut buffer = [0; HEADROOM + 1 + TAILROOM];
    for _ in 0..times {
        let mut octets = octets.clone();
        let body = octets.get_mut(head.header_len()..).ok_or("no body")?;
        let (_, session) = open(&head, black_box(body), &key).map_err(|_| "the body was refused")?;
        black_box(session.seal(&mut buffer, 1, Status::MIXED, 14, 23, &[3; 24]));
    }
    Ok(())
}

fn compare_roots(times: u32) -> Outcome {
    let roots = [5; vote::ROOTS_LEN];
    let mut octets = [0; vote::REQUEST_LEN];
    vote::ask(&roots, &[1; vote::NONCE_LEN], &mut octets);
    for _ in 0..times {
        let question = vote::Request::parse(black_box(&octets)).ok_or("not a vote")?;
        black_box(vote::answer(&question, black_box(&roots)));
    }
    Ok(())
}

struct NoBuffers;

impl Host for NoBuffers {
    type Buffer = Vec<u8>;

    fn admit(&mut self, _: &Head) -> Result<(), Status> {
        Ok(())
    }

    fn take_buffer(&mut self, _: usize) -> Option<Vec<u8>> {
        None
    }

    fn put_buffer(&mut self, _: Vec<u8>) {}
}

fn machine(times: u32) -> Outcome {
    let (octets, policy) = (request(Command::ECHO, Envelope::Clear)?, Policy::new(RULES));
    for time in 0..u64::from(times) {
        let at = |us| Instant::from_micros(10 * time + us);
        let mut connection = Connection::new(at(0), &policy);
        let _ = black_box(connection.received(at(1), black_box(&octets), &policy, &mut NoBuffers));
        let _ = black_box(connection.responded(at(2), 32, &policy, &mut NoBuffers));
        let _ = black_box(connection.sent(at(3), 32, &policy, &mut NoBuffers));
    }
    Ok(())
}

fn slab(times: u32) -> Outcome {
    let mut slab = Slab::new(64);
    for time in 0..times {
        let token = slab.insert(black_box(time)).map_err(|_| "the slab is full")?;
        black_box(slab.get_mut(token));
        black_box(slab.remove(token));
    }
    Ok(())
}

fn wheel(times: u32) -> Outcome {
    let mut wheel = Wheel::new(64);
    for time in 0..u64::from(times) {
        wheel.arm(7, Instant::from_micros(time * 10 + 2_000_000));
        black_box(wheel.pop(Instant::from_micros(time * 10)));
        wheel.disarm(7);
    }
    Ok(())
}

fn completion(times: u32) -> Outcome {
    let (queue, mut out) = (CompletionQueue::new(64, || ()), Vec::with_capacity(64));
    for time in 0..times {
        queue.try_reserve().ok_or("the queue is full")?.complete(black_box(time));
        queue.drain_into(&mut out);
        out.clear();
    }
    Ok(())
}

fn serve(times: u32, in_datagrams: bool, command: Command, envelope: Envelope) -> Outcome {
    let octets = request(command, envelope)?;
    let expected = if command == Command::DETECT { Status::ALL_PASS } else { Status::SUCCESS };
    let backend = if in_datagrams { Loopback::in_datagrams(octets) } else { Loopback::over_connections(octets) };
    let last = turn(times, backend)?;
    if last.get(2) != Some(&expected.0) {
        return Err(format!("the last answer is {last:02X?}").into());
    }
    Ok(())
}

/// Answers echoes that come so many at once.
fn pipelined(times: u32, depth: u32) -> Outcome {
    let last = turn(times, Loopback::pipelined(&request(Command::ECHO, Envelope::Clear)?, depth))?;
    let answers = last.chunks(32).filter(|answer| answer.get(2) == Some(&Status::SUCCESS.0));
    if answers.count() != depth as usize {
        return Err(format!("the last answers are {last:02X?}").into());
    }
    Ok(())
}

fn votes(times: u32) -> Outcome {
    let mut octets = [0; vote::REQUEST_LEN];
    vote::ask(&[5; vote::ROOTS_LEN], &[1; vote::NONCE_LEN], &mut octets);
    let last = turn(times, Loopback::in_datagrams(octets.to_vec()))?;
    vote::read(&last, &[1; vote::NONCE_LEN])?;
    Ok(())
}

/// Lets a reactor and a node answer so often, and tells the last answer.
fn turn(times: u32, backend: Loopback) -> Result<Vec<u8>, Box<dyn Error>> {
    let service = Arc::new(node_of(14, &Coins::new().with_coin(coin()?, number())));
    let roads = Roads::start(&service, &Config { threads: 1, ..Config::default() }, &BatcherConfig::default())?;
    let policy = Policy { requests_max: backend.requests_max(), ..Policy::new(RULES) };
    let settings = Settings { connections_max: 64, ..Settings::new(policy) };
    let counters = Arc::new(Counters::default());
    let mut reactor = Reactor::new(backend, service, SystemClock::new(), settings, roads, counters);
    while reactor.backend().answers < times {
        reactor.turn()?;
    }
    Ok(reactor.backend().last.clone())
}
