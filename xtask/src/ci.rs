//! The gate. README, `.ci/run` and the GitHub workflow all call it, so a green run here is a green run there.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::{fuzz, sim, step, tidy, vectors};

/// What the gate may leave out.
#[derive(Args)]
pub(crate) struct Options {
    /// Seconds of random input for each fuzz target.
    #[arg(long, default_value_t = 3)]
    fuzz_seconds: u64,
    /// Seconds of simulation with fresh seeds, behind those that have failed before.
    #[arg(long, default_value_t = 40)]
    sim_seconds: u64,
    /// Also ask the advisory databases about every dependency (needs the open Internet).
    #[arg(long)]
    advisories: bool,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    require_components()?;
    step::run("format", &mut step::cargo(["fmt", "--all", "--check"]))?;
    tidy::run()?;
    step::run(
        "lints",
        &mut step::cargo([
            "clippy",
            "--workspace",
            "--all-targets",
            "--all-features",
            "--locked",
            "--",
            "-D",
            "warnings",
        ]),
    )?;
    step::run(
        "docs",
        step::cargo(["doc", "--workspace", "--no-deps", "--all-features", "--locked"])
            .env("RUSTDOCFLAGS", "-D warnings"),
    )?;
    step::run("build", &mut step::cargo(["build", "--workspace", "--all-targets", "--locked"]))?;
    step::run("tests", &mut step::cargo(["test", "--workspace", "--locked", "--no-fail-fast"]))?;
    step::run("examples", &mut step::cargo(["test", "--workspace", "--locked", "--examples"]))?;
    behaviour_on_io_uring()?;
    models()?;
    vectors::run(&[PathBuf::from("docs/protocol/vectors.json")])?;
    fuzz::run(&fuzz::Options::short(options.fuzz_seconds))?;
    sim::run(&sim::Options::short(options.sim_seconds))?;
    dependency_policy(options.advisories)?;
    println!("==> everything passed");
    Ok(())
}

/// What the backend looks like from outside once more, on io_uring; skipped only where the kernel refuses that.
fn behaviour_on_io_uring() -> Result<()> {
    let title = "behaviour on io_uring";
    let probe = ["run", "--quiet", "--package", "raida-uring", "--example", "probe", "--locked"];
    let probe = step::cargo(probe).output().context("asking the kernel for io_uring")?;
    let said = String::from_utf8_lossy(&probe.stdout);
    if said.is_empty() {
        bail!("{title}: the kernel was not asked: {}", String::from_utf8_lossy(&probe.stderr));
    }
    if !probe.status.success() {
        println!("==> {title}: skipped, {}", said.trim());
        return Ok(());
    }
    let suite = ["test", "--package", "raida-behaviour", "--features", "io-uring", "--locked", "--no-fail-fast"];
    step::run(title, step::cargo(suite).env("RAIDA_BEHAVIOUR_BACKEND", "io-uring"))
}

/// The parts that threads share, under the interleavings that loom finds.
fn models() -> Result<()> {
    let mut command = step::cargo(["test", "--package", "raida-workers", "--release", "--locked", "--tests"]);
    command.env("RUSTFLAGS", "--cfg loom").env("CARGO_TARGET_DIR", step::root().join("target/loom"));
    step::run("models", &mut command)
}

fn require_components() -> Result<()> {
    let missing: Vec<_> = ["fmt", "clippy"].into_iter().filter(|tool| !step::has_cargo_tool(tool)).collect();
    if !missing.is_empty() {
        bail!("cargo {} is missing: run `rustup component add rustfmt clippy`", missing.join(" and cargo "));
    }
    Ok(())
}

/// Licences, bans and sources after deny.toml. Advisories come from a database on the Internet, so only on request.
fn dependency_policy(advisories: bool) -> Result<()> {
    if !step::has_cargo_tool("deny") {
        println!("==> dependency policy: skipped, cargo-deny is not installed (`cargo install --locked cargo-deny`)");
        return Ok(());
    }
    let mut arguments = vec!["deny", "--all-features", "check", "licenses", "bans", "sources"];
    if advisories {
        arguments.push("advisories");
    }
    step::run("dependency policy", &mut step::cargo(arguments))
}
