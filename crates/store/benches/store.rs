//! What a request costs in the store: a look into memory, a read, a commit of 1, 64 and 512 changes.

#![expect(clippy::unwrap_used, reason = "a bench may panic")]

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use raida_store::testing::Disk;
use raida_store::{Options, Record, Store};
use raida_wire::{CoinId, Month, merkle};

const COINS: u32 = 100_000;

/// Neighbours are far apart, as coins of many clients are.
fn coin(number: u32) -> CoinId {
    CoinId::new(0, number.wrapping_mul(7919) % 1_024_000).unwrap()
}

fn record(octet: u8) -> Record {
    Record { an: [octet; 16].into(), month: Month(45) }
}

fn fill(store: &Store) {
    let mut batch = store.write().unwrap();
    (0..COINS).for_each(|number| batch.request(|changes| changes.set(coin(number), &record(1))).unwrap());
    batch.commit().unwrap();
}

fn reads(criterion: &mut Criterion) {
    let store = Store::open_on(Disk::new().plug_in(), &Options::new([7; 32])).unwrap();
    fill(&store);
    (0..COINS).for_each(|number| drop(store.read(coin(number)).unwrap()));
    let mut number = 0;
    let mut next = move || {
        number = (number + 1) % COINS;
        coin(number)
    };
    criterion.bench_function("peek, in memory", |b| b.iter(|| black_box(store.peek(black_box(coin(77))))));
    criterion.bench_function("peek, all over memory", |b| {
        b.iter_batched(&mut next, |coin| store.peek(coin), BatchSize::SmallInput)
    });
    let group: Vec<_> = (0..100).map(coin).collect();
    criterion.bench_function("read 100 at one moment", |b| b.iter(|| store.read_all(black_box(&group)).unwrap()));

    let small = Options { cache_pages: 1, ..Options::new([7; 32]) };
    let store = Store::open_on(Disk::new().plug_in(), &small).unwrap();
    fill(&store);
    criterion.bench_function("read, not in memory", |b| {
        b.iter_batched(&mut next, |coin| store.read(coin), BatchSize::SmallInput)
    });
}

fn commits(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let on_file = Store::open(folder.path(), &Options::new([7; 32])).unwrap();
    let in_memory = Store::open_on(Disk::new().plug_in(), &Options::new([7; 32])).unwrap();
    let mut octet = 1_u8;
    for (name, store) in [("disk", &on_file), ("no disk", &in_memory)] {
        fill(store);
        let mut group = criterion.benchmark_group(format!("commit, {name}"));
        for changes in [1, 64, 512_u32] {
            group.throughput(Throughput::Elements(changes.into()));
            group.bench_function(changes.to_string(), |b| {
                b.iter(|| {
                    octet = octet % 255 + 1;
                    let mut batch = store.write().unwrap();
                    for number in 0..changes {
                        batch.request(|changes| changes.set(coin(number), &record(octet))).unwrap();
                    }
                    batch.commit().unwrap();
                });
            });
        }
        group.finish();
    }
    criterion.bench_function("leaf of a page", |b| b.iter(|| merkle::leaf([Some(black_box(&[7; 16])); 1024])));
    criterion.bench_function("trees after 1 change", |b| {
        b.iter_batched(
            || {
                octet = octet % 255 + 1;
                let mut batch = in_memory.write().unwrap();
                batch.request(|changes| changes.set(coin(5), &record(octet))).unwrap();
                batch.commit().unwrap();
            },
            |()| in_memory.refresh_trees().unwrap(),
            BatchSize::PerIteration,
        );
    });
}

criterion_group!(benches, reads, commits);
criterion_main!(benches);
