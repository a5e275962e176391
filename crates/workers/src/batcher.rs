//! The batcher: one thread that does together what has come in meanwhile.

use crate::completion::Permit;
use crate::panics::Panics;
use crate::pool;
use crate::queue::JobQueue;
use crate::room::Room;
use crate::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use crate::sync::{Parker, Unparker};
use crate::threads::Threads;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use tracing::debug;

/// How a [`Batcher`] is built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatcherConfig {
    /// Jobs that wait for the next batch at most, 1..=1 048 576. The memory is allocated at start.
    pub queue_capacity: usize,
    /// Jobs in one batch at most, 1..=1 048 576.
    pub batch_max: usize,
    /// What the thread is called. Linux shows the first 15 octets of it.
    pub name: String,
}

impl Default for BatcherConfig {
    /// 1 024 jobs that wait, 512 in a batch, `batcher`.
    fn default() -> Self {
        Self { queue_capacity: 1024, batch_max: 512, name: "batcher".to_owned() }
    }
}

impl BatcherConfig {
    /// Longest queue a batcher may have.
    pub const QUEUE_CAPACITY_MAX: usize = pool::Config::QUEUE_CAPACITY_MAX;
    /// Largest batch it may make.
    pub const BATCH_MAX: usize = Self::QUEUE_CAPACITY_MAX;
}

/// One thread with a bounded queue, for jobs that cost little more together than alone: changes
/// that one commit makes durable, for example.
///
/// Whenever the thread is free it takes all that waits, up to a bound, and does it at once. So a
/// lone job is done at once, alone, and under load batches are as large as a batch takes long:
/// no delay is ever added to gather more.
///
/// `J` is a job, `R` its result. Shared by reference: every method takes `&self`. Dropping the
/// batcher is [`shutdown`](Self::shutdown).
///
/// ```
/// use raida_workers::{Batcher, BatcherConfig, CompletionQueue};
///
/// let batcher = Batcher::new(
///     &BatcherConfig::default(),
///     |jobs: &mut [(u64, u64)]| {
///         let sum = jobs.iter().map(|(number, _)| number).sum();
///         jobs.iter_mut().for_each(|(_, out)| *out = sum); // for all of them
///     },
///     |(_, sum)| Some(sum),
///     |_job| None, // the answer to each when the batch panics
/// )?;
/// let queue = CompletionQueue::new(16, || ());
/// batcher.try_dispatch(queue.try_reserve().expect("it is empty"), (7, 0)).expect("it is idle");
/// batcher.shutdown();
///
/// let mut results = Vec::new();
/// queue.drain_into(&mut results);
/// assert_eq!(results, [Some(7)]);
/// # std::io::Result::Ok(())
/// ```
pub struct Batcher<J, R> {
    desk: Arc<Desk<J, R>>,
    unparker: Unparker,
    threads: Threads,
}

/// What a batcher has done since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Batches {
    /// Batches begun.
    pub batches: u64,
    /// Jobs in all of them.
    pub jobs: u64,
    /// Jobs in the largest of them.
    pub largest: usize,
}

impl<J: Send + 'static, R: Send + 'static> Batcher<J, R> {
    /// Starts the thread.
    ///
    /// `run` does a batch, oldest job first; it may block. It leaves what came of each job in that
    /// job, in its place, and `finish` then makes the results, which leave in the same order. When
    /// `run` panics, the panic is logged and counted, and `recover` makes the result of every job
    /// of that batch, as the panic left them; the thread goes on. `finish` and `recover` must not
    /// panic; if one does, that one result is lost and its slot is given back.
    ///
    /// # Errors
    /// `InvalidInput` when a field of `config` is out of its range or the name contains a NUL;
    /// otherwise what the system said when the thread could not be started.
    pub fn new(
        config: &BatcherConfig,
        run: impl FnMut(&mut [J]) + Send + 'static,
        finish: impl Fn(J) -> R + Send + 'static,
        recover: impl Fn(J) -> R + Send + 'static,
    ) -> io::Result<Self> {
        config.check()?;
        let parker = Parker::new();
        let unparker = parker.unparker().clone();
        let desk = Arc::new(Desk::new(config));
        let batcher = Self { desk: Arc::clone(&desk), unparker, threads: Threads::new(1) };
        batcher.threads.start(config.name.clone(), move || desk.work(&parker, run, finish, recover))?;
        debug!(queue_capacity = config.queue_capacity, batch_max = config.batch_max, "batcher started");
        Ok(batcher)
    }
}

