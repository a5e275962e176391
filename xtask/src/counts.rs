//! `cargo xtask counts`: what small things cost in instructions, which does not depend on the machine's mood.
//!
//! Counted by callgrind, which models neither caches nor the kernel: the figures are of our own code alone. They depend on
//! the compiler, so they are compared only with figures that the same one has made.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::{Value, json};

use crate::step;

/// Where the figures to compare with are kept.
const REFERENCE: &str = "crates/bench/counts.json";

/// How often a thing is done; what the difference costs is divided by the difference.
const TIMES: [u32; 2] = [2000, 4000];

/// What to do with the figures.
#[derive(Args)]
pub(crate) struct Options {
    /// Keep the figures as those to compare with.
    #[arg(long)]
    write: bool,
    /// How many percent more than the reference are an error.
    #[arg(long, default_value_t = 3.0)]
    tolerance: f64,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    println!("==> counts");
    if Command::new("valgrind").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
        println!("    skipped: valgrind is not installed");
        return Ok(());
    }
    let program = build()?;
    let (compiler, path) = (compiler()?, step::root().join(REFERENCE));
    let reference = reference(&path, &compiler)?;
    let mut figures = BTreeMap::new();
    let mut worse = Vec::new();
    for name in subjects(&program)? {
        let figure = count(&program, &name).with_context(|| name.clone())?;
        let before = reference.get(&name).copied();
        let change = before.map(|before| (figure / before - 1.0) * 100.0);
        println!(
            "    {name:<18} {figure:>9.1}{}",
            change.map_or_else(String::new, |change| format!(" {change:+6.1} %"))
        );
        if change.is_some_and(|change| change > options.tolerance) {
            worse.push(name.clone());
        }
        figures.insert(name, figure);
    }
    if options.write {
        let text = serde_json::to_string_pretty(&json!({ "compiler": compiler, "instructions": figures }))?;
        return std::fs::write(&path, text + "\n").with_context(|| format!("writing {}", path.display()));
    }
    if reference.is_empty() {
        println!("    compared with nothing: {REFERENCE} is of another compiler than {compiler}");
    }
    if !worse.is_empty() {
        bail!("more instructions than in {REFERENCE} by over {} %: {}", options.tolerance, worse.join(", "));
    }
    Ok(())
}

fn build() -> Result<PathBuf> {
    let mut command = step::cargo(["build", "--release", "--locked", "--package", "raida-bench", "--example", "count"]);
    step::run("build what is counted", &mut command)?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| step::root().join("target"), PathBuf::from);
    Ok(target.join("release/examples/count"))
}

fn compiler() -> Result<String> {
    let output = Command::new("rustc").arg("--version").output().context("asking for the compiler's version")?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The figures to compare with; none where another compiler made them.
fn reference(path: &Path, compiler: &str) -> Result<BTreeMap<String, f64>> {
    let Ok(text) = std::fs::read_to_string(path) else { return Ok(BTreeMap::new()) };
    let value: Value = serde_json::from_str(&text).with_context(|| format!("reading {}", path.display()))?;
    if value.get("compiler").and_then(Value::as_str) != Some(compiler) {
        return Ok(BTreeMap::new());
    }
    let figures = value.get("instructions").and_then(Value::as_object).into_iter().flatten();
    Ok(figures.filter_map(|(name, figure)| Some((name.clone(), figure.as_f64()?))).collect())
}

fn subjects(program: &Path) -> Result<Vec<String>> {
    let output = Command::new(program).output().with_context(|| format!("starting {}", program.display()))?;
    Ok(String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect())
}

/// Instructions for doing a thing once.
fn count(program: &Path, name: &str) -> Result<f64> {
    let [few, many] = TIMES;
    let difference = collected(program, name, many)?.saturating_sub(collected(program, name, few)?);
    #[expect(clippy::cast_precision_loss, reason = "less than 2^52 instructions")]
    let each = difference as f64 / f64::from(many - few);
    Ok(each)
}

/// Instructions of a whole run.
fn collected(program: &Path, name: &str, times: u32) -> Result<u64> {
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(program).args([name, &times.to_string()]);
    let output = command.output().context("starting valgrind")?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        bail!("{said}");
    }
    let line = said.lines().find_map(|line| line.split_once("Collected : ")).context("valgrind told no figure")?;
    line.1.trim().parse().context("an odd figure")
}
