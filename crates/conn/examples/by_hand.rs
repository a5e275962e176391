//! Drives connections without a socket and prints every step: a request in pieces, one with octets left over, one that
//! is refused, one that is cut off, and two on one connection.
//!
//! `cargo run -p raida-conn --example by_hand`

use std::time::Duration;

use raida_conn::{Connection, Host, Instant, Octets, Policy, Step};
use raida_wire::{BuildError, Challenge, Command, Head, Recipient, Request, Rules, Sender, Status};

fn main() -> Result<(), BuildError> {
    let policy = Policy::new(Rules { raida_id: 14, coin_id: 6, body_max: u16::MAX });
    let lasting = Policy { requests_max: 10, ..policy.clone() };
    let echo = echo(14)?;
    let (header, body) = echo.split_at(32);
    let (piece, rest) = body.split_at(5);

    play("a request in three pieces", &policy, &[header, piece, rest]);
    play("octets behind the request", &policy, &[&[&echo[..], &[0; 16]].concat()]);
    play("a request for another node", &policy, &[&self::echo(3)?, &[0; 1000]]);
    play("the peer falls silent", &policy, &[header, piece, SILENCE]);
    play("two requests and a half", &lasting, &[&[&echo[..], &echo[..], header].concat(), body]);
    Ok(())
}

/// Stands for a peer that sends nothing until the deadline.
const SILENCE: &[u8] = &[];

/// Runs one connection from accept to close. A request is answered with 32 octets after 20 µs; sends take all.
fn play(title: &str, policy: &Policy, inputs: &[&[u8]]) {
    println!("{title}");
    let (mut inputs, mut host) = (inputs.iter(), Heap);
    let mut now = Instant::from_micros(0);
    let mut connection = Connection::new(now, policy);
    let mut step = Step::Receive;
    loop {
        println!("  {:>9} µs  {step:?}", now.as_micros());
        step = match step {
            Step::Receive | Step::Linger => match inputs.next() {
                Some(&SILENCE) => {
                    now = connection.deadline().unwrap_or(now);
                    connection.expired(now, policy, &mut host)
                }
                Some(input) => {
                    now = now + Duration::from_millis(1);
                    connection.received(now, input, policy, &mut host)
                }
                None => connection.ended(&mut host),
            },
            Step::Process { request, .. } => {
                if let Octets::Stored(buffer, _) = request {
                    host.put_buffer(buffer);
                }
                now = now + Duration::from_micros(20);
                connection.responded(now, 32, policy, &mut host)
            }
            Step::Refuse(_) => connection.responded(now, 32, policy, &mut host),
            Step::Send(range) => connection.sent(now, range.len(), policy, &mut host),
            Step::Close(reason) => return println!("  {:>9}     {reason}\n", ""),
            Step::Wait => return println!("  nothing in flight\n"),
        };
    }
}

/// Memory from the heap, and every key exists.
struct Heap;

impl Host for Heap {
    type Buffer = Vec<u8>;

    fn admit(&mut self, _: &Head) -> Result<(), Status> {
        Ok(())
    }

    fn take_buffer(&mut self, len: usize) -> Option<Vec<u8>> {
        Some(vec![0; len])
    }

    fn put_buffer(&mut self, _: Vec<u8>) {}
}

/// A request for the echo, addressed to one node.
fn echo(raida_id: u8) -> Result<Vec<u8>, BuildError> {
    let recipient = Recipient { raida_id, coin_id: 6, shard: 0 };
    let sender = Sender::Nobody { echo: [0xAA, 0xBB], challenge: Challenge::new([7; 12]) };
    let mut octets = vec![0; 50];
    Request::new(recipient, Command::ECHO, sender).build(&mut octets, b"")?;
    Ok(octets)
}
