//! Workers and batcher without threads: for simulations, where one thread does everything at times of its choice.

use std::fmt;
use std::io;
use std::sync::Arc;

use raida_workers::{Batcher, BatcherConfig, Begun, Config, Hand, Pool};

use super::{Finished, Job, Roads, WorkerPool, together};
use crate::service::Service;

/// Does the work at the ends of both roads when it is told to.
pub struct Hands {
    pool: Arc<WorkerPool>,
    batch: BatchHand,
}

type Together = Box<dyn FnMut(&mut [Job]) + Send>;
type BatchHand = Hand<Job, Finished, Together, fn(Job) -> Finished>;

/// A job that a simulated worker is at. Dropped, it is never answered.
pub struct Working(Begun<Job, Finished>);

impl Hands {
    /// Roads for a reactor that answer for `service`, and what moves them.
    ///
    /// # Errors
    ///
    /// A configuration out of range.
    pub fn roads<S: Service>(service: &Arc<S>, workers: &Config, batches: &BatcherConfig) -> io::Result<(Roads, Self)> {
        let worker = Arc::clone(service);
        let pool = Pool::by_hand(workers, move |job: &mut Job| job.run(&*worker), |mut job| job.finish())?;
        let run: Together = Box::new(together(Arc::clone(service)));
        let finish: fn(Job) -> Finished = |mut job| job.finish();
        let (batcher, batch) = Batcher::by_hand(batches, run, finish)?;
        let roads = Roads { pool: Arc::new(pool), batcher: Arc::new(batcher) };
        Ok((roads.clone(), Self { pool: roads.pool, batch }))
    }

    /// Takes the next job, as an idle worker does: those that were given up meanwhile go back on the way.
    #[must_use]
    pub fn begin_job(&self) -> Option<Working> {
        while let Some(mut begun) = self.pool.begin() {
            if begun.job_mut().begin() {
                return Some(Working(begun));
            }
            self.pool.finish(begun);
        }
        None
    }

    /// Does a job and delivers its answer.
    pub fn finish_job(&self, Working(job): Working) {
        self.pool.finish(job);
    }

    /// Takes all that waits as the next batch, unless one has begun already. Says how many requests are in the batch.
    pub fn begin_batch(&mut self) -> usize {
        let count = self.batch.begin();
        for job in self.batch.jobs_mut() {
            job.begin();
        }
        count
    }

    /// Does the batch that has begun and delivers its answers.
    pub fn finish_batch(&mut self) {
        self.batch.finish();
    }
}

impl fmt::Debug for Hands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hands").field("pool", &self.pool).finish_non_exhaustive()
    }
}

impl fmt::Debug for Working {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Working")
    }
}