#[cfg(feature = "testing")]
impl<J, R> Batcher<J, R> {
    /// A batcher without a thread, and the hand that does its work: for simulations.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn by_hand<Run: FnMut(&mut [J]), Finish: Fn(J) -> R>(
        config: &BatcherConfig,
        run: Run,
        finish: Finish,
    ) -> io::Result<(Self, Hand<J, R, Run, Finish>)> {
        config.check()?;
        let desk = Arc::new(Desk::new(config));
        let hand = Hand { desk: Arc::clone(&desk), batch: (Vec::new(), Vec::new()), run, finish };
        Ok((Self { desk, unparker: Parker::new().unparker().clone(), threads: Threads::new(0) }, hand))
    }
}

/// Does a [batcher](Batcher::by_hand)'s work when it is told to. Dropping it drops the batch it has begun, unanswered.
#[cfg(feature = "testing")]
pub struct Hand<J, R, Run, Finish> {
    desk: Arc<Desk<J, R>>,
    batch: Taken<J, R>,
    run: Run,
    finish: Finish,
}

#[cfg(feature = "testing")]
impl<J, R, Run: FnMut(&mut [J]), Finish: Fn(J) -> R> Hand<J, R, Run, Finish> {
    /// Takes all that waits, up to the bound, as the next batch; does nothing while one is begun. Says how many jobs are
    /// in the batch.
    pub fn begin(&mut self) -> usize {
        if self.batch.1.is_empty() {
            let count = self.desk.queue.take_many(self.desk.batch_max, &mut self.batch).unwrap_or(0);
            if count > 0 {
                self.desk.begin(count);
            }
        }
        self.batch.1.len()
    }

    /// The jobs of the batch that has begun, oldest first.
    pub fn jobs_mut(&mut self) -> &mut [J] {
        &mut self.batch.1
    }

    /// Does the batch that has begun. Where it panics, `finish` makes the results too.
    pub fn finish(&mut self) {
        if !self.batch.1.is_empty() {
            self.desk.finish(&mut self.batch, &mut self.run, &self.finish, &self.finish);
        }
    }
}

impl<J, R> Batcher<J, R> {
    /// Hands a job over for the next batch. Never blocks. The result of the job completes `permit`.
    ///
    /// # Errors
    /// Permit and job come back when the queue is full, or after shutdown. When it was full, the
    /// permit's queue gets its wake callback called as soon as the next batch has begun: try again
    /// then.
    pub fn try_dispatch(&self, permit: Permit<R>, job: J) -> Result<(), (Permit<R>, J)> {
        self.desk.submit(permit, job)?;
        self.unparker.unpark();
        Ok(())
    }

    /// Jobs that wait for the next batch at this moment. One load.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.desk.queue.depth()
    }

    /// What has been done so far. Three loads.
    #[must_use]
    pub fn batches(&self) -> Batches {
        self.desk.tally.read()
    }

    /// Panics survived since the start.
    #[must_use]
    pub fn panics(&self) -> u64 {
        self.desk.panics.count()
    }

    /// Refuses new jobs, finishes every accepted one, and waits until the thread has ended.
    ///
    /// Of several calls the first one waits. A batch that calls this does not wait for itself.
    pub fn shutdown(&self) {
        self.close();
        self.threads.join();
    }

    /// As [`shutdown`](Self::shutdown), for at most `limit`.
    ///
    /// # Errors
    /// When `limit` has passed: the jobs of which no batch has begun, taken out of the queue, with
    /// their permits. The thread finishes the batch it is at by itself; nothing waits for it any
    /// more, not even the drop of the batcher.
    #[cfg(not(loom))] // the model checker knows no time
    pub fn shutdown_within(&self, limit: std::time::Duration) -> Result<(), pool::Leftover<J, R>> {
        self.close();
        self.threads.join_within(limit).map_err(|threads| {
            let mut jobs = Vec::new();
            self.desk.queue.take_many(usize::MAX, &mut jobs);
            pool::Leftover { jobs, threads }
        })
    }

    fn close(&self) {
        self.desk.queue.close();
        self.unparker.unpark();
    }
}

impl<J, R> Drop for Batcher<J, R> {
    fn drop(&mut self) {
        self.shutdown();
    }
}

impl<J, R> fmt::Debug for Batcher<J, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batcher")
            .field("queued", &self.queued())
            .field("batches", &self.batches())
            .field("panics", &self.panics())
            .finish()
    }
}

