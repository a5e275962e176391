//! The node that is looked at.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use raida_node::Observer;
use raida_node::statistics::{Answers, judges_coins};
use raida_reactor::counters::{Counters, Snapshot};
use raida_reactor::handle::Handle;
use raida_reactor::latencies::bound_us;
use raida_reactor::workers::Roads;
use raida_reactor::{CloseReason, LiveConnection, Phase};
use raida_store::{Figures, Health};
use raida_wire::{Command, registry};

use crate::process;
use crate::report::{Bucket, CommandFigures, Connection, Connections, Report, RoadFigures, StoreFigures};
use crate::stage::Stage;

/// What never changes while a node runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Version of the program.
    pub version: String,
    /// Number in the network.
    pub raida_id: u8,
    /// Coin that it keeps.
    pub coin_id: u16,
    /// Kernel interface that carries the traffic.
    pub backend: &'static str,
    /// Where it listens.
    pub addresses: Vec<String>,
    /// Worker threads.
    pub workers: u64,
}

/// A node, as far as it can be looked at. Looking disturbs it very little: only [`connections`](Self::connections) and
/// [`silent_reactors`](Self::silent_reactors) ask the I/O threads for anything.
pub struct Subject {
    facts: Facts,
    started: Instant,
    stage: Stage,
    limits: Mutex<BTreeMap<String, u64>>,
    reactors: Vec<(Handle, Arc<Counters>)>,
    node: Observer,
    roads: Roads,
}

impl Subject {
    /// The node with these reactors and the threads behind them, which starts now.
    #[must_use]
    pub fn new(facts: Facts, reactors: Vec<(Handle, Arc<Counters>)>, node: Observer, roads: Roads) -> Self {
        let (stage, limits) = (Stage::default(), Mutex::default());
        Self { facts, started: Instant::now(), stage, limits, reactors, node, roads }
    }

    /// The bounds that it shows from now on, by name.
    pub fn set_limits(&self, limits: BTreeMap<String, u64>) {
        *self.limits() = limits;
    }

    fn limits(&self) -> MutexGuard<'_, BTreeMap<String, u64>> {
        self.limits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How things stand, in one line.
    #[must_use]
    pub fn status(&self) -> String {
        let Snapshot { open, requests, datagrams_in, in_flight, waiting, .. } = self.snapshot();
        let stage = self.stage.as_str();
        format!(
            "{stage} {}: {open} connections open, {requests} requests, {datagrams_in} datagrams, {in_flight} with \
             workers, {waiting} waiting",
            self.facts.addresses.join(",")
        )
    }

    /// Where it stands in its life.
    #[must_use]
    pub fn stage(&self) -> &Stage {
        &self.stage
    }

