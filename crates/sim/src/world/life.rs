//! One life of the node, from its start to its stop or its crash.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::Duration;

use raida_node::{AdminKey, NoPeers, Node, Settings, Surroundings};
use raida_reactor::counters::Counters;
use raida_reactor::service::{Answer, Call, Flow, Place, Request, Service, Weight};
use raida_reactor::workers::single_thread::{Hands, Working};
use raida_reactor::{Drained, Instant, Reactor};
use raida_store::testing::Disk;
use raida_store::{Options, Store};
use raida_wire::vote::{self, ANSWER_LEN};
use raida_wire::{Head, Month, Status};
use raida_workers::{BatcherConfig, Config};

use super::Violation;
use super::plan::{Plan, RAIDA_ID, Work};
use crate::clock::SimClock;
use crate::dice::Dice;
use crate::sim::Sim;

/// A running node, with workers that are moved by hand.
pub(crate) struct Life {
    pub(crate) reactor: Reactor<Sim, Faulty, SimClock>,
    pub(crate) store: Arc<Store>,
    pub(crate) counters: Arc<Counters>,
    service: Arc<Faulty>,
    hands: Hands,
    /// What simulated workers are at, and until when.
    working: Vec<(Instant, Working)>,
    batch_ends: Option<Instant>,
    workers: usize,
    work: Work,
    /// Until when a worker or the batcher stands still.
    pub(crate) stalled_until: Instant,
}

/// The node, whose workers panic when they are told to.
pub(crate) struct Faulty {
    node: Node,
    panics: AtomicBool,
    panics_late: AtomicBool,
}

/// What opens the coins of the simulated node.
pub(crate) fn options(cache_pages: usize) -> Options {
    Options { cache_pages, database_cache: 1 << 20, ..Options::new([7; 32]) }
}

impl Life {
    /// Starts the node on this disk and this network.
    pub(crate) fn begin(plan: &Plan, disk: &Disk, sim: Sim, month: Arc<AtomicU8>) -> Result<Self, Violation> {
        let failed = |what: &str, error: &dyn std::fmt::Display| Violation(format!("{what}: {error}"));
        let store = Store::open_on(disk.plug_in(), &options(plan.cache_pages));
        let store = Arc::new(store.map_err(|error| failed("the coins do not open again", &error))?);
        let clock = sim.clock();
        let surroundings = Surroundings {
            store: Arc::clone(&store),
            clock: Arc::new(clock.clone()),
            // ORDERING: Relaxed: one thread.
            calendar: Arc::new(move || Month(month.load(Ordering::Relaxed))),
            peers: Arc::new(NoPeers),
        };
        let node = Node::new(Settings::new(RAIDA_ID, AdminKey::new([0xAD; 16])), surroundings);
        let service = Arc::new(Faulty { node, panics: AtomicBool::new(false), panics_late: AtomicBool::new(false) });
        let workers = Config { threads: plan.workers, queue_capacity: plan.queue, ..Config::default() };
        let batches = BatcherConfig { queue_capacity: plan.queue, batch_max: 64, ..BatcherConfig::default() };
        let roads = Hands::roads(&service, &workers, &batches);
        let (roads, hands) = roads.map_err(|error| failed("the workers do not start", &error))?;
        let counters = Arc::new(Counters::default());
        let reactor =
            Reactor::new(sim, Arc::clone(&service), clock, plan.settings.clone(), roads, Arc::clone(&counters));
        Ok(Self {
            reactor,
            store,
            counters,
            service,
            hands,
            working: Vec::new(),
            batch_ends: None,
            workers: plan.workers,
            work: plan.work,
            stalled_until: Instant::default(),
        })
    }

    /// Workers and batcher do what they have to do by `now`. Says whether a batch was done.
    pub(crate) fn work(&mut self, now: Instant, dice: &mut Dice) -> bool {
        while let Some(next) = (0..self.working.len()).min_by_key(|&n| self.working.get(n).map(|(end, _)| *end))
            && self.working.get(next).is_some_and(|(end, _)| *end <= now)
        {
            let (_, job) = self.working.swap_remove(next);
            self.set_panic(dice);
            self.hands.finish_job(job);
        }
        while self.working.len() < self.workers
            && let Some(job) = self.hands.begin_job()
        {
            let end = self.takes(now, dice);
            self.working.push((end, job));
        }
        let is_done = self.batch_ends.is_some_and(|end| end <= now);
        if is_done {
            self.set_panic(dice);
            self.hands.finish_batch();
            self.batch_ends = None;
        }
        if self.batch_ends.is_none() && self.hands.begin_batch() > 0 {
            self.batch_ends = Some(self.takes(now, dice));
        }
        is_done
    }

