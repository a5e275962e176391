//! A reactor over a simulation, with other threads whose time is virtual too.
#![expect(clippy::expect_used, reason = "a rig that cannot run has to fail its test")]

use std::sync::Arc;
use std::time::Duration;

use raida_reactor::clock::Clock;
use raida_reactor::counters::{Counters, Snapshot};
use raida_reactor::handle::Handle;
use raida_reactor::testing::{Held, Manners, RULES};
use raida_reactor::workers::single_thread::{Hands, Working};
use raida_reactor::{Drained, Instant, Policy, Reactor, Settings};
use raida_workers::{BatcherConfig, Config};

use crate::clock::SimClock;
use crate::dice::Dice;
use crate::sim::Sim;
use crate::weather::Weather;

/// The real reactor, the test service, one worker and one batcher, whose work takes as long as the dice say.
///
/// No thread but the caller's has a part in it, so a run depends on the seed alone.
pub struct Rig {
    /// The loop under test.
    pub reactor: Reactor<Sim, Manners, SimClock>,
    hands: Hands,
    counters: Arc<Counters>,
    clock: SimClock,
    dice: Dice,
    job: Stint,
    working: Option<Working>,
    batch: Stint,
}

/// Virtual work: a job, or a batch.
struct Stint {
    max: Duration,
    ends: Option<Instant>,
}

impl Rig {
    /// A rig in which a deferred request, or a batch, takes up to `job_max`.
    ///
    /// # Panics
    ///
    /// Never.
    #[must_use]
    pub fn new(seed: u64, weather: Weather, job_max: Duration, set: impl FnOnce(&mut Settings)) -> Self {
        let batcher = BatcherConfig { queue_capacity: 4096, ..BatcherConfig::default() };
        Self::with_batcher(&batcher, seed, weather, job_max, set)
    }

    /// A rig with this batcher.
    ///
    /// # Panics
    ///
    /// When the batcher's configuration is out of range.
    #[must_use]
    pub fn with_batcher(
        batcher: &BatcherConfig,
        seed: u64,
        weather: Weather,
        job_max: Duration,
        set: impl FnOnce(&mut Settings),
    ) -> Self {
        let sim = Sim::new(seed, weather);
        let (clock, service, counters) = (sim.clock(), Arc::new(Manners::default()), Arc::new(Counters::default()));
        service.gate.open();
        service.batch_gate.open();
        let config = Config { threads: 1, queue_capacity: 4096, ..Config::default() };
        let (roads, hands) = Hands::roads(&service, &config, batcher).expect("the configuration is in range");
        let mut settings = Settings::new(Policy::new(RULES));
        set(&mut settings);
        let reactor = Reactor::new(sim, service, clock.clone(), settings, roads, Arc::clone(&counters));
        let stint = |max| Stint { max, ends: None };
        let (job, batch) = (stint(job_max), stint(job_max));
        Self { reactor, hands, counters, clock, dice: Dice::new(!seed), job, working: None, batch }
    }

    /// From now on a batch takes up to `max`.
    pub fn set_batch_max(&mut self, max: Duration) {
        self.batch.max = max;
    }

    /// The simulation, to add clients to it and to look at them.
    pub fn sim(&mut self) -> &mut Sim {
        self.reactor.backend_mut()
    }

    /// The time by the simulation's clock.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.clock.now()
    }

    /// The reactor's figures.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.counters.snapshot()
    }

    /// What the reactor holds.
    #[must_use]
    pub fn held(&self) -> Held {
        self.reactor.held()
    }

    /// What ends the reactor.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.reactor.handle()
    }

    /// One turn of the loop, and before it what the other threads have finished by now.
    ///
    /// # Panics
    ///
    /// When the loop reports that its backend is broken, which a simulation never is.
    pub fn turn(&mut self) -> Option<Drained> {
        self.work();
        self.reactor.turn().expect("a simulation does not break")
    }

    /// Turns until nothing is open and nothing will happen any more, but not past `limit`. Says whether it came to that.
    ///
    /// # Panics
    ///
    /// When the loop reports that its backend is broken, which a simulation never is.
    #[must_use]
    pub fn run(&mut self, limit: Duration) -> bool {
        while !self.is_quiet() {
            if self.now() > Instant::from_micros(0) + limit {
                return false;
            }
            self.turn();
        }
        true
    }

    /// Turns until `span` has passed.
    ///
    /// # Panics
    ///
    /// When the loop reports that its backend is broken, which a simulation never is.
    pub fn run_for(&mut self, span: Duration) {
        let until = self.now() + span;
        self.sim().set_alarm(span);
        while self.now() < until {
            self.turn();
        }
    }

    /// Turns until the reactor has stopped.
    ///
    /// # Panics
    ///
    /// When the loop reports that its backend is broken, which a simulation never is.
    pub fn run_down(&mut self) -> Drained {
        loop {
            if let Some(drained) = self.turn() {
                return drained;
            }
        }
    }

    fn is_quiet(&mut self) -> bool {
        let figures = [&self.counters.open, &self.counters.in_flight, &self.counters.waiting];
        figures.iter().all(|figure| figure.get() == 0) && self.counters.turns.get() > 0 && self.sim().is_quiet()
    }

    /// Lets the worker finish a job whose time has come, and the batcher a batch; both then take what waits.
    fn work(&mut self) {
        self.working = self.working.take().or_else(|| self.hands.begin_job());
        if self.working.is_some()
            && self.is_due(|rig| &mut rig.job)
            && let Some(job) = self.working.take()
        {
            self.hands.finish_job(job);
        }
        if self.hands.begin_batch() > 0 && self.is_due(|rig| &mut rig.batch) {
            self.hands.finish_batch();
        }
    }

    /// Whether the time of some work has come. Where it has not begun, it begins.
    fn is_due(&mut self, stint: impl Fn(&mut Self) -> &mut Stint) -> bool {
        let now = self.now();
        let Stint { max, ends } = stint(self);
        if let Some(end) = *ends {
            let is_due = end <= now;
            *ends = Some(end).filter(|_| !is_due);
            return is_due;
        }
        let most = u64::try_from(max.as_micros()).unwrap_or(u64::MAX - 1);
        let takes = Duration::from_micros(self.dice.below(most + 1));
        stint(self).ends = Some(now + takes);
        self.sim().set_alarm(takes);
        false
    }
}
