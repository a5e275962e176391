//! The pool: threads that are started once and share all work.

use crate::affinity;
use crate::completion::Permit;
use crate::crew::{Crew, Task};
use crate::sync::Parker;
use crate::threads::Threads;
use crate::urgency::give_way;
use std::fmt;
use std::io;
use std::sync::Arc;
use tracing::{debug, warn};

/// How a [`Pool`] is built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Number of threads, 0..=1024; 0 means one per processor that this process may use.
    pub threads: usize,
    /// Jobs that wait for one worker at most, 1..=1 048 576. The memory is allocated at start.
    pub queue_capacity: usize,
    /// Threads are called `<name_prefix>-N`, from 0. Linux shows the first 15 octets of it.
    pub name_prefix: String,
    /// Whether each worker is bound to one processor. Where that fails, a warning is logged and
    /// the worker runs unbound.
    pub pin: bool,
    /// How much workers give way to threads that want the same processor: what is added to their
    /// nice value, 0 to 19. Where that fails, they are as urgent as everybody.
    pub nice: u8,
}

impl Default for Config {
    /// One thread per processor, 1 024 jobs per worker, `worker-N`, not pinned, as urgent as others.
    fn default() -> Self {
        Self { threads: 0, queue_capacity: 1024, name_prefix: "worker".to_owned(), pin: false, nice: 0 }
    }
}

impl Config {
    /// Most threads a pool may have.
    pub const THREADS_MAX: usize = 1024;
    /// Largest queue a worker may have.
    pub const QUEUE_CAPACITY_MAX: usize = 1 << 20;
}

/// A fixed number of threads, each with a bounded queue; idle ones take work from the others.
///
/// `J` is a job, `R` its result. Shared by reference: every method takes `&self`. Dropping the
/// pool is [`shutdown`](Self::shutdown).
pub struct Pool<J, R> {
    crew: Arc<Crew<J, R>>,
    threads: Threads,
}

impl<J: Send + 'static, R: Send + 'static> Pool<J, R> {
    /// Starts the threads.
    ///
    /// `run` does a job; it may block. When it panics, the panic is logged and counted, and
    /// `recover` makes the result from the job as the panic left it, possibly half changed: so
    /// whoever waits always gets an answer. `recover` must not panic; if it does, the result is
    /// lost and the slot is given back.
    ///
    /// # Errors
    /// `InvalidInput` when a field of `config` is out of its range or the name contains a NUL;
    /// otherwise what the system said when a thread could not be started.
    pub fn new(
        config: &Config,
        run: impl Fn(&mut J) -> R + Send + Sync + 'static,
        recover: impl Fn(J) -> R + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let threads = config.check()?;
        let parkers: Vec<Parker> = (0..threads).map(|_| Parker::new()).collect();
        let crew = Crew::new(&parkers, config.queue_capacity, Box::new(run), Box::new(recover));
        let pool = Self { crew: Arc::new(crew), threads: Threads::new(threads) };
        for (worker, parker) in parkers.into_iter().enumerate() {
            // When one fails, dropping the pool ends those before it.
            pool.start(worker, parker, config)?;
        }
        debug!(threads, queue_capacity = config.queue_capacity, "worker pool started");
        Ok(pool)
    }

    fn start(&self, worker: usize, parker: Parker, config: &Config) -> io::Result<()> {
        let crew = Arc::clone(&self.crew);
        let (pin, nice) = (config.pin, config.nice);
        let name = format!("{}-{worker}", config.name_prefix);
        let life = move || {
            if pin && let Err(error) = affinity::pin_thread(worker) {
                warn!(worker, %error, "worker runs unpinned");
            }
            if nice > 0
                && let Err(error) = give_way(nice)
            {
                debug!(worker, %error, "worker is as urgent as everybody");
            }
            crew.work(worker, &parker);
        };
        self.threads.start(name, life)
    }
}

impl<J, R> Pool<J, R> {
    /// Hands a job to a worker. Never blocks.
    ///
    /// Workers take turns; where a queue is full the job goes to the next one. The result of the
    /// job completes `permit`.
    ///
    /// # Errors
    /// Permit and job come back when every queue is full, or after shutdown. When they were full,
    /// the permit's queue gets its wake callback called as soon as a worker has taken a job: try
    /// again then.
    pub fn try_dispatch(&self, permit: Permit<R>, job: J) -> Result<(), (Permit<R>, J)> {
        self.crew.submit(Task { permit, job }).map_err(|Task { permit, job }| (permit, job))
    }