    /// Whether a batch has begun.
    pub(crate) fn is_at_batch(&self) -> bool {
        self.batch_ends.is_some()
    }

    /// Does the batch that has begun now, and nothing with its results.
    pub(crate) fn hurry_batch(&mut self) {
        self.hands.finish_batch();
    }

    /// Whether a request is with a worker or the batcher, or waits for one of them.
    pub(crate) fn is_working(&mut self) -> bool {
        if !self.is_at_batch() && self.hands.begin_batch() > 0 {
            self.batch_ends = Some(Instant::default());
        }
        if let Some(job) = self.hands.begin_job() {
            self.working.push((Instant::default(), job));
        }
        self.is_at_batch() || !self.working.is_empty()
    }

    /// Does everything that was accepted, as the pool and the batcher do at their end.
    pub(crate) fn finish_work(&mut self, dice: &mut Dice) {
        while self.is_working() {
            self.work(Instant::from_micros(u64::MAX), dice);
        }
    }

    /// One turn of the loop.
    pub(crate) fn turn(&mut self) -> Result<Option<Drained>, Violation> {
        self.reactor.turn().map_err(|error| Violation(format!("the loop stopped: {error}")))
    }

    /// Ends it, and gives the network back.
    pub(crate) fn end(mut self) -> Sim {
        std::mem::replace(self.reactor.backend_mut(), Sim::new(0, crate::weather::Weather::calm()))
    }

    /// When the work that begins now ends. The wait of the loop will end then.
    fn takes(&mut self, now: Instant, dice: &mut Dice) -> Instant {
        let Work { max, stall_permille, stall_max, .. } = self.work;
        let stalls = dice.below(1000) < u64::from(stall_permille);
        let most = if stalls { stall_max } else { max };
        let span = Duration::from_micros(dice.below(u64::try_from(most.as_micros()).unwrap_or(u64::MAX)));
        if stalls {
            self.stalled_until = self.stalled_until.max(now + span);
        }
        self.reactor.backend_mut().set_alarm(span);
        now + span
    }

    /// From now on nothing stalls and nothing panics.
    pub(crate) fn calm_down(&mut self) {
        (self.work.stall_permille, self.work.panic_permille) = (0, 0);
        // Of work that ended before it came to its panic.
        for planned in [&self.service.panics, &self.service.panics_late] {
            planned.store(false, Ordering::Relaxed);
        }
    }

    fn set_panic(&self, dice: &mut Dice) {
        let panics = dice.below(1000) < u64::from(self.work.panic_permille);
        // ORDERING: Relaxed, here and below: one thread.
        let which = if dice.odds(50) { &self.service.panics } else { &self.service.panics_late };
        which.store(panics, Ordering::Relaxed);
    }
}

impl Faulty {
    fn panic_if(&self, told: &AtomicBool) {
        if told.swap(false, Ordering::Relaxed) {
            // A panic in everything but the noise of the panic hook.
            std::panic::resume_unwind(Box::new("as planned"));
        }
    }
}

impl Service for Faulty {
    fn admit(&self, head: &Head) -> Result<(), Status> {
        self.node.admit(head)
    }

    fn repeat(&self, request: &Request<'_>, answer: &mut Answer<'_>) -> Option<Flow> {
        self.node.repeat(request, answer)
    }

    fn weight(&self, head: &Head) -> Weight {
        self.node.weight(head)
    }

    fn call(&self, request: &mut Request<'_>, answer: &mut Answer<'_>, place: Place) -> Flow {
        if place == Place::Reactor {
            return self.node.call(request, answer, place);
        }
        self.panic_if(&self.panics);
        let flow = self.node.call(request, answer, place);
        self.panic_if(&self.panics_late);
        flow
    }

    fn call_together(&self, calls: &mut [Call<'_>]) {
        self.panic_if(&self.panics);
        self.node.call_together(calls);
        self.panic_if(&self.panics_late);
    }

    fn vote(&self, request: &vote::Request<'_>) -> [u8; ANSWER_LEN] {
        self.node.vote(request)
    }
}
