//! The run: clients act, the node works, things go wrong, promises are checked.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use raida_reactor::clock::Clock;
use raida_reactor::{Drained, Instant};
use raida_store::Store;
use raida_store::testing::Disk;
use raida_wire::Status;

use super::actor::Actor;
use super::fate::{Ambush, Fate};
use super::life::{Life, options};
use super::money::{Owned, conserves_value, issue};
use super::plan::Plan;
use super::scene::{AFTERMATH, Scene, Troubles};
use super::{Report, Violation, hostile, violated, watch};
use crate::client::ClientId;
use crate::clock::SimClock;
use crate::dice::Dice;
use crate::network::News;
use crate::script::Script;
use crate::sim::Sim;
use crate::weather::Weather;

/// A node, its clients, and their common fate.
pub struct World {
    plan: Plan,
    dice: Dice,
    clock: SimClock,
    disk: Disk,
    node: Node,
    month: Arc<AtomicU8>,
    actors: Vec<Actor>,
    /// Whose connections they are.
    owners: BTreeMap<ClientId, usize>,
    addresses: BTreeMap<SocketAddr, usize>,
    troubles: Troubles,
    /// Failures of the life before, as far as they were noticed.
    noticed: u64,
    /// The time, and how often the node has had a turn at that time.
    turns: (Instant, u32),
    disk_is_broken: bool,
    /// A stop that waits for its moment.
    ambush: Option<Ambush>,
    asks: bool,
    report: Report,
}

/// Whether the node runs.
enum Node {
    Up(Box<Life>),
    Down(Box<Sim>),
    /// Between the two.
    Nowhere,
}

/// How often promises are checked that take a look at everybody.
const LOOK: Duration = Duration::from_secs(10);
/// How often the Merkle trees are brought up to date.
const TICK: Duration = Duration::from_secs(300);
/// How long a stop waits for its moment.
const PATIENCE: Duration = Duration::from_secs(20);
/// How many turns the node may have without that time goes on.
const TURNS_MAX: u32 = 20_000;
/// How long it takes until all is calm, and how long the last questions may take.
const LAST: Duration = Duration::from_secs(200);
/// Who asks last, whether for a change, and whether by datagram.
const LAST_QUESTIONS: [(usize, bool, bool); 4] =
    [(0, false, false), (1, false, true), (2, true, false), (3, true, true)];

impl World {
    /// Makes the coins, the clients and the network, and starts the node.
    ///
    /// # Errors
    ///
    /// Where the node does not start.
    pub fn new(plan: Plan) -> Result<Self, Violation> {
        let mut sim = Sim::new(plan.seed, plan.weather);
        sim.give_news();
        let (clock, disk, month) = (sim.clock(), Disk::new(), Arc::new(AtomicU8::new(40)));
        let actors: Vec<_> = (0..plan.clients).map(Actor::new).collect();
        issue(&disk, actors.iter().flat_map(|actor| &actor.coins))
            .map_err(|error| Violation(format!("coins can not be issued: {error}")))?;
        let addresses = actors.iter().enumerate().map(|(n, actor)| (actor.peer(), n)).collect();
        let life = Life::begin(&plan, &disk, sim, Arc::clone(&month))?;
        let mut world = Self {
            dice: Dice::new(!plan.seed),
            clock,
            disk,
            node: Node::Up(Box::new(life)),
            month,
            actors,
            owners: BTreeMap::new(),
            addresses,
            troubles: Troubles::default(),
            noticed: 0,
            turns: (Instant::default(), 0),
            disk_is_broken: false,
            ambush: None,
            asks: true,
            report: Report::default(),
            plan,
        };
        world.schedule_all();
        Ok(world)
    }

    /// Lets it all happen.
    ///
    /// # Errors
    ///
    /// The first promise that the node breaks.
    pub fn run(mut self) -> Result<Report, Violation> {
        let end = Instant::default() + self.plan.span;
        while self.now() < end {
            self.step()?;
        }
        self.come_to_rest()?;
        self.stop();
        while matches!(self.node, Node::Up(_)) {
            self.step()?;
        }
        self.count_coins()?;
        self.report.hash ^= self.sim().map_or(0, |sim| sim.trace());
        for actor in &self.actors {
            self.report.answers += actor.tally.answers;
            self.report.changes += actor.tally.changes;
            self.report.settled += actor.tally.settled;
        }
        Ok(self.report)
    }