    /// Number of threads.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.crew.threads()
    }

    /// Workers that run a job at this moment. One load.
    #[must_use]
    pub fn busy(&self) -> usize {
        self.crew.busy()
    }

    /// Jobs that wait for a worker at this moment. One load per worker.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.crew.queued()
    }

    /// Panics survived since the start.
    #[must_use]
    pub fn panics(&self) -> u64 {
        self.crew.panics()
    }

    /// Refuses new jobs, finishes every accepted one, and waits until all threads have ended.
    ///
    /// Of several calls the first one waits. A job that calls this does not wait for itself.
    pub fn shutdown(&self) {
        self.crew.close();
        self.threads.join();
    }

    /// As [`shutdown`](Self::shutdown), for at most `limit`.
    ///
    /// # Errors
    /// When `limit` has passed: the jobs that no worker has begun, taken out of the queues, with
    /// their permits, and how many workers have not ended. Those finish the job they are at by
    /// themselves; nothing waits for them any more, not even the drop of the pool.
    #[cfg(not(loom))] // the model checker knows no time
    pub fn shutdown_within(&self, limit: std::time::Duration) -> Result<(), Leftover<J, R>> {
        self.crew.close();
        self.threads.join_within(limit).map_err(|threads| {
            let rest = self.crew.take_rest();
            let jobs = rest.into_iter().map(|Task { permit, job }| (permit, job)).collect();
            Leftover { jobs, threads }
        })
    }
}

#[cfg(feature = "testing")]
impl<J, R> Pool<J, R> {
    /// A pool without threads, whose jobs are done by whoever calls [`begin`](Self::begin) and [`finish`](Self::finish):
    /// for simulations.
    ///
    /// # Errors
    /// `InvalidInput` when a field of `config` is out of its range.
    pub fn by_hand(
        config: &Config,
        run: impl Fn(&mut J) -> R + Send + Sync + 'static,
        recover: impl Fn(J) -> R + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let parkers: Vec<Parker> = (0..config.check()?).map(|_| Parker::new()).collect();
        let crew = Crew::new(&parkers, config.queue_capacity, Box::new(run), Box::new(recover));
        Ok(Self { crew: Arc::new(crew), threads: Threads::new(0) })
    }

    /// Takes the next job out of its queue, as an idle worker does. Dropping it gives its slot back, unanswered.
    #[must_use]
    pub fn begin(&self) -> Option<Begun<J, R>> {
        self.crew.take().map(Begun)
    }

    /// Does a job that has begun.
    pub fn finish(&self, Begun(task): Begun<J, R>) {
        self.crew.finish(task);
    }
}

/// A job that a simulated worker is at.
#[cfg(feature = "testing")]
pub struct Begun<J, R>(Task<J, R>);

#[cfg(feature = "testing")]
impl<J, R> Begun<J, R> {
    /// The job.
    pub fn job_mut(&mut self) -> &mut J {
        &mut self.0.job
    }
}

impl<J, R> Drop for Pool<J, R> {
    fn drop(&mut self) {
        self.shutdown();
    }
}

impl<J, R> fmt::Debug for Pool<J, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("threads", &self.threads())
            .field("busy", &self.busy())
            .field("queued", &self.queued())
            .field("panics", &self.panics())
            .finish()
    }
}

/// What a [shutdown within a limit](Pool::shutdown_within) left undone.
pub struct Leftover<J, R> {
    /// Jobs that no worker has begun. Complete their permits to answer them.
    pub jobs: Vec<(Permit<R>, J)>,
    /// Workers that had not ended when the limit passed: each is at a job, or about to end.
    pub threads: usize,
}

impl<J, R> fmt::Display for Leftover<J, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (threads, jobs) = (self.threads, self.jobs.len());
        write!(f, "shutdown limit passed; workers still running: {threads}, jobs waiting: {jobs}")
    }
}

impl<J, R> fmt::Debug for Leftover<J, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leftover").field("jobs", &self.jobs.len()).field("threads", &self.threads).finish()
    }
}

impl<J, R> std::error::Error for Leftover<J, R> {}

impl Config {
    /// Checks every field; gives the number of threads to start.
    fn check(&self) -> io::Result<usize> {
        let invalid = |what: String| Err(io::Error::new(io::ErrorKind::InvalidInput, what));
        if self.threads > Self::THREADS_MAX {
            let (found, max) = (self.threads, Self::THREADS_MAX);
            return invalid(format!("threads is {found}, expected 0 to {max}"));
        }
        if !(1..=Self::QUEUE_CAPACITY_MAX).contains(&self.queue_capacity) {
            let (found, max) = (self.queue_capacity, Self::QUEUE_CAPACITY_MAX);
            return invalid(format!("queue capacity is {found}, expected 1 to {max}"));
        }
        if self.name_prefix.contains('\0') {
            return invalid("the name of the threads contains a NUL".to_owned());
        }
        if self.threads > 0 {
            return Ok(self.threads);
        }
        Ok(std::thread::available_parallelism()?.get().min(Self::THREADS_MAX))
    }
}
