//! `raida top`: a node at work, seen through its monitor.

mod pace;
mod sample;
mod screen;
mod view;

use std::io::{self, IsTerminal};
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};

use crate::arguments::seconds;
use crate::show;
use crate::top::sample::Sample;
use crate::top::view::View;

/// What to look at.
#[derive(Debug, Args)]
pub(crate) struct TopArguments {
    /// Where the node shows itself: monitor.listen in its configuration
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:19500")]
    monitor: SocketAddr,
    /// Time between two looks; rates and percentiles are those of that time
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = seconds)]
    interval: Duration,
    /// Order of the connections
    #[arg(long, value_enum, default_value_t = Sort::Age)]
    sort: Sort,
    /// Connections to ask the node for at most
    #[arg(long, value_name = "N", default_value_t = 1000)]
    connections: usize,
    /// Print one plain frame and end, as also when the output is no terminal
    #[arg(long)]
    once: bool,
    /// Print one JSON object per look and line: {report, connections}; with --once a single one
    #[arg(long)]
    json: bool,
}

/// What connections are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Sort {
    /// Longest open first
    Age,
    /// Most bytes received first
    In,
    /// Most bytes sent first
    Out,
    /// By what they wait for
    State,
    /// By address
    Peer,
}

/// Shows the node until somebody has seen enough.
pub(crate) fn run(arguments: &TopArguments) -> Result<()> {
    let look = || Sample::take(arguments.monitor, arguments.connections);
    if arguments.json {
        return lines(arguments, look);
    }
    let first = look()?;
    if arguments.once || !io::stdout().is_terminal() {
        thread::sleep(arguments.interval);
        let view = View::new(arguments.sort, first).with(look()?);
        return show(screen::plain(&view).as_bytes());
    }
    let mut terminal = ratatui::try_init().context("taking the terminal over")?;
    let watched = watch(&mut terminal, arguments.interval, View::new(arguments.sort, first), look);
    ratatui::restore();
    watched
}

/// One JSON object per look.
fn lines(arguments: &TopArguments, look: impl Fn() -> Result<Sample>) -> Result<()> {
    loop {
        let Sample { report, connections, .. } = look()?;
        let object = serde_json::json!({ "report": report, "connections": connections });
        show(format!("{object}\n").as_bytes())?;
        if arguments.once {
            return Ok(());
        }
        thread::sleep(arguments.interval);
    }
}

/// Draws, looks again after each interval, and obeys keys in between.
fn watch(
    terminal: &mut ratatui::DefaultTerminal,
    interval: Duration,
    mut view: View,
    look: impl Fn() -> Result<Sample>,
) -> Result<()> {
    let mut next = Instant::now() + interval;
    loop {
        terminal.draw(|frame| screen::draw(&view, frame)).context("drawing")?;
        if event::poll(next.saturating_duration_since(Instant::now())).context("reading keys")? {
            if let Event::Key(key) = event::read().context("reading keys")?
                && key.kind == KeyEventKind::Press
            {
                let is_interrupt = key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
                if is_interrupt || !view.press(key.code) {
                    return Ok(());
                }
            }
            continue;
        }
        next = Instant::now() + interval;
        if !view.is_paused() {
            match look() {
                Ok(sample) => view = view.with(sample),
                // It may come back: a restart is worth watching.
                Err(error) => view.lose(format!("{error:#}")),
            }
        }
    }
}