    /// What the reactors have counted, added up.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let mut sum = Snapshot::default();
        self.reactors.iter().for_each(|(_, counters)| sum.merge(&counters.snapshot()));
        sum
    }

    /// Everything there is to know, but for single connections.
    #[must_use]
    pub fn report(&self) -> Report {
        let Facts { version, raida_id, coin_id, backend, addresses, workers } = self.facts.clone();
        let sum = self.snapshot();
        Report {
            version,
            raida_id,
            coin_id,
            backend: backend.to_owned(),
            stage: self.stage.as_str().to_owned(),
            addresses,
            reactors: self.reactors.len() as u64,
            workers,
            uptime_ms: millis(self.started.elapsed()),
            figures: sum.figures().map(|(name, _, value)| (name.to_owned(), value)).collect(),
            answers: by_status(&sum.answers),
            refusals: by_status(&sum.refusals),
            closes: CloseReason::NAMES.iter().map(|name| (*name).to_owned()).zip(sum.closes).collect(),
            latencies: buckets(&sum),
            latency_total_us: sum.latencies.total_us,
            limits: self.limits().clone(),
            process: process::read(),
            store: self.store_figures(),
            commands: self.node.answers().map(|(command, answers)| command_figures(command, answers)).collect(),
            declined: self.node.refusals().into_iter().map(|(bound, count)| (bound.to_owned(), count)).collect(),
            service: self.node.figures().all().map(|(name, _, value)| (name.to_owned(), value)).collect(),
            roads: self.road_figures(),
        }
    }

    fn road_figures(&self) -> RoadFigures {
        let Roads { pool, batcher } = &self.roads;
        let batches = batcher.batches();
        RoadFigures {
            workers_busy: pool.busy() as u64,
            workers_queued: pool.queued() as u64,
            batch_queued: batcher.queued() as u64,
            batches: batches.batches,
            batch_requests: batches.jobs,
            batch_requests_largest: batches.largest as u64,
        }
    }

    fn store_figures(&self) -> StoreFigures {
        let Figures { commits, commit_time, hits, misses, evictions } = self.node.store().figures();
        let Health { takes_changes, failures, recoveries } = self.node.store().health();
        StoreFigures {
            commits,
            commit_us: u64::try_from(commit_time.as_micros()).unwrap_or(u64::MAX),
            hits,
            misses,
            evictions,
            takes_changes: takes_changes.into(),
            failures,
            recoveries,
            issued: self.node.store().issued().0.into_iter().map(u64::from).sum(),
            cached: self.node.store().cached_chunks() as u64,
        }
    }

    /// The open connections, so many at most. Waits so long for the I/O threads.
    #[must_use]
    pub fn connections(&self, most: usize, patience: Duration) -> Connections {
        // One more than is wanted tells whether there were more.
        let ask = |(handle, _): &(Handle, _)| handle.connections(most.saturating_add(1));
        let (mut connections, mut silent_reactors) = (Vec::new(), Vec::new());
        for (reactor, answer) in collect(self.reactors.iter().map(ask).collect(), patience).into_iter().enumerate() {
            let reactor = reactor as u64;
            match answer {
                Some(live) => connections.extend(live.iter().map(|live| connection(reactor, live))),
                None => silent_reactors.push(reactor),
            }
        }
        let is_cut = connections.len() > most;
        connections.truncate(most);
        Connections { connections, is_cut, silent_reactors }
    }

    /// The I/O threads that do not turn, by number: they have not answered within this time.
    #[must_use]
    pub fn silent_reactors(&self, patience: Duration) -> Vec<usize> {
        let answers = collect(self.reactors.iter().map(|(handle, _)| handle.ping()).collect(), patience);
        answers.into_iter().enumerate().filter(|(_, answer)| answer.is_none()).map(|(number, _)| number).collect()
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject").field("facts", &self.facts).field("stage", &self.stage).finish_non_exhaustive()
    }
}

/// Waits for all of them together, so long at most.
fn collect<T>(questions: Vec<Receiver<T>>, patience: Duration) -> Vec<Option<T>> {
    let until = Instant::now() + patience;
    let wait = |answer: Receiver<T>| answer.recv_timeout(until.saturating_duration_since(Instant::now())).ok();
    questions.into_iter().map(wait).collect()
}
fn connection(reactor: u64, live: &LiveConnection) -> Connection {
    let state = match live.phase {
        _ if live.is_waiting => "queued",
        Phase::WantReadHeader => "header",
        Phase::WantReadBody => "body",
        Phase::Processing => "processing",
        Phase::WantWrite => "writing",
        Phase::Lingering => "lingering",
        Phase::Done => "closing",
    };
    Connection {
        peer: live.peer.to_string(),
        state: state.to_owned(),
        age_ms: millis(live.age),
        bytes_in: live.octets_in,
        bytes_out: live.octets_out,
        reactor,
    }
}

fn command_figures(command: Option<Command>, answers: Answers) -> CommandFigures {
    let Answers { pass, fail, mixed, refused, coins_passed, coins_failed } = answers;
    let counts = |counts: &[(&str, u64)]| counts.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
    let coins: &[_] =
        if command.is_some_and(judges_coins) { &[("pass", coins_passed), ("fail", coins_failed)] } else { &[] };
    CommandFigures {
        command: command.map_or("other".to_owned(), |command| command.to_string()),
        name: command.and_then(registry::lookup).map_or("not on offer", |entry| entry.name).to_owned(),
        answers: counts(&[("pass", pass), ("fail", fail), ("mixed", mixed), ("refused", refused)]),
        coins: counts(coins),
    }
}

fn by_status(counts: &[u64]) -> BTreeMap<u8, u64> {
    (0..=u8::MAX).zip(counts.iter().copied()).filter(|(_, count)| *count > 0).collect()
}

fn buckets(sum: &Snapshot) -> Vec<Bucket> {
    let bucket = |(number, count): (usize, &u64)| Bucket { at_most_us: bound_us(number), count: *count };
    sum.latencies.buckets.iter().enumerate().map(bucket).collect()
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
