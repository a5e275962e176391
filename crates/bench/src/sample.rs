//! One contestant's turn at one workload: a figure for everything that is asked for.

use std::net::SocketAddrV4;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::net::{SendFlags, send};
use serde::Serialize;

use crate::load::{Drive, Mix, Pipeline, Progress, Record, Speech, Streams};
use crate::process::Process;
use crate::processors::{self, Division};
use crate::workload::{LASTING, Workload};

/// How long each part of a turn takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spans {
    pub(crate) warm_up: Duration,
    pub(crate) measure: Duration,
}

/// What one turn has come to.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Sample {
    /// Answers a second.
    pub(crate) rate: f64,
    /// Processor time of the server per answer, in microseconds.
    pub(crate) cpu_us: f64,
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
    pub(crate) p999_us: f64,
    /// Memory of the server's own per idle connection: before its first octet, and after it. In octets.
    pub(crate) idle_bytes: Option<[f64; 2]>,
}

/// A server and what it will be asked.
pub(crate) struct Turn<'t> {
    pub(crate) workload: &'t Workload,
    pub(crate) process: &'t Process,
    pub(crate) speech: Speech,
    pub(crate) questions: Mix,
    pub(crate) division: &'t Division,
    pub(crate) spans: Spans,
}

impl Turn<'_> {
    /// Runs it. Any error of any request is an error.
    pub(crate) fn run(&self) -> Result<Sample> {
        let crowd = Crowd::gather(self.process, self.workload.idle)?;
        let progress = Progress::default();
        let (record, figures) = thread::scope(|scope| {
            let client = if self.workload.is_crammed { &self.division.all } else { &self.division.client };
            let threads = if self.workload.is_crammed { 2 * self.division.all.count() } else { 1 };
            let life = || processors::on(client, || self.drive(&progress))?;
            let threads: Vec<_> = (0..threads).map(|_| scope.spawn(life)).collect();
            let figures = self.watch(&progress);
            progress.stop();
            let mut record = Record::new()?;
            for thread in threads {
                record.add(&thread.join().map_err(|_| anyhow::anyhow!("a client thread panicked"))??)?;
            }
            anyhow::Ok((record, figures?))
        })?;
        if let Some(error) = &record.error {
            bail!("{} of the requests failed, the first because {error}", record.errors);
        }
        let (rate, cpu_us) = figures;
        #[expect(clippy::cast_precision_loss, reason = "nanoseconds of a few seconds")]
        let quantile = |q| record.latencies.value_at_quantile(q) as f64 / 1000.0;
        Ok(Sample {
            rate,
            cpu_us,
            p50_us: quantile(0.5),
            p99_us: quantile(0.99),
            p999_us: quantile(0.999),
            idle_bytes: crowd.map(|crowd| crowd.bytes),
        })
    }

    fn drive(&self, progress: &Progress) -> Result<Record> {
        let (server, workload) = (self.process.address, self.workload);
        match (workload.depth, self.questions.first()) {
            (Some(depth), Some((question, _))) => {
                let question = Arc::clone(question);
                Pipeline { server, question, connections: LASTING, depth }.run(progress)
            }
            (Some(_), None) => bail!("nothing to ask"),
            (None, _) => {
                let (speech, mix, tricklers) = (self.speech, self.questions.clone(), workload.tricklers);
                Drive { server, speech, mix, pace: workload.pace, tricklers }.run(progress)
            }
        }
    }

    /// Rate and processor time per answer, between warming up and the end.
    #[expect(clippy::cast_precision_loss, reason = "fewer than 2^52 answers")]
    fn watch(&self, progress: &Progress) -> Result<(f64, f64)> {
        thread::sleep(self.spans.warm_up);
        progress.measure(true);
        let (start, before, cpu) = (Instant::now(), progress.answered(), self.process.processor_time()?);
        thread::sleep(self.spans.measure);
        let (span, answered) = (start.elapsed(), progress.answered() - before);
        let cpu = self.process.processor_time()?.saturating_sub(cpu);
        progress.measure(false);
        let answered = answered.max(1) as f64;
        Ok((answered / span.as_secs_f64(), cpu.as_secs_f64() * 1e6 / answered))
    }
}

/// Connections that are there and say nothing, or not much.
struct Crowd {
    _sockets: Vec<OwnedFd>,
    bytes: [f64; 2],
}

impl Crowd {
    /// Connects them and sees what that takes of the server's memory; `None`: nobody was wanted.
    fn gather(process: &Process, count: usize) -> Result<Option<Self>> {
        if count == 0 {
            return Ok(None);
        }
        settle(process)?;
        let before = process.memory()?;
        let mut streams = Streams::new(SocketAddrV4::clone(&process.address));
        let mut sockets = Vec::with_capacity(count);
        for number in 0..count {
            sockets.push(streams.connect()?);
            if number % 256 == 0 {
                // The server's backlog is not what is tested.
                thread::sleep(Duration::from_millis(5));
            }
        }
        settle(process)?;
        let silent = process.memory()?;
        for socket in &sockets {
            send(socket, &[1], SendFlags::NOSIGNAL).context("sending the first octet")?;
        }
        settle(process)?;
        let begun = process.memory()?;
        #[expect(clippy::cast_precision_loss, reason = "less than 2^52 octets")]
        let each = |after: u64| after.saturating_sub(before) as f64 / count as f64;
        Ok(Some(Self { _sockets: sockets, bytes: [each(silent), each(begun)] }))
    }
}

/// Lets the server come to rest: it has taken in what there was when it hardly uses a processor any more.
fn settle(process: &Process) -> Result<()> {
    const LOOKS: u32 = 200;
    let mut before = process.processor_time()?;
    for _ in 0..LOOKS {
        thread::sleep(Duration::from_millis(100));
        let now = process.processor_time()?;
        if now.saturating_sub(before) < Duration::from_millis(1) {
            return Ok(());
        }
        before = now;
    }
    bail!("the server did not come to rest")
}