impl BatcherConfig {
    fn check(&self) -> io::Result<()> {
        let invalid = |what: String| Err(io::Error::new(io::ErrorKind::InvalidInput, what));
        if !(1..=Self::QUEUE_CAPACITY_MAX).contains(&self.queue_capacity) {
            let (found, max) = (self.queue_capacity, Self::QUEUE_CAPACITY_MAX);
            return invalid(format!("queue capacity is {found}, expected 1 to {max}"));
        }
        if !(1..=Self::BATCH_MAX).contains(&self.batch_max) {
            let (found, max) = (self.batch_max, Self::BATCH_MAX);
            return invalid(format!("batch bound is {found}, expected 1 to {max}"));
        }
        if self.name.contains('\0') {
            return invalid("the name of the thread contains a NUL".to_owned());
        }
        Ok(())
    }
}

/// One batch: where its results go, and the jobs.
type Taken<J, R> = (Vec<Permit<R>>, Vec<J>);

/// Where jobs wait, shared by the thread and those who ask it.
struct Desk<J, R> {
    queue: JobQueue<(Permit<R>, J)>,
    room: Room<R>,
    batch_max: usize,
    tally: Tally,
    panics: Panics,
}

impl<J, R> Desk<J, R> {
    fn new(config: &BatcherConfig) -> Self {
        Self {
            queue: JobQueue::new(config.queue_capacity),
            room: Room::new(),
            batch_max: config.batch_max.min(config.queue_capacity),
            tally: Tally::new(),
            panics: Panics::new(),
        }
    }

    fn submit(&self, permit: Permit<R>, job: J) -> Result<(), (Permit<R>, J)> {
        let Err((permit, job)) = self.queue.push((permit, job)) else { return Ok(()) };
        // Full. Room may come while we say that we want it, so try again after.
        if let Some(queue) = permit.queue() {
            self.room.ask(queue);
        }
        self.queue.push((permit, job))
    }

    /// The thread's life: returns when the queue is closed and empty.
    fn work(&self, parker: &Parker, mut run: impl FnMut(&mut [J]), finish: impl Fn(J) -> R, recover: impl Fn(J) -> R) {
        let mut batch = (Vec::with_capacity(self.batch_max), Vec::with_capacity(self.batch_max));
        while let Some(count) = self.queue.take_many(self.batch_max, &mut batch) {
            if count == 0 {
                // Whatever is pushed, or closed, after that look leaves a token for this.
                parker.park();
                continue;
            }
            self.begin(count);
            self.finish(&mut batch, &mut run, &finish, &recover);
        }
    }

    /// So many jobs were taken out of the queue.
    fn begin(&self, count: usize) {
        self.room.announce();
        self.tally.note(count);
    }

    /// Does a batch that has begun, and delivers what came of it.
    fn finish(
        &self,
        (permits, jobs): &mut Taken<J, R>,
        run: &mut impl FnMut(&mut [J]),
        finish: &impl Fn(J) -> R,
        recover: &impl Fn(J) -> R,
    ) {
        // Unwind safety: after a panic each job goes to `recover`, which is told what that
        // means, and `run` is told that it may be called again.
        let ran = catch_unwind(AssertUnwindSafe(|| run(jobs)));
        if let Err(payload) = &ran {
            self.panics.note(&**payload, "a batch panicked");
        }
        let result = |job| if ran.is_ok() { finish(job) } else { recover(job) };
        for (permit, job) in permits.drain(..).zip(jobs.drain(..)) {
            // Whatever else of the caller's may panic (`finish`, `recover`, the wake callback)
            // may cost that job its result, but neither its slot nor the others theirs.
            let answered = catch_unwind(AssertUnwindSafe(|| permit.complete(result(job))));
            if let Err(payload) = answered {
                self.panics.note(&*payload, "answering a job panicked");
            }
        }
    }
}

/// [`Batches`], while they grow. The thread alone writes.
struct Tally {
    batches: AtomicU64,
    jobs: AtomicU64,
    largest: AtomicUsize,
}

impl Tally {
    fn new() -> Self {
        Self { batches: AtomicU64::new(0), jobs: AtomicU64::new(0), largest: AtomicUsize::new(0) }
    }

    fn note(&self, count: usize) {
        // ORDERING: Relaxed, here and below: numbers for statistics. Who has a result of this batch
        // finds it counted, because the completion queue's lock comes after.
        self.batches.fetch_add(1, Ordering::Relaxed);
        self.jobs.fetch_add(count as u64, Ordering::Relaxed);
        self.largest.fetch_max(count, Ordering::Relaxed);
    }

    fn read(&self) -> Batches {
        Batches {
            batches: self.batches.load(Ordering::Relaxed),
            jobs: self.jobs.load(Ordering::Relaxed),
            largest: self.largest.load(Ordering::Relaxed),
        }
    }
}
