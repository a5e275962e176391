//! `cargo xtask abuse` and `cargo xtask soak`: a real node on loopback, attackers, and honest clients beside them.
//!
//! Each scenario is one function in `scenarios/` that says what a real attacker does. It starts a node of its own, lets
//! honest clients ask while nothing happens, attacks, and lets them ask again. It prints what they saw, and fails where
//! a bound was broken: an honest request without its answer, a datagram answered with more octets than it had,
//! descriptors that do not come back, a node that spins. Times are printed and not judged: machines differ.
//!
//! Everything stays on loopback, and within the descriptors that this process may have.

#![expect(clippy::indexing_slicing, reason = "a program for tests: a place that is not there is a defect of the suite")]

mod finding;
mod honest;
mod owner;
mod plot;
mod scenarios;
mod siege;
mod soak;
mod stage;
mod swarm;
mod watch;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Result, bail};
use clap::{Args, Parser, Subcommand};

use crate::finding::{Finding, Verdict};
use crate::scenarios::{ALL, Scenario};
use crate::stage::Stage;

/// Attacks real nodes on loopback and watches honest clients meanwhile.
#[derive(Parser)]
struct Arguments {
    /// The server to attack.
    #[arg(long, global = true, default_value = "target/release/raida-server")]
    server: PathBuf,
    /// The kernel interface that it uses.
    #[arg(long, global = true, value_parser = ["epoll", "io-uring"])]
    backend: Option<String>,
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// One attack after the other.
    Abuse(Selection),
    /// Mixed load with faults for a long time.
    Soak(soak::Options),
}

/// Which scenarios, and how.
#[derive(Args)]
struct Selection {
    /// Fewer attackers and less time.
    #[arg(long)]
    quick: bool,
    /// Only this one; may be given more than once.
    #[arg(long)]
    only: Vec<String>,
    /// Print one JSON document instead of text.
    #[arg(long)]
    json: bool,
    /// Print the names and what they do, and nothing else.
    #[arg(long)]
    list: bool,
}

fn main() -> ExitCode {
    let Arguments { server, backend, task } = Arguments::parse();
    raida_behaviour::process::raise_own_descriptor_limit();
    let outcome = match task {
        Task::Abuse(selection) => abuse(server, backend, &selection),
        Task::Soak(options) => soak::run(&Stage { server, backend, quick: false }, &options),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("abuse: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn abuse(server: PathBuf, backend: Option<String>, selection: &Selection) -> Result<()> {
    let is_chosen =
        |scenario: &&Scenario| selection.only.is_empty() || selection.only.iter().any(|n| n == scenario.name);
    let chosen: Vec<_> = ALL.iter().filter(is_chosen).collect();
    if let Some(name) = selection.only.iter().find(|name| ALL.iter().all(|scenario| scenario.name != name.as_str())) {
        bail!("there is no scenario {name}; --list names them");
    }
    if selection.list {
        chosen.iter().for_each(|scenario| println!("{:<14} {}", scenario.name, scenario.story));
        return Ok(());
    }
    let stage = Stage { server, backend, quick: selection.quick };
    let (mut broken, mut all) = (0, Vec::new());
    for scenario in chosen {
        let start = Instant::now();
        let finding = play(scenario, &stage);
        broken += usize::from(finding.verdict() == Verdict::Broken);
        if selection.json {
            all.push(finding.json(scenario.name));
        } else {
            println!("==> {}: {}", scenario.name, scenario.story);
            print!("{finding}");
            println!("    {} ({:.1} s)", finding.verdict(), start.elapsed().as_secs_f32());
        }
    }
    if selection.json {
        println!("{}", serde_json::to_string_pretty(&all)?);
    }
    if broken > 0 { bail!("{broken} scenarios broke a bound") } else { Ok(()) }
}

/// A step that fails, or panics, is a broken bound: the suite goes on.
fn play(scenario: &Scenario, stage: &Stage) -> Finding {
    let played = std::panic::catch_unwind(|| (scenario.play)(stage));
    let failed = |words: String| Finding::default().broken(words);
    match played {
        Ok(Ok(finding)) => finding,
        Ok(Err(error)) => failed(format!("{error:#}")),
        Err(_) => failed("a step panicked; see above".to_owned()),
    }
}
