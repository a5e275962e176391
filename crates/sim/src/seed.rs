//! Seeds: many of them in a test, one of them in a replay.

/// Names the seed to replay.
pub const VARIABLE: &str = "RAIDA_SIM_SEED";

/// Runs `scenario` with `count` seeds or, where the environment names one ([`VARIABLE`]), with that one alone. The seed of
/// a run that panics is printed.
pub fn each(count: u64, mut scenario: impl FnMut(u64)) {
    let replayed = std::env::var(VARIABLE).ok().and_then(|seed| seed.parse().ok());
    let seeds = replayed.map_or(0..count, |seed: u64| seed..seed.saturating_add(1));
    for seed in seeds {
        let _witness = Witness { seed };
        scenario(seed);
    }
}

/// Tells the seed when the scenario panics.
struct Witness {
    seed: u64,
}

impl Drop for Witness {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("to see this run again: {VARIABLE}={}", self.seed);
        }
    }
}
