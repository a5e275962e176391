//! `raida-sim`: runs a simulated node and its clients, from one seed or from many. `cargo xtask sim` starts it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use clap::Parser;
use raida_sim::world::{Plan, Report, Violation, World};
use tracing_subscriber::filter::LevelFilter;

/// Runs a whole simulated node under clients and faults. All of a run follows from its seed.
#[derive(Parser)]
struct Options {
    /// Runs this seed, instead of fresh ones.
    #[arg(long)]
    seed: Option<u64>,
    /// How many fresh seeds.
    #[arg(long, default_value_t = 100)]
    seeds: u64,
    /// The first of them; by the time of day if left out.
    #[arg(long)]
    from: Option<u64>,
    /// Seeds of a file, one in a line, instead of fresh ones. What is behind `#` is not read.
    #[arg(long)]
    kept: Option<PathBuf>,
    /// Simulated seconds of each run; by the seed if left out.
    #[arg(long)]
    seconds: Option<u64>,
    /// Honest clients; by the seed if left out.
    #[arg(long)]
    clients: Option<u32>,
    /// Begins no further run after so many real seconds.
    #[arg(long)]
    budget: Option<u64>,
    /// Begins no further run after one has failed.
    #[arg(long)]
    until_violation: bool,
    /// How many runs at the same time.
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// What the node says, on standard error: `error` to `trace`. For one seed; there is a lot of it.
    #[arg(long)]
    log: Option<LevelFilter>,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let seeds = match options.seeds() {
        Ok(seeds) => seeds,
        Err(error) => {
            eprintln!("raida-sim: {error}");
            return ExitCode::FAILURE;
        }
    };
    if let Some(level) = options.log {
        tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr).without_time().init();
    }
    let show = options.seed.is_some();
    let start = Instant::now();
    let (next, done, failed) = (AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(false));
    let total = Mutex::new((Duration::ZERO, Report::default()));
    thread::scope(|scope| {
        for _ in 0..options.threads.max(1) {
            scope.spawn(|| {
                while let Some(seed) =
                    seeds.get(usize::try_from(next.fetch_add(1, Ordering::Relaxed)).unwrap_or(usize::MAX))
                {
                    if options.until_violation && failed.load(Ordering::Relaxed) {
                        return;
                    }
                    if options.budget.is_some_and(|budget| start.elapsed() >= Duration::from_secs(budget)) {
                        return;
                    }
                    let plan = options.plan(*seed);
                    let span = plan.span();
                    match run(plan) {
                        Ok(report) => {
                            if show {
                                println!("seed {seed}: {report:?}");
                            }
                            let mut total = total.lock().unwrap_or_else(PoisonError::into_inner);
                            (total.0, total.1) = (total.0 + span, add(total.1, report));
                        }
                        Err(violation) => {
                            options.complain(*seed, &violation);
                            failed.store(true, Ordering::Relaxed);
                        }
                    }
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    let (simulated, report) = total.into_inner().unwrap_or_else(PoisonError::into_inner);
    let (seconds, simulated) = (start.elapsed().as_secs_f64(), simulated.as_secs());
    let Report { connections, answers, changes, settled, crashes, stops, mends, jumps, .. } = report;
    println!("hash of all: {:016x}", report.hash);
    println!(
        "{} runs, {simulated} simulated seconds in {seconds:.1} s: {connections} connections, {answers} answers, {changes} changes \
         acknowledged, {settled} found out, {crashes} crashes, {stops} stops, {mends} mended disks, {jumps} jumps",
        done.into_inner()
    );
    if failed.into_inner() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// A panic is a violation too.
fn run(plan: Plan) -> Result<Report, Violation> {
    let run = AssertUnwindSafe(|| World::new(plan).and_then(World::run));
    catch_unwind(run).unwrap_or_else(|_| Err(Violation("a panic".to_owned())))
}

impl Options {
    fn plan(&self, seed: u64) -> Plan {
        let mut plan = Plan::of(seed);
        if let Some(seconds) = self.seconds {
            plan = plan.with_span(Duration::from_secs(seconds));
        }
        match self.clients {
            Some(clients) => plan.with_clients(clients),
            None => plan,
        }
    }

    fn seeds(&self) -> Result<Vec<u64>, String> {
        if let Some(seed) = self.seed {
            return Ok(vec![seed]);
        }
        if let Some(file) = &self.kept {
            let text = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
            let seeds = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
            let seed = |seed: &str| seed.parse().map_err(|_| format!("{}: {seed:?} is no seed", file.display()));
            return seeds.filter(|seed| !seed.is_empty()).map(seed).collect();
        }
        let of_the_day = || {
            let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
            since.as_secs() << 20
        };
        let first = self.from.unwrap_or_else(of_the_day);
        Ok((first..first.saturating_add(self.seeds)).collect())
    }

    fn complain(&self, seed: u64, violation: &Violation) {
        let mut command = format!("cargo xtask sim --seed {seed}");
        if let Some(seconds) = self.seconds {
            command += &format!(" --seconds {seconds}");
        }
        if let Some(clients) = self.clients {
            command += &format!(" --clients {clients}");
        }
        println!("violation: {violation}\n  to see it again: {command}");
    }
}

fn add(a: Report, b: Report) -> Report {
    Report {
        hash: a.hash ^ b.hash,
        connections: a.connections + b.connections,
        answers: a.answers + b.answers,
        changes: a.changes + b.changes,
        settled: a.settled + b.settled,
        crashes: a.crashes + b.crashes,
        stops: a.stops + b.stops,
        mends: a.mends + b.mends,
        jumps: a.jumps + b.jumps,
    }
}
