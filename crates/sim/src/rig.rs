//! A reactor over a simulation, with workers whose time is virtual too.
#![expect(clippy::expect_used, reason = "a rig that cannot run has to fail its test")]

use std::sync::Arc;
use std::time::Duration;

use raida_reactor::clock::Clock;
use raida_reactor::counters::{Counters, Snapshot};
use raida_reactor::handle::Handle;
use raida_reactor::testing::{Held, Manners, RULES};
use raida_reactor::{Drained, Instant, Policy, Reactor, Settings, workers};
use raida_workers::Config;

use crate::clock::SimClock;
use crate::dice::Dice;
use crate::sim::Sim;
use crate::weather::Weather;

/// The real reactor, the test service and one worker, whose jobs take as long as the dice say.
///
/// The worker is a real thread. It stands still until the rig lets one job through, and the rig waits for the result
/// before it goes on, so a run depends on the seed alone.
pub struct Rig {
    /// The loop under test.
    pub reactor: Reactor<Sim, Manners, SimClock>,
    service: Arc<Manners>,
    counters: Arc<Counters>,
    clock: SimClock,
    dice: Dice,
    job_max: Duration,
    job_ends: Option<Instant>,
}

impl Rig {
    /// A rig in which a deferred request takes up to `job_max`.
    ///
    /// # Panics
    ///
    /// When the worker cannot be started.
    #[must_use]
    pub fn new(seed: u64, weather: Weather, job_max: Duration, set: impl FnOnce(&mut Settings)) -> Self {
        let sim = Sim::new(seed, weather);
        let (clock, service, counters) = (sim.clock(), Arc::new(Manners::default()), Arc::new(Counters::default()));
        let config = Config { threads: 1, queue_capacity: 4096, ..Config::default() };
        let pool = workers::pool(Arc::clone(&service), &config).expect("a worker can be started");
        let mut settings = Settings::new(Policy::new(RULES));
        set(&mut settings);
        let reactor =
            Reactor::new(sim, Arc::clone(&service), clock.clone(), settings, Arc::new(pool), Arc::clone(&counters));
        Self { reactor, service, counters, clock, dice: Dice::new(!seed), job_max, job_ends: None }
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

    /// One turn of the loop, and before it what the worker has finished by now.
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

    /// Lets the worker finish a job whose time has come.
    fn work(&mut self) {
        if self.counters.in_flight.get() == 0 {
            return;
        }
        match self.job_ends {
            Some(ends) if ends <= self.now() => {
                self.job_ends = None;
                self.service.gate.release(1);
                self.reactor.await_workers(1);
            }
            Some(_) => {}
            None => {
                let most = u64::try_from(self.job_max.as_micros()).unwrap_or(u64::MAX - 1);
                let takes = Duration::from_micros(self.dice.below(most + 1));
                self.job_ends = Some(self.now() + takes);
                self.sim().set_alarm(takes);
            }
        }
    }
}

impl Drop for Rig {
    /// The worker must not wait for ever.
    fn drop(&mut self) {
        self.service.gate.open();
    }
}
