//! The RAIDA command-line client.
//!
//! `raida echo --node 127.0.0.1:50000` asks one node, more `--node` ask more, all at once. The exit code is 0 only if
//! every node answered well, 1 if one did not or something else failed, 2 for a usage error. The commands on coins have
//! their own: 0 only if all coins are well.

mod arguments;
mod coin_arguments;
mod coin_json;
mod coin_report;
mod coin_table;
mod coins;
mod inquiry;
mod json;
mod key_file;
mod nodes;
mod private_file;
mod report;
mod roots;
mod table;
mod top;

use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{CommandFactory, Parser};

use crate::arguments::{Arguments, Command};
use crate::coin_report::CoinReport;
use crate::report::Report;

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) if is_broken_pipe(&error) => ExitCode::FAILURE,
        Err(error) => {
            say(format_args!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// `true` if every node answered well.
fn run(arguments: &Arguments) -> Result<bool> {
    let (report, is_json) = match &arguments.command {
        Command::Echo(asking) => (inquiry::echo(asking)?, asking.output.json),
        Command::Version(asking) => (inquiry::version(asking)?, asking.output.json),
        Command::Stats(stats) => (inquiry::stats(stats)?, stats.asking.output.json),
        Command::Audit(asking) => (inquiry::audit(asking)?, asking.output.json),
        Command::Vote(vote) => (inquiry::vote(vote)?, vote.output.json),
        Command::Coins(command) => return coins::coins(command).and_then(print_coins),
        Command::Locker(command) => return coins::locker(command).and_then(print_coins),
        Command::Tickets(tickets) => return coins::tickets(tickets).and_then(print_coins),
        Command::Top(arguments) => return top::run(arguments).map(|()| true),
        Command::Manual { folder } => {
            clap_mangen::generate_to(Arguments::command(), folder)
                .with_context(|| format!("writing manual pages to {}", folder.display()))?;
            return Ok(true);
        }
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Arguments::command(), "raida", &mut script);
            return show(&script).map(|()| true);
        }
    };
    print(&report, is_json)?;
    Ok(report.is_good())
}

/// Results go to standard output; what to try about those that are missing goes to standard error.
fn print(report: &Report, is_json: bool) -> Result<()> {
    if is_json {
        return show(json::lines(report)?.as_bytes());
    }
    show(table::text(report).as_bytes())?;
    for error in report.errors() {
        say(format_args!("{}: {}", error.address(), error.trouble().advice()));
    }
    Ok(())
}

/// As [`print()`], for coins: `true` if all are well.
fn print_coins((report, is_json): (CoinReport, bool)) -> Result<bool> {
    if is_json {
        show(coin_json::lines(&report)?.as_bytes())?;
    } else {
        show(coin_table::text(&report).as_bytes())?;
        for error in report.targets.iter().filter_map(|target| report.error_of(target)) {
            say(format_args!("{}: {}", error.address(), error.trouble().advice()));
        }
    }
    if report.is_unsure() {
        say(format_args!("some nodes may have done what they did not say: ask with raida coins find"));
    }
    if let Some(failure) = &report.failure {
        say(format_args!("{failure}"));
    }
    Ok(report.is_good())
}

/// Says it on standard error. Nobody may be left to read it.
fn say(line: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr(), "raida: {line}");
}

fn show(octets: &[u8]) -> Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(octets).and_then(|()| out.flush()).context("writing the results")
}

/// Whether whoever reads the results has seen enough.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
