//! `cargo xtask fuzz`: arbitrary input for the targets in `crates/fuzz`.
//!
//! Coverage guides it: the targets are built with the compiler's own coverage counters and linked with libFuzzer, which
//! bolero brings along as source. That needs a C++ compiler, and nothing that is not stable. With `--random` the plain
//! test harness feeds random octets instead, without another build: that is what the gate does.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::step;

/// What to feed, and for how long.
#[derive(Args)]
pub(crate) struct Options {
    /// The target to feed; all of them, one after the other, if left out. A name from `crates/fuzz/tests/targets.rs`.
    target: Option<String>,
    /// Seconds for each target.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Random octets in the plain test harness, without guidance.
    #[arg(long)]
    random: bool,
    /// Afterwards, bring the committed corpus up to date: what is new comes in, what is needless goes.
    #[arg(long, conflicts_with = "random")]
    keep: bool,
}

impl Options {
    /// All targets, briefly: for the gate.
    pub(crate) fn short(seconds: u64) -> Self {
        Self { target: None, seconds, random: true, keep: false }
    }
}

pub(crate) fn run(options: &Options) -> Result<()> {
    if options.random { random(options) } else { guided(options) }
}

fn random(options: &Options) -> Result<()> {
    let mut command =
        step::cargo(["test", "--package", "raida-fuzz", "--profile", "fuzz", "--locked", "--test", "targets"]);
    command.args(options.target.as_deref()).env("BOLERO_RANDOM_TEST_TIME_MS", (options.seconds * 1000).to_string());
    step::run("fuzz", &mut command)
}

fn guided(options: &Options) -> Result<()> {
    let fuzzer = Fuzzer::build()?;
    let targets = match &options.target {
        Some(target) => vec![target.clone()],
        None => fuzzer.targets()?,
    };
    println!(
        "    {:<14} {:>12} {:>12} {:>10} {:>8} {:>6}",
        "target", "CPU seconds", "executions", "a second", "found", "MB"
    );
    for target in &targets {
        let run = fuzzer.feed(target, options.seconds)?;
        println!("    {target:<14} {run}");
        if options.keep {
            fuzzer.keep(target)?;
        }
    }
    Ok(())
}

/// The targets, built with coverage counters.
struct Fuzzer {
    program: PathBuf,
    folder: PathBuf,
}

/// What came of feeding one target.
struct Run {
    executions: u64,
    /// Processor time, not what a clock on the wall says: the machine may be busy with something else.
    time: Duration,
    found: usize,
    megabytes: u64,
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { executions, time, found, megabytes } = self;
        let rate = u128::from(*executions) * 1000 / time.as_millis().max(1);
        write!(f, "{:>12.1} {executions:>12} {rate:>10} {found:>8} {megabytes:>6}", time.as_secs_f64())
    }
}

/// The processor time of all children that have ended.
fn time_of_children() -> Result<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat").context("reading /proc/self/stat")?;
    // Fields are counted from the end of the name, which may have spaces in it. A tick is 10 ms on every Linux.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(13).take(2);
    let ticks: u64 = fields.filter_map(|field| field.parse::<u64>().ok()).sum();
    Ok(Duration::from_millis(ticks * 10))
}

/// What the compiler is told, as cargo-bolero does it: counters at every edge, and hooks at comparisons.
const COVERAGE: &str = "--cfg fuzzing --cfg fuzzing_libfuzzer -Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares";

/// Inputs are not longer than this. Committed ones are small.
const LENGTH_MAX: usize = 4096;

