//! `cargo xtask fuzz`: random input for the targets in `crates/fuzz`.
//!
//! Every target is an ordinary test as well. Without `--coverage` it runs under the plain test harness with random
//! bytes for a bounded time, on any stable toolchain; with it, under libFuzzer by way of cargo-bolero.

use anyhow::{Result, bail};
use clap::Args;

use crate::step;

/// What to feed, and for how long.
#[derive(Args)]
pub(crate) struct Options {
    /// The target to feed; all of them if left out. A name from `crates/fuzz/tests/targets.rs`.
    target: Option<String>,
    /// Seconds for each target.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Let coverage guide the input (needs cargo-bolero and a target).
    #[arg(long)]
    coverage: bool,
}

impl Options {
    /// All targets, briefly: for the gate.
    pub(crate) fn short(seconds: u64) -> Self {
        Self { target: None, seconds, coverage: false }
    }
}

pub(crate) fn run(options: &Options) -> Result<()> {
    if options.coverage { guided(options) } else { random(options) }
}

fn random(options: &Options) -> Result<()> {
    let mut command =
        step::cargo(["test", "--package", "raida-fuzz", "--profile", "fuzz", "--locked", "--test", "targets"]);
    command.args(options.target.as_deref()).env("BOLERO_RANDOM_TEST_TIME_MS", (options.seconds * 1000).to_string());
    step::run("fuzz", &mut command)
}

fn guided(options: &Options) -> Result<()> {
    let Some(target) = &options.target else { bail!("--coverage feeds one target: name it") };
    if !step::has_cargo_tool("bolero") {
        bail!("cargo-bolero is not installed: run `cargo install --locked cargo-bolero`");
    }
    let time = format!("{}s", options.seconds);
    let arguments = ["bolero", "test", "--package", "raida-fuzz", "--sanitizer", "NONE", "--time", &time, target];
    step::run("fuzz with coverage", &mut step::cargo(arguments))
}
