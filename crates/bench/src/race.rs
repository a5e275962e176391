//! The race: workload after workload, round after round, contestant after contestant.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::contestant::{self, Contestant, Programs};
use crate::floor::Interface;
use crate::load::{Mix, Pace, Question};
use crate::process::Process;
use crate::processors::Division;
use crate::sample::{Sample, Spans, Turn};
use crate::table::{self, Line};
use crate::workload::Workload;

/// What to measure, and how long.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// The node's binary.
    #[arg(long)]
    node: PathBuf,
    /// Turns of each contestant at each workload.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: u32,
    /// Length of a turn in milliseconds, after a warm-up of a fifth of it.
    #[arg(long, default_value_t = 1500, value_parser = clap::value_parser!(u64).range(50..=600_000))]
    turn_ms: u64,
    /// Three rounds of a quarter of a second: to see whether it works.
    #[arg(long)]
    quick: bool,
    /// Only this workload, or all whose names contain this; may be given several times.
    #[arg(long, value_name = "WORKLOAD")]
    only: Vec<String>,
    /// Only contestants whose names contain this, besides the floor on epoll; may be given several times.
    #[arg(long, value_name = "SERVER")]
    contestant: Vec<String>,
    /// Another server that speaks the protocol as node 0 of coin 6: a command line with {port} in it. May be given several
    /// times.
    #[arg(long, value_name = "CMD")]
    against: Vec<String>,
    /// Ask so many times a second instead of waiting for answers (not on connections that stay).
    #[arg(long, value_name = "PER_SECOND")]
    rate: Option<f64>,
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
    /// Name the workloads and end.
    #[arg(long)]
    list: bool,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let workloads = options.workloads()?;
    if options.list {
        workloads.iter().for_each(|workload| println!("{}", workload.name));
        return Ok(());
    }
    raise_descriptors()?;
    let contestants = options.contestants();
    let division = Division::of_this_machine()?;
    let bar = progress_bar(workloads.len() * contestants.len() * options.rounds() as usize);
    let (mut lines, mut failures) = (Vec::new(), Vec::new());
    for workload in &workloads {
        let race = Race { options, workload, division: &division, bar: &bar };
        match race.run(&contestants) {
            Ok(of_workload) => lines.extend(of_workload),
            // What the others show is not lost for that.
            Err(error) => failures.push(format!("{}: {}", workload.name, in_one_line(&error))),
        }
    }
    bar.finish_and_clear();
    if options.json {
        println!("{}", serde_json::to_string_pretty(&lines)?);
    } else {
        println!("{}", table::render(&lines));
    }
    if !failures.is_empty() {
        bail!("{}", failures.join("; "));
    }
    Ok(())
}

impl Options {
    fn workloads(&self) -> Result<Vec<Workload>> {
        let all = Workload::all();
        // A whole name means that one, and not those that begin with it.
        let is_named = |part: &String, workload: &Workload| match all.iter().any(|other| other.name == *part) {
            true => workload.name == *part,
            false => workload.name.contains(part.as_str()),
        };
        let is_wanted =
            |workload: &Workload| self.only.is_empty() || self.only.iter().any(|part| is_named(part, workload));
        let mut workloads: Vec<_> = all.iter().filter(|workload| is_wanted(workload)).cloned().collect();
        if workloads.is_empty() {
            bail!("no workload is called like {:?}: see --list", self.only);
        }
        if let Some(rate) = self.rate {
            workloads.iter_mut().for_each(|workload| workload.pace = Pace::Open { rate });
        }
        Ok(workloads)
    }

    fn contestants(&self) -> Vec<Contestant> {
        let (epoll, ring) = (Interface::Epoll, Interface::IoUring);
        let built_in = [
            Contestant::Floor(epoll),
            Contestant::PlainFloor,
            Contestant::Floor(ring),
            Contestant::Raida(epoll),
            Contestant::Raida(ring),
        ];
        let is_wanted = |contestant: &Contestant| {
            let name = contestant.to_string();
            let is_yardstick = *contestant == Contestant::Floor(epoll);
            let is_extra = *contestant == Contestant::PlainFloor;
            is_yardstick
                || self.contestant.is_empty() && !is_extra
                || self.contestant.iter().any(|part| name.contains(part.as_str()))
        };
        let others = self.against.iter().cloned().map(Contestant::Other);
        built_in.into_iter().filter(is_wanted).chain(others).collect()
    }

