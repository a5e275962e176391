//! Measures a node against the floor: a server that makes the same system calls and does nothing else.
//!
//! `cargo xtask bench` builds a node and this program and runs it; `docs/performance.md` says how to read what it prints.
//!
//! The contestants take turns (A B A B ...) so that a noisy machine disturbs them alike, and ratios are taken within a
//! round. The client has a processor of its own where there are two. Every answer is checked, and one wrong or missing
//! answer makes the whole run fail.
//!
//! It never contains a timed test: no figure makes it fail.

mod contestant;
mod floor;
mod load;
mod process;
mod processors;
mod race;
mod sample;
mod sys;
mod table;
mod workload;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "raida-bench", about = "Measures a node against the floor")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Lets the contestants race and prints the table.
    Race(race::Options),
    /// Serves as the floor until it is killed.
    Floor(floor::Shape),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().task {
        Task::Race(options) => race::run(&options),
        Task::Floor(shape) => floor::serve(&shape),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("raida-bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}
