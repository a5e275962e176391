//! What a connection costs in the loop's own books: its slot, its deadline, its buffer.

#![expect(clippy::unwrap_used, reason = "a bench may panic")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use raida_reactor::Instant;
use raida_reactor::buffer::SMALL;
use raida_reactor::buffer_pool::BufferPool;
use raida_reactor::slab::Slab;
use raida_reactor::timer::Wheel;

criterion_group!(benches, slab, timer_wheel, buffers);
criterion_main!(benches);

/// As many as there may be connections.
const SLOTS: u32 = 65_535;

fn slab(criterion: &mut Criterion) {
    let mut slab = Slab::new(SLOTS);
    let kept: Vec<_> = (0..10_000u64).map(|value| slab.insert(value).unwrap()).collect();
    criterion.bench_function("slab: insert, find, remove beside 10,000", |bencher| {
        bencher.iter(|| {
            let token = slab.insert(black_box(7)).unwrap();
            black_box(slab.get_mut(token));
            slab.remove(token)
        });
    });
    criterion.bench_function("slab: a token that is over", |bencher| {
        let old = slab.insert(0).unwrap();
        slab.remove(old);
        bencher.iter(|| black_box(slab.get(black_box(old))));
    });
    assert!(kept.iter().all(|&token| slab.get(token).is_some()));
}

fn timer_wheel(criterion: &mut Criterion) {
    let mut wheel = Wheel::new(SLOTS);
    (0..10_000).for_each(|item| wheel.arm(item, Instant::from_micros(u64::from(item) * 200 + 3_000_000)));
    criterion.bench_function("timer wheel: arm and disarm beside 10,000", |bencher| {
        bencher.iter(|| {
            wheel.arm(20_000, black_box(Instant::from_micros(2_000_000)));
            wheel.disarm(20_000);
        });
    });
    criterion.bench_function("timer wheel: the nearest deadline", |bencher| bencher.iter(|| black_box(wheel.next())));
}

fn buffers(criterion: &mut Criterion) {
    let mut pool = BufferPool::new(16 * SMALL);
    criterion.bench_function("buffer: take, write 80 octets, wipe, give back", |bencher| {
        bencher.iter(|| {
            let mut buffer = pool.take(SMALL).unwrap();
            buffer.front_mut(80).fill(black_box(1));
            pool.put(buffer);
        });
    });
}
