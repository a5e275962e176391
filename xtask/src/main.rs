//! Workspace tasks: `cargo xtask help` lists them.
//!
//! Everything that a person or a machine does to this repository besides `cargo build` goes through here, so that the
//! commands in the README, in `.ci/run` and in the GitHub workflow are the same one.

mod abuse;
mod bench;
mod ci;
mod counts;
mod crash_test;
mod fuzz;
mod mutants;
mod network;
mod server;
mod sim;
mod step;
mod tidy;
mod vectors;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Builds, checks and fuzzes the raida workspace.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Attacks real nodes on loopback, and says what honest clients saw meanwhile.
    Abuse(abuse::Options),
    /// Measures a node against the floor: a server that makes the same system calls and does nothing else.
    Bench(bench::Options),
    /// The one gate: format, tidiness, lints, docs, tests, models, vectors, short fuzz, dependency policy.
    Ci(ci::Options),
    /// Counts the instructions of small things, and compares them with those of before.
    Counts(counts::Options),
    /// Kills a real node under load again and again, and checks that it keeps every change that it acknowledged.
    CrashTest(crash_test::Options),
    /// Feeds every fuzz target with random input, or one of them with coverage guidance.
    Fuzz(fuzz::Options),
    /// Starts a whole network of real nodes on loopback, each of which knows the others, until Ctrl-C.
    #[command(subcommand)]
    Network(network::Task),
    /// Plays a file of test vectors with docs/protocol/replay.py against a real node that holds its coins, over TCP and
    /// UDP. Needs Python 3 and its package `cryptography`.
    Replay {
        /// A file in the format of docs/protocol/vectors.json.
        #[arg(default_value = "docs/protocol/vectors.json")]
        file: PathBuf,
    },
    /// Runs a whole simulated node under clients and faults, from one seed or from many.
    Sim(sim::Options),
    /// Mixed load with faults for a long time, and whether what a node uses stays flat.
    Soak(abuse::Options),
    /// Checks what compilers do not: layers, where `unsafe` lives, file lengths, references into the protocol document.
    Tidy,
    /// Checks files of protocol test vectors against the wire format, and their exchanges against a real node that holds
    /// their coins, over TCP and UDP; prints `N passed, N failed, N skipped`.
    Vectors {
        /// Files in the format of docs/protocol/vectors.json.
        #[arg(default_value = "docs/protocol/vectors.json")]
        files: Vec<PathBuf>,
    },
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().task {
        Task::Abuse(options) => abuse::run("abuse", &options),
        Task::Bench(options) => bench::run(&options),
        Task::Ci(options) => ci::run(&options),
        Task::Counts(options) => counts::run(&options),
        Task::CrashTest(options) => crash_test::run(&options),
        Task::Fuzz(options) => fuzz::run(&options),
        Task::Network(task) => network::run(&task),
        Task::Replay { file } => vectors::replay(&file),
        Task::Sim(options) => sim::run(&options),
        Task::Soak(options) => abuse::run("soak", &options),
        Task::Tidy => tidy::run(),
        Task::Vectors { files } => vectors::run(&files),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
