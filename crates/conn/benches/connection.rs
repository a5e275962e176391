//! What a connection costs from accept to close, without the system calls.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use raida_conn::{Connection, Host, Instant, Octets, Policy, Step};
use raida_wire::{BuildError, Challenge, Command, Head, Recipient, Request, Rules, Sender, Status};

criterion_group!(benches, one_request);
criterion_main!(benches);

/// Buffers that are ready, as a pool's are.
struct Ready(Vec<Box<[u8]>>);

impl Host for Ready {
    type Buffer = Box<[u8]>;

    fn admit(&mut self, _: &Head) -> Result<(), Status> {
        Ok(())
    }

    fn take_buffer(&mut self, _: usize) -> Option<Box<[u8]>> {
        self.0.pop()
    }

    fn put_buffer(&mut self, buffer: Box<[u8]>) {
        self.0.push(buffer);
    }
}

fn one_request(criterion: &mut Criterion) {
    let policy = Policy::new(Rules { raida_id: 14, coin_id: 6, body_max: u16::MAX });
    let (small, large) = (request(0).unwrap_or_default(), request(60_000).unwrap_or_default());
    let mut group = criterion.benchmark_group("from accept to close");
    for (name, octets, piece) in [
        ("50 octets at once", &small, usize::MAX),
        ("50 octets one by one", &small, 1),
        ("60,050 octets at once", &large, usize::MAX),
        ("60,050 octets in segments", &large, 1448),
    ] {
        let mut host = Ready(vec![vec![0; 65_664].into_boxed_slice()]);
        group.bench_function(name, |bencher| {
            bencher.iter(|| trip(octets, piece, &policy, &mut host));
        });
    }
    group.finish();
}

/// One request in pieces, one answer of 32 octets; gives whether it was served.
fn trip(octets: &[u8], piece: usize, policy: &Policy, host: &mut Ready) -> bool {
    let mut now = 0;
    let mut connection = Connection::new(Instant::from_micros(now), policy);
    for piece in octets.chunks(piece.min(octets.len())) {
        now += 1;
        if let Step::Process { request, .. } =
            connection.received(Instant::from_micros(now), black_box(piece), policy, host)
        {
            if let Octets::Stored(buffer, _) = request {
                host.put_buffer(buffer);
            }
            now += 20;
            let _ = black_box(connection.responded(Instant::from_micros(now), 32, policy, host));
        }
    }
    matches!(black_box(connection.sent(Instant::from_micros(now + 1), 32, policy, host)), Step::Close(_))
}

/// A request for the echo with so many octets of payload.
fn request(payload: usize) -> Result<Vec<u8>, BuildError> {
    let recipient = Recipient { raida_id: 14, coin_id: 6, shard: 0 };
    let sender = Sender::Nobody { echo: [1, 2], challenge: Challenge::new([7; 12]) };
    let request = Request::new(recipient, Command::ECHO, sender);
    let mut octets = vec![0; request.built_len(payload)];
    request.build(&mut octets, &vec![0; payload])?;
    Ok(octets)
}