impl Fuzzer {
    fn build() -> Result<Self> {
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| step::root().join("target"), PathBuf::from);
        let folder = target.join("libfuzzer");
        let host = host()?;
        // A named target keeps the flags away from build scripts.
        let build =
            ["test", "--package", "raida-fuzz", "--profile", "fuzz", "--locked", "--test", "targets", "--no-run"];
        let mut command = step::cargo(build);
        command.args(["--target", &host, "--message-format=json-render-diagnostics"]);
        command.env("RUSTFLAGS", COVERAGE).env("CARGO_TARGET_DIR", &folder).stdout(Stdio::piped());
        println!("==> build the targets with coverage counters");
        let output = command.spawn().context("starting cargo")?.wait_with_output().context("cargo")?;
        if !output.status.success() {
            bail!("building the targets failed ({})", output.status);
        }
        let messages = String::from_utf8_lossy(&output.stdout);
        let program = messages.lines().filter_map(executable).next_back().context("no test binary was built")?;
        Ok(Self { program, folder: folder.join("runs") })
    }

    /// Their names, as the test harness lists them.
    fn targets(&self) -> Result<Vec<String>> {
        let output = Command::new(&self.program).args(["--list", "--format", "terse"]).output().context("listing")?;
        let list = String::from_utf8_lossy(&output.stdout);
        Ok(list.lines().filter_map(|line| line.strip_suffix(": test").map(str::to_owned)).collect())
    }

    /// Feeds one target for so many seconds. New inputs go to a folder beside the build, not to the committed corpus.
    fn feed(&self, target: &str, seconds: u64) -> Result<Run> {
        let (found, artifacts) = (self.folder.join(target).join("found"), self.folder.join(target).join("crashes"));
        for folder in [&found, &artifacts] {
            std::fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
        }
        let time = format!("-max_total_time={seconds}");
        let length = format!("-max_len={LENGTH_MAX}");
        let prefix = format!("-artifact_prefix={}/", artifacts.display());
        let before = time_of_children()?;
        let said = self.call(
            target,
            &[&time, &length, &prefix, "-timeout=60", "-print_final_stats=1"],
            &[&found, &committed(target)],
        )?;
        let time = time_of_children()?.saturating_sub(before);
        let number = |name: &str| {
            let line = said.lines().find_map(|line| line.strip_prefix("stat::")?.strip_prefix(name));
            line.and_then(|line| line.trim_start_matches(':').trim().parse().ok()).unwrap_or_default()
        };
        let executions = number("number_of_executed_units");
        if executions == 0 {
            bail!("{target}: no such target, or it did not run:\n{said}");
        }
        let found = std::fs::read_dir(&found).context("listing what was found")?.count();
        Ok(Run { executions, time, found, megabytes: number("peak_rss_mb") })
    }

    /// Makes the committed corpus the fewest and smallest inputs that cover what it and the new ones cover.
    fn keep(&self, target: &str) -> Result<()> {
        let (corpus, kept) = (committed(target), self.folder.join(target).join("kept"));
        if kept.exists() {
            std::fs::remove_dir_all(&kept).with_context(|| format!("emptying {}", kept.display()))?;
        }
        let folders = [&kept, &corpus, &self.folder.join(target).join("found")];
        // Edges count, and not how often they are passed: that keeps the corpus small.
        self.call(target, &["-merge=1", "-use_counters=0", "-max_len=1024"], &folders.map(PathBuf::as_path))?;
        std::fs::remove_dir_all(&corpus).with_context(|| format!("emptying {}", corpus.display()))?;
        std::fs::create_dir_all(&corpus).with_context(|| format!("making {}", corpus.display()))?;
        let mut count = 0;
        for input in std::fs::read_dir(&kept).with_context(|| format!("listing {}", kept.display()))? {
            let input = input?;
            std::fs::copy(input.path(), corpus.join(input.file_name())).context("copying an input")?;
            count += 1;
        }
        println!("    {target}: {count} inputs in {}", corpus.display());
        Ok(())
    }

    /// Runs libFuzzer in the test of this name.
    fn call(&self, target: &str, options: &[&str], folders: &[&Path]) -> Result<String> {
        let mut arguments: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
        for folder in folders {
            std::fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
            arguments.push(folder.display().to_string());
        }
        let mut command = Command::new(&self.program);
        command.args([target, "--exact", "--nocapture", "--test-threads=1"]);
        command.env("BOLERO_LIBFUZZER_ARGS", arguments.join(" ")).current_dir(&self.folder);
        // A merge starts itself again, and has to find the same test then.
        command.env("BOLERO_LIBTEST_HARNESS", "1").env("BOLERO_TEST_NAME", target);
        let output = command.output().with_context(|| format!("starting {}", self.program.display()))?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if !output.status.success() {
            bail!("{target}: a finding ({}):\n{}", output.status, finding(&said));
        }
        Ok(said)
    }
}

/// What a run that has found something says of it: the panic and what follows it, or the end where there is none.
fn finding(said: &str) -> String {
    let lines: Vec<_> = said.lines().collect();
    let panic = lines.iter().position(|line| line.contains("panicked at"));
    let (first, count) = panic.map_or((lines.len().saturating_sub(40), 40), |panic| (panic, 8));
    let input = lines.iter().filter(|line| line.starts_with("artifact_prefix"));
    lines.iter().skip(first).take(count).chain(input).copied().collect::<Vec<_>>().join("\n")
}

/// Where the committed inputs of a target lie.
fn committed(target: &str) -> PathBuf {
    step::root().join("crates/fuzz/corpus").join(target)
}

/// The test binary, where a message of cargo names one.
fn executable(message: &str) -> Option<PathBuf> {
    let message: serde_json::Value = serde_json::from_str(message).ok()?;
    Some(PathBuf::from(message.get("executable")?.as_str()?))
}

/// What the compiler calls this machine.
fn host() -> Result<String> {
    let output = Command::new("rustc").arg("-vV").current_dir(step::root()).output().context("asking rustc")?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let host = said.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc names no host")?;
    Ok(host.to_owned())
}