    fn now(&self) -> Instant {
        self.clock.now()
    }

    fn sim(&mut self) -> Option<&mut Sim> {
        match &mut self.node {
            Node::Up(life) => Some(life.reactor.backend_mut()),
            Node::Down(sim) => Some(sim),
            Node::Nowhere => None,
        }
    }

    /// Everybody hears the news, then the node has a turn.
    fn step(&mut self) -> Result<(), Violation> {
        let news = self.sim().map(Sim::take_news).unwrap_or_default();
        news.into_iter().try_for_each(|news| self.hear(news))?;
        let (now, is_stopping) = (self.now(), self.troubles.finishes_until.is_some());
        self.turns = if self.turns.0 == now { (now, self.turns.1 + 1) } else { (now, 0) };
        if self.turns.1 > TURNS_MAX {
            return violated(format!("the node spins: {TURNS_MAX} turns at {now:?}"));
        }
        match &mut self.node {
            Node::Up(life) => {
                if life.work(now, &mut self.dice) {
                    conserves_value(&life.store, self.plan.clients)?;
                }
                let drained = life.turn()?;
                watch::every_turn(&self.plan, life, is_stopping)?;
                let is_due = |ambush: &Ambush| ambush.until <= now || ambush.is_due(life, self.owners.keys());
                let stops = self.ambush.take_if(|ambush| is_due(ambush)).is_some();
                self.notice();
                if stops {
                    self.stop();
                }
                if let Some(drained) = drained {
                    self.stopped(drained)?;
                }
            }
            Node::Down(sim) => sim.pass(Duration::from_secs(1)),
            Node::Nowhere => return violated("the node is lost"),
        }
        Ok(())
    }

    fn hear(&mut self, news: News) -> Result<(), Violation> {
        match news {
            News::Call(number) => {
                if let Some(fate) = Fate::of(number) {
                    return self.befall(fate);
                }
                let (now, asks) = (self.now(), self.asks);
                let actor = usize::try_from(number).unwrap_or(usize::MAX);
                self.with(actor, |actor, scene| if actor.wakes_at > now { Ok(None) } else { actor.wake(scene, asks) })
            }
            News::Ended(id) => {
                let owner = self.owners.remove(&id);
                let outcome = owner.map_or(Ok(()), |owner| self.with(owner, |actor, scene| actor.over(scene, id)));
                if let Some(sim) = self.sim() {
                    sim.forget(id);
                }
                outcome
            }
            News::Datagram(peer, octets) => {
                let asker = self.addresses.get(&peer).copied();
                asker.map_or(Ok(()), |asker| self.with(asker, |actor, scene| actor.datagram(scene, &octets)))
            }
        }
    }