    fn rounds(&self) -> u32 {
        if self.quick { 3 } else { self.rounds }
    }

    fn spans(&self) -> Spans {
        let measure = Duration::from_millis(if self.quick { 250 } else { self.turn_ms });
        Spans { warm_up: measure / 5, measure }
    }
}

/// One workload.
struct Race<'r> {
    options: &'r Options,
    workload: &'r Workload,
    division: &'r Division,
    bar: &'r ProgressBar,
}

/// One contestant that has been started, or the reason why not.
struct Starter {
    contestant: Contestant,
    server: Result<(Process, Mix), String>,
    samples: Vec<Sample>,
}

impl Race<'_> {
    fn run(&self, contestants: &[Contestant]) -> Result<Vec<Line>> {
        let mut starters: Vec<_> =
            contestants.iter().map(|contestant| self.start(contestant)).collect::<Result<_>>()?;
        for _ in 0..self.options.rounds() {
            for starter in &mut starters {
                self.bar.set_message(format!("{}: {}", self.workload.name, starter.contestant));
                let turn = self.turn(starter).with_context(|| starter.contestant.to_string())?;
                starter.samples.extend(turn);
                self.bar.inc(1);
            }
        }
        let floor = starters.first().map(|starter| starter.samples.clone()).unwrap_or_default();
        let line = |starter: Starter| Line {
            workload: self.workload.name.clone(),
            contestant: starter.contestant.to_string(),
            samples: starter.samples,
            skipped: starter.server.err(),
            floor: floor.clone(),
            summary: None,
        };
        Ok(starters.into_iter().map(|starter| line(starter).sum_up()).collect())
    }

    fn start(&self, contestant: &Contestant) -> Result<Starter> {
        let starter = |server| Starter { contestant: contestant.clone(), server, samples: Vec::new() };
        if let Some(excuse) = contestant.excuse(self.workload) {
            return Ok(starter(Err(excuse.to_owned())));
        }
        let processors = if self.workload.is_crammed { &self.division.all } else { &self.division.server };
        // It is started in a folder of its own.
        let programs = Programs { node: std::path::absolute(&self.options.node).context("finding the node")? };
        let process = match contestant.start(&programs, self.workload, processors) {
            Ok(process) => process,
            // Some kernels, and some builds, have no io_uring.
            Err(error) if contestant.is_optional() => return Ok(starter(Err(in_one_line(&error)))),
            Err(error) => return Err(error),
        };
        let questions = self.questions(contestant, &process)?;
        Ok(starter(Ok((process, questions))))
    }

    fn questions(&self, contestant: &Contestant, process: &Process) -> Result<Mix> {
        let owned = match (self.workload.coins(), contestant) {
            (0, _) => Vec::new(),
            (coins, Contestant::Floor(_) | Contestant::PlainFloor) => contestant::imagine(u32::try_from(coins)?)?,
            (coins, Contestant::Raida(_) | Contestant::Other(_)) => contestant::issue(process, u32::try_from(coins)?)?,
        };
        let mix = self.workload.mix.iter();
        mix.map(|(ask, by_datagram)| Ok((Arc::new(Question::new(*ask, contestant.speech(), &owned)?), *by_datagram)))
            .collect()
    }

    fn turn(&self, starter: &mut Starter) -> Result<Option<Sample>> {
        let Ok((process, questions)) = &mut starter.server else { return Ok(None) };
        process.check()?;
        let turn = Turn {
            workload: self.workload,
            process,
            speech: starter.contestant.speech(),
            questions: questions.clone(),
            division: self.division,
            spans: self.options.spans(),
        };
        turn.run().map(Some)
    }
}

fn in_one_line(error: &anyhow::Error) -> String {
    format!("{error:#}").lines().last().unwrap_or_default().to_owned()
}

fn progress_bar(turns: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {elapsed} {msg}");
    ProgressBar::new(turns as u64).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// Ten thousand connections have two ends.
fn raise_descriptors() -> Result<()> {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })
        .context("raising the limit of descriptors")
}
