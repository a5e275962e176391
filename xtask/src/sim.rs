//! `cargo xtask sim`: a whole simulated node under clients and faults, from one seed or from many.
//!
//! Without a seed it runs those that have failed before (`crates/sim/seeds.txt`), then fresh ones. `--mutants` asks
//! whether it would notice anything: see [`mutants`].

use std::process::Command;

use anyhow::Result;
use clap::Args;

use crate::{mutants, step};

/// What to run.
#[derive(Args)]
pub(crate) struct Options {
    /// Runs this seed again, instead of fresh ones.
    #[arg(long)]
    seed: Option<u64>,
    /// How many fresh seeds.
    #[arg(long, default_value_t = 1000)]
    seeds: u64,
    /// The first of them; by the time of day if left out.
    #[arg(long)]
    from: Option<u64>,
    /// Simulated seconds of each run; by the seed if left out.
    #[arg(long)]
    seconds: Option<u64>,
    /// Honest clients of each run; by the seed if left out.
    #[arg(long)]
    clients: Option<u32>,
    /// Begins no further run after so many real seconds.
    #[arg(long)]
    budget: Option<u64>,
    /// How many runs at the same time.
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Puts known bugs into a copy of the sources, one by one, and expects each to be found. Takes a while.
    #[arg(long)]
    mutants: bool,
    /// Only this one of them.
    #[arg(long, requires = "mutants")]
    mutant: Option<String>,
    /// What the node says, down to this level (`error` to `trace`), on standard error. For one seed.
    #[arg(long, requires = "seed")]
    log: Option<String>,
}

/// The seeds that have failed before, by their path in the workspace.
const KEPT: &str = "crates/sim/seeds.txt";

impl Options {
    /// All seeds that have failed before, and fresh ones for so many seconds: for the gate.
    pub(crate) fn short(budget: u64) -> Self {
        Self {
            seed: None,
            seeds: 1_000_000,
            from: None,
            seconds: None,
            clients: None,
            budget: Some(budget),
            threads: 2,
            mutants: false,
            mutant: None,
            log: None,
        }
    }
}

pub(crate) fn run(options: &Options) -> Result<()> {
    if options.mutants {
        return mutants::run(options.mutant.as_deref());
    }
    let numbers = [
        ("--seed", options.seed),
        ("--from", options.from),
        ("--seconds", options.seconds),
        ("--clients", options.clients.map(u64::from)),
        ("--budget", options.budget),
    ];
    let given = numbers.into_iter().filter_map(|(flag, number)| Some([flag.to_owned(), number?.to_string()]));
    let mut command = simulator();
    command.args(given.flatten()).arg("--seeds").arg(options.seeds.to_string());
    command.arg("--threads").arg(options.threads.to_string());
    command.args(options.log.iter().flat_map(|level| ["--log", level]));
    if options.seed.is_none() {
        step::run("simulation of seeds that failed once", simulator().args(["--kept", KEPT]))?;
    }
    step::run("simulation", &mut command)
}

/// The program, built with the checks that a release leaves out.
fn simulator() -> Command {
    step::cargo([
        "run",
        "--quiet",
        "--profile",
        "fuzz",
        "--locked",
        "--package",
        "raida-sim",
        "--bin",
        "raida-sim",
        "--",
    ])
}