    /// Lets a client act, and gives it a pause where it has nothing to wait for.
    fn with(
        &mut self,
        number: usize,
        act: impl FnOnce(&mut Actor, &mut Scene<'_>) -> Result<Option<ClientId>, Violation>,
    ) -> Result<(), Violation> {
        let now = self.now();
        let is_calm = self.is_calm();
        let sim = match &mut self.node {
            Node::Up(life) => life.reactor.backend_mut(),
            Node::Down(sim) => sim,
            Node::Nowhere => return Ok(()),
        };
        let Some(actor) = self.actors.get_mut(number) else { return Ok(()) };
        let mut scene = Scene {
            sim,
            dice: &mut self.dice,
            now,
            troubles: &self.troubles,
            is_calm,
            is_lossy: self.plan.weather.loss_percent > 0 || self.plan.weather.mailbox < usize::MAX,
            is_short: self.plan.settings.buffer_octets_max < 64 << 20,
            is_prompt: self.plan.is_prompt(),
            requests_max: self.plan.settings.policy.requests_max,
        };
        let opened = act(actor, &mut scene)?;
        if actor.is_idle() && actor.wakes_at <= now {
            let most = u64::try_from(self.plan.think.as_micros()).unwrap_or(u64::MAX);
            let span = Duration::from_micros(1 + scene.dice.below(most));
            actor.call(&mut scene, span);
        }
        if let Some(id) = opened {
            self.owners.insert(id, number);
        }
        let tally = actor.tally;
        self.report.hash =
            (self.report.hash ^ tally.answers ^ tally.changes << 20 ^ tally.settled << 40 ^ now.as_micros())
                .wrapping_mul(0x0100_0000_01B3)
                .rotate_left(17);
        Ok(())
    }

    /// Whether no request is anywhere inside the node, and none can come late.
    fn is_calm(&self) -> bool {
        let has_settled = self.now() > self.troubles.jumped_at + Duration::from_secs(5);
        has_settled
            && match &self.node {
                Node::Up(life) => {
                    let counters = &life.counters;
                    counters.in_flight.get() == 0
                        && counters.waiting.get() == 0
                        && life.reactor.backend().mailbox_is_empty()
                        && self.troubles.finishes_until.is_none()
                }
                Node::Down(_) | Node::Nowhere => false,
            }
    }

    /// Notices what excuses the node.
    fn notice(&mut self) {
        let now = self.now();
        let Node::Up(life) = &self.node else { return };
        let counters = &life.counters;
        let failures = [&counters.refused_full, &counters.refused_source, &counters.accept_failures, &counters.shed];
        let failures = failures.iter().map(|counter| counter.get()).sum();
        if failures > self.noticed {
            self.noticed = failures;
            self.troubles.fault(now);
        }
        if life.reactor.backend().descriptors_used() >= self.plan.weather.descriptors {
            self.troubles.fault(now + AFTERMATH);
        }
        if life.stalled_until > now {
            self.troubles.fault(life.stalled_until + AFTERMATH);
        }
    }

    fn befall(&mut self, fate: Fate) -> Result<(), Violation> {
        if self.asks || matches!(fate, Fate::Mend | Fate::Start | Fate::Look | Fate::Tick) {
            self.schedule(fate);
        }
        match fate {
            Fate::Start => self.start(),
            Fate::Look => self.look(),
            Fate::Tick => self.tick(),
            Fate::Mend => self.mend(),
            _ if !self.asks => Ok(()),
            Fate::Burst => {
                let mut dice = Dice::new(self.dice.roll());
                if let Some(sim) = self.sim() {
                    hostile::burst(sim, &mut dice);
                }
                Ok(())
            }
            Fate::Jump => {
                let span = Duration::from_millis(1 << self.dice.below(17));
                if let Some(sim) = self.sim() {
                    sim.skip(span);
                }
                let now = self.now();
                (self.troubles.jumped_at, self.troubles.forgot_at) = (now, now);
                self.troubles.fault(now + AFTERMATH);
                // ORDERING: Relaxed: one thread.
                self.month.store(u8::try_from(self.dice.below(256)).unwrap_or(1), Ordering::Relaxed);
                self.report.jumps += 1;
                Ok(())
            }
            Fate::Stop => {
                let now = self.now();
                match self.dice.odds(80) {
                    true => self.ambush = Some(Ambush::new(&mut self.dice, now + PATIENCE)),
                    false => self.stop(),
                }
                Ok(())
            }
            Fate::Crash => self.crash(),
            Fate::BreakDisk => {
                self.disk.fail_after(self.dice.below(40));
                self.disk_is_broken = true;
                let span = Duration::from_millis(self.dice.below(20_000));
                let fate = if self.dice.odds(50) { Fate::Crash } else { Fate::Mend };
                self.call(fate, span);
                Ok(())
            }
        }
    }

    /// The store's caretaker tries to go on, and perhaps the disk works again.
    fn mend(&mut self) -> Result<(), Violation> {
        let Node::Up(life) = &self.node else { return Ok(()) };
        if !self.disk_is_broken {
            return Ok(());
        }
        if self.dice.odds(40) {
            // It says that the disk still fails, where it has noticed that at all.
            drop(life.store.recover());
            let span = Duration::from_secs(1 << self.dice.below(4));
            self.call(Fate::Mend, span);
            return Ok(());
        }
        self.disk.work_again();
        let recovered = life.store.recover().and(life.store.recover());
        if recovered.is_ok_and(|is_broken| !is_broken) && life.store.health().takes_changes {
            self.disk_is_broken = false;
            self.report.mends += 1;
            return conserves_value(&life.store, self.plan.clients);
        }
        violated("the disk works again, and the coins do not")
    }

    /// Everything is on the calendar for the first time.
    fn schedule_all(&mut self) {
        for fate in Fate::ALL {
            self.schedule(fate);
        }
        for actor in 0..self.actors.len() {
            let most = u64::try_from(self.plan.think.as_micros()).unwrap_or(u64::MAX);
            let span = Duration::from_micros(self.dice.below(most));
            if let Some(sim) = self.sim() {
                sim.call(span, actor as u64);
            }
        }
    }

    /// The next time.
    fn schedule(&mut self, fate: Fate) {
        let every = match fate {
            Fate::Burst => self.plan.hostile_every,
            Fate::Jump => self.plan.jump_every,
            Fate::Stop => self.plan.stop_every,
            Fate::Crash => self.plan.crash_every,
            Fate::BreakDisk => self.plan.disk_every,
            Fate::Mend | Fate::Start => None,
            Fate::Look => return self.call(fate, LOOK),
            Fate::Tick => return self.call(fate, TICK),
        };
        if let Some(every) = every {
            let most = u64::try_from(every.as_micros()).unwrap_or(u64::MAX / 2);
            let span = Duration::from_micros(self.dice.below(2 * most));
            self.call(fate, span);
        }
    }

    fn call(&mut self, fate: Fate, span: Duration) {
        if let Some(sim) = self.sim() {
            sim.call(span, fate.number());
        }
    }

    /// A look at everybody. `Crash` may be due twice where a disk broke; both times do no harm.
    fn look(&self) -> Result<(), Violation> {
        match &self.node {
            Node::Up(life) => watch::at_times(&self.plan, life, &self.troubles, self.now()),
            Node::Down(_) | Node::Nowhere => Ok(()),
        }
    }

    fn tick(&self) -> Result<(), Violation> {
        match &self.node {
            Node::Up(life) => match life.store.refresh_trees() {
                Err(error) if !self.disk_is_broken => {
                    violated(format!("the trees are not brought up to date: {error}"))
                }
                Ok(_) | Err(_) => Ok(()),
            },
            Node::Down(_) | Node::Nowhere => Ok(()),
        }
    }

    /// The node is told to stop.
    fn stop(&mut self) {
        let now = self.now();
        if let Node::Up(life) = &self.node
            && self.troubles.finishes_until.is_none()
        {
            life.reactor.handle().shutdown();
            self.troubles.finishes_until = Some(now + self.plan.settings.drain);
            if self.asks && self.dice.odds(30) {
                self.starve();
            }
            self.troubles.fault(now + AFTERMATH);
            self.report.stops += 1;
        }
    }

    /// Somebody comes for whom there is no descriptor, nor for anybody after him.
    fn starve(&mut self) {
        let weather = Weather { accept_fails_percent: 100, ..self.plan.weather };
        if let Some(sim) = self.sim() {
            sim.set_weather(weather);
            let _forgotten_when_over = sim.connect(Duration::ZERO, ([203, 0, 113, 1], 7000).into(), Script::new());
        }
    }

    /// The node has stopped.
    fn stopped(&mut self, drained: Drained) -> Result<(), Violation> {
        let now = self.now();
        let was_late = self.troubles.finishes_until.is_none_or(|until| until <= now);
        let Node::Up(mut life) = std::mem::replace(&mut self.node, Node::Nowhere) else { return Ok(()) };
        if !was_late && (drained.cut > 0 || life.is_working()) {
            return violated(format!("the node stopped before its time, with requests at work: {drained:?}"));
        }
        let in_queue = life.reactor.backend().backlog();
        if !was_late && in_queue > 0 {
            return violated(format!("the node stopped before its time, with {in_queue} connections in its queue"));
        }
        life.finish_work(&mut self.dice);
        conserves_value(&life.store, self.plan.clients)?;
        if was_late {
            self.troubles.cut(now);
        }
        self.go_down(*life, true);
        Ok(())
    }

    /// The power fails, or somebody kills the node.
    fn crash(&mut self) -> Result<(), Violation> {
        let mut life = match std::mem::replace(&mut self.node, Node::Nowhere) {
            Node::Up(life) => life,
            other @ (Node::Down(_) | Node::Nowhere) => {
                self.node = other;
                return Ok(());
            }
        };
        let (seed, loses_power) = (self.dice.roll(), self.disk_is_broken || self.dice.odds(70));
        if loses_power {
            if life.is_at_batch() && self.dice.odds(70) {
                // In the middle of a commit.
                self.disk.fail_after(self.dice.below(16));
                life.hurry_batch();
            }
            self.disk.lose_power(seed);
        }
        self.disk_is_broken = false;
        self.report.crashes += 1;
        self.troubles.cut(self.now());
        self.go_down(*life, !loses_power);
        Ok(())
    }

    /// Takes the network from a node that is no more; another one starts soon.
    fn go_down(&mut self, life: Life, tells: bool) {
        self.report.connections += life.counters.accepted.get();
        let mut sim = life.end();
        sim.cut(tells);
        if self.asks {
            sim.set_weather(self.plan.weather);
        }
        self.node = Node::Down(Box::new(sim));
        self.noticed = 0;
        let now = self.now();
        self.troubles.forgot_at = now;
        self.troubles.finishes_until = None;
        self.ambush = None;
        self.troubles.fault(now + AFTERMATH);
        let span = Duration::from_millis(1 << self.dice.below(13));
        self.call(Fate::Start, span);
    }

    fn start(&mut self) -> Result<(), Violation> {
        match std::mem::replace(&mut self.node, Node::Nowhere) {
            Node::Down(mut sim) => {
                if std::mem::take(&mut self.disk_is_broken) {
                    self.disk.lose_power(self.dice.roll());
                }
                sim.listen();
                let life = Life::begin(&self.plan, &self.disk, *sim, Arc::clone(&self.month))?;
                conserves_value(&life.store, self.plan.clients)?;
                self.node = Node::Up(Box::new(life));
                let now = self.now();
                self.troubles.forgot_at = now;
                self.troubles.fault(now + Duration::from_secs(1));
            }
            other @ (Node::Up(_) | Node::Nowhere) => self.node = other,
        }
        Ok(())
    }

    /// Some ask once more, by every road through the node. Whatever it went through, it serves all of them.
    fn ask_last(&mut self) -> Result<(), Violation> {
        if let Some(actor) = self.actors.iter().find(|actor| actor.is_unsettled()) {
            return violated(format!("{} never learnt what became of its question", actor.peer()));
        }
        for (number, is_change, by_datagram) in LAST_QUESTIONS {
            self.with(number, |actor, scene| Ok(actor.ask_last(scene, is_change, by_datagram)))?;
        }
        self.pass(LAST)?;
        let asked = self.actors.get(..LAST_QUESTIONS.len()).unwrap_or_default();
        match asked.iter().find(|actor| !matches!(actor.last_word, Some(Status::ALL_PASS))) {
            Some(actor) => violated(format!("{} is told {:?} when all is calm", actor.peer(), actor.last_word)),
            None => Ok(()),
        }
    }

    fn pass(&mut self, span: Duration) -> Result<(), Violation> {
        let end = self.now() + span;
        while self.now() < end {
            self.step()?;
        }
        Ok(())
    }

    /// Nobody asks anything any more but what became of his change; then nothing may be left inside the node.
    fn come_to_rest(&mut self) -> Result<(), Violation> {
        self.asks = false;
        if self.disk_is_broken {
            self.crash()?;
        }
        if let Some(sim) = self.sim() {
            sim.set_weather(Weather { window: 1 << 20, ..Weather::calm() });
        }
        (self.plan.work.stall_permille, self.plan.work.panic_permille) = (0, 0);
        if let Node::Up(life) = &mut self.node {
            life.calm_down();
        }
        self.pass(LAST)?;
        self.ask_last()?;
        match &self.node {
            Node::Up(life) => watch::at_rest(life),
            Node::Down(_) | Node::Nowhere => violated("the node did not come back"),
        }
    }

    /// Every coin is what its owner knows of it, and nothing else is there.
    fn count_coins(&self) -> Result<(), Violation> {
        let store = Store::open_on(self.disk.plug_in(), &options(1000));
        let store = store.map_err(|error| Violation(format!("the coins do not open again: {error}")))?;
        conserves_value(&store, self.plan.clients)?;
        let is_there = |owned: &Owned| {
            let record =
                store.read(owned.coin).map_err(|error| Violation(format!("a coin can not be read: {error}")))?;
            Ok(record.is_some_and(|record| record.an == owned.number))
        };
        for actor in &self.actors {
            let open = actor.open.as_ref();
            let is_open = |owned: &&Owned| open.is_some_and(|step| step.before.contains(owned));
            for owned in actor.coins.iter().filter(|owned| !is_open(owned)) {
                if !is_there(owned)? {
                    return violated(format!("{:?} of {} is lost", owned.coin, actor.peer()));
                }
            }
            if let Some(step) = open {
                let found: Vec<_> = step.before.iter().chain(&step.after).map(is_there).collect::<Result<_, _>>()?;
                if step.verdict(&found).is_none() {
                    return violated(format!("a change of {} was made in part: {found:?}", actor.peer()));
                }
            }
        }
        Ok(())
    }
}
