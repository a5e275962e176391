//! What a request costs without sockets: judging its header, opening its body, sealing the answer; and a vote.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a bench that is not set up right fails")]

use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use raida_wire::testing::Exchange;
use raida_wire::{
    AuthenticityNumber, CoinId, Command, Encryption, HEADROOM, Head, Recipient, Status, TAILROOM, judge_datagram, open,
    vote,
};

/// A Detect of eight coins: 21 octets each.
const PAYLOAD: usize = 8 * 21;
/// Its answer: one octet of bits.
const ANSWER: usize = 1;

fn exchange(encryption: Encryption) -> Exchange {
    let coin = CoinId::new(1, 4711).expect("in range");
    Exchange {
        encryption,
        recipient: Recipient { raida_id: 14, coin_id: 6, shard: 0 },
        command: Command::DETECT,
        coins: [coin; 2],
        numbers: [AuthenticityNumber::new([7; 16]), AuthenticityNumber::new([7; 16])],
        nonce: [9; 24],
        chosen: [1; 12],
        payload: vec![0x5A; PAYLOAD],
    }
}

fn judge(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("judge");
    for encryption in Encryption::ALL {
        let exchange = exchange(encryption);
        let (octets, _) = exchange.build().expect("short enough");
        let rules = exchange.rules();
        group.bench_function(format!("stream/type-{}", encryption.code()), |bencher| {
            bencher.iter(|| Head::judge(black_box(&octets), &rules));
        });
        group.bench_function(format!("datagram/type-{}", encryption.code()), |bencher| {
            bencher.iter(|| black_box(judge_datagram(black_box(&octets), &rules)));
        });
    }
    group.finish();
}

fn open_and_seal(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("open and seal");
    for encryption in Encryption::ALL {
        let exchange = exchange(encryption);
        let (octets, _) = exchange.build().expect("short enough");
        let head = Head::judge(&octets, &exchange.rules()).expect("accepted").expect("whole");
        let key = exchange.key();
        let body = octets[head.header_len()..].to_vec();
        let mut buffer = [0; HEADROOM + ANSWER + TAILROOM];
        group.bench_function(format!("type-{}", encryption.code()), |bencher| {
            bencher.iter_batched_ref(
                || body.clone(),
                |body| {
                    let (_, session) = open(&head, body, &key).expect("the key is right");
                    session.seal(&mut buffer, ANSWER, Status::MIXED, 14, 23, &[3; 24])
                },
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

fn votes(criterion: &mut Criterion) {
    let (roots, mut octets) = ([5; vote::ROOTS_LEN], [0; vote::REQUEST_LEN]);
    vote::ask(&roots, &[1; vote::NONCE_LEN], &mut octets);
    criterion.bench_function("vote: parse, compare, answer", |bencher| {
        bencher.iter(|| {
            let question = vote::Request::parse(black_box(&octets)).expect("a vote");
            vote::answer(&question, black_box(&roots))
        });
    });
}

criterion_group!(benches, judge, open_and_seal, votes);
criterion_main!(benches);
