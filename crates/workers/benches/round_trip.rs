//! What it costs to hand a job to a worker and have its result back.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use raida_workers::{CompletionQueue, Config, Pool};
use std::hint::black_box;
use std::io;
use std::sync::mpsc;

criterion_group!(benches, round_trips, hand_over);
criterion_main!(benches);

fn round_trips(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("dispatch to completion");
    for jobs in [1u64, 32, 1024] {
        let Ok(mut loopback) = Loop::new() else { continue };
        group.throughput(Throughput::Elements(jobs));
        group.bench_function(format!("{jobs} in flight"), |bencher| {
            bencher.iter(|| loopback.trip(jobs));
        });
    }
    group.finish();
}

/// The queue alone: reserved, completed and taken by one thread.
fn hand_over(criterion: &mut Criterion) {
    let queue = CompletionQueue::new(1024, || ());
    let mut results = Vec::with_capacity(1024);
    criterion.bench_function("completion: reserve, complete, take", |bencher| {
        bencher.iter(|| {
            if let Some(permit) = queue.try_reserve() {
                permit.complete(black_box(7));
            }
            results.clear();
            queue.drain_into(&mut results)
        });
    });
}

/// An event loop that has nothing else to do.
struct Loop {
    pool: Pool<u64, u64>,
    queue: CompletionQueue<u64>,
    woken: mpsc::Receiver<()>,
    results: Vec<u64>,
}

impl Loop {
    fn new() -> io::Result<Self> {
        let (bell, woken) = mpsc::sync_channel(1);
        let queue = CompletionQueue::new(1024, move || bell.try_send(()).unwrap_or_default());
        let pool = Pool::new(&Config::default(), |job: &mut u64| black_box(*job), |job| job)?;
        Ok(Self { pool, queue, woken, results: Vec::with_capacity(1024) })
    }

    fn trip(&mut self, jobs: u64) {
        for job in 0..jobs {
            if let Some(permit) = self.queue.try_reserve() {
                drop(self.pool.try_dispatch(permit, job));
            }
        }
        let mut missing = self.queue.occupied();
        while missing > 0 && self.woken.recv().is_ok() {
            missing -= self.queue.drain_into(&mut self.results);
            self.results.clear();
        }
    }
}
