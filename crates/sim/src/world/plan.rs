//! What happens to a node in one run: all of it follows from the seed.

use std::time::Duration;

use raida_reactor::{Policy, Settings};
use raida_wire::Rules;

use crate::dice::Dice;
use crate::weather::Weather;

/// Who the node is.
pub(crate) const RAIDA_ID: u8 = 14;
/// The network that it belongs to.
pub(crate) const COIN_ID: u16 = 6;

/// The sizes and the faults of one run.
#[derive(Clone, Debug)]
pub struct Plan {
    pub(crate) seed: u64,
    pub(crate) clients: u32,
    pub(crate) span: Duration,
    /// Longest pause of a client between two questions.
    pub(crate) think: Duration,
    pub(crate) weather: Weather,
    pub(crate) settings: Settings,
    /// Coin pages at hand, in groups of 64 coins.
    pub(crate) cache_pages: usize,
    pub(crate) workers: usize,
    pub(crate) queue: usize,
    pub(crate) work: Work,
    /// About how often things happen to the node; `None` is never.
    pub(crate) hostile_every: Option<Duration>,
    pub(crate) jump_every: Option<Duration>,
    pub(crate) stop_every: Option<Duration>,
    pub(crate) crash_every: Option<Duration>,
    pub(crate) disk_every: Option<Duration>,
}

/// How workers and the batcher fare.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Work {
    /// Longest time for a job or a batch.
    pub(crate) max: Duration,
    pub(crate) stall_permille: u16,
    pub(crate) stall_max: Duration,
    pub(crate) panic_permille: u16,
}

impl Plan {
    /// The plan of a seed. Every kind of fault is in about half of all plans, so that no kind can hide another.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        let dice = &mut Dice::new(seed ^ 0x05EE_D0FA);
        let clients = 4 << dice.below(5);
        let span = Duration::from_secs(100 + dice.below(300));
        let think = Duration::from_millis(u64::from(clients) * (100 << dice.below(6)));
        Self {
            seed,
            clients,
            span,
            think,
            weather: weather(dice),
            settings: settings(dice),
            cache_pages: if dice.odds(50) { 1 } else { 1000 },
            workers: 1 + dice.index(4),
            queue: 1 << dice.below(10),
            work: Work {
                max: Duration::from_micros(100 << dice.below(9)),
                stall_permille: some(dice, 20),
                stall_max: Duration::from_secs(1 + dice.below(20)),
                panic_permille: some(dice, 50),
            },
            hostile_every: every(dice, 2, 40),
            jump_every: every(dice, 20, 300),
            stop_every: every(dice, 30, 400),
            crash_every: every(dice, 30, 400),
            disk_every: every(dice, 100, 600),
        }
    }

    /// With so many honest clients. The more they are, the slower they are and the rarer the node is started anew, so that
    /// there are about as many questions from one start to the next.
    #[must_use]
    pub fn with_clients(self, clients: u32) -> Self {
        let think = self.think.max(Duration::from_millis(700) * clients);
        let rarely = |every: Option<Duration>| every.map(|every| every.max(Duration::from_millis(400) * clients));
        let (stop_every, crash_every) = (rarely(self.stop_every), rarely(self.crash_every));
        Self { clients, think, stop_every, crash_every, disk_every: rarely(self.disk_every), ..self }
    }

    /// Whether the node's kernel hands over what has come long before the node could lose patience: it is tried so often in
    /// the 100 ms that a stopping node waits for a first word that it works.
    pub(crate) fn is_prompt(&self) -> bool {
        self.weather.hold <= Duration::from_millis(1) && self.settings.completions_per_turn >= 256
    }

    /// How long the run takes, in simulated time, without its end.
    #[must_use]
    pub fn span(&self) -> Duration {
        self.span
    }

    /// For so long, in simulated time.
    #[must_use]
    pub fn with_span(self, span: Duration) -> Self {
        Self { span, ..self }
    }
}

fn weather(dice: &mut Dice) -> Weather {
    Weather {
        delay: Duration::from_micros(100 << dice.below(11)),
        split_percent: [0, 40, 95].get(dice.index(3)).copied().unwrap_or(0),
        loss_percent: percent(dice, 30),
        double_percent: percent(dice, 30),
        window: if dice.odds(50) { 1 << 20 } else { 100 + dice.index(3000) },
        descriptors: if dice.odds(30) { 4 + dice.index(30) } else { usize::MAX },
        cost: Duration::from_micros(dice.below(30)),
        shuffled: dice.odds(50),
        hold_percent: percent(dice, 60),
        hold: if dice.odds(50) { Duration::ZERO } else { Duration::from_micros(1 << dice.below(17)) },
        spurious_permille: some(dice, 200),
        break_permille: some(dice, 10),
        stale_percent: percent(dice, 50),
        accept_fails_percent: percent(dice, 20),
        mailbox: if dice.odds(50) { usize::MAX } else { 4 + dice.index(100) },
    }
}

fn settings(dice: &mut Dice) -> Settings {
    let rules = Rules { raida_id: RAIDA_ID, coin_id: COIN_ID, body_max: u16::MAX };
    let mut settings = Settings::new(Policy::new(rules));
    settings.policy.requests_max = if dice.odds(70) { 1 } else { 3 };
    settings.connections_max = if dice.odds(70) { 4096 } else { 6 + u32::try_from(dice.below(40)).unwrap_or(0) };
    settings.source_connections_max = if dice.odds(70) { 1024 } else { 12 };
    settings.buffer_octets_max = if dice.odds(70) { 64 << 20 } else { 200_000 + dice.index(300_000) };
    settings.completions_max = if dice.odds(50) { 1024 } else { 1 + dice.index(8) };
    settings.datagrams_in_flight_max = if dice.odds(50) { 256 } else { 1 + dice.index(8) };
    settings.completions_per_turn = if dice.odds(50) { 256 } else { 1 + dice.index(16) };
    settings
}

fn percent(dice: &mut Dice, most: u64) -> u8 {
    if dice.odds(50) { 0 } else { u8::try_from(dice.below(most)).unwrap_or(0) }
}

fn some(dice: &mut Dice, most: u64) -> u16 {
    if dice.odds(50) { 0 } else { u16::try_from(1 + dice.below(most)).unwrap_or(0) }
}

fn every(dice: &mut Dice, least: u64, most: u64) -> Option<Duration> {
    dice.odds(50).then(|| Duration::from_secs(least + dice.below(most - least)))
}
