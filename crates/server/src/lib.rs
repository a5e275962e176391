//! The RAIDA node: configuration, logs, signals and wiring.
//!
//! The program is this library and one line: `raida_server::main_with(|node| node)`. What the node does lies in the
//! crates below; here they are put together, told to begin and told to end. Nothing in here knows the protocol, and no
//! setting is declared here (see `raida_config`).

#![forbid(unsafe_code)]

mod backend;
mod flags;
mod sockets;

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, anyhow, bail};
use clap::Parser;
use raida_config::{Backend, Config, ConfigError, Loaded, Sources, limits};
use raida_daemon::{
    Budget, Log, Shift, Signals, check_filter, confine, descriptors, facts, memory, monitor, one_line, settings,
};
use raida_epoll::Epoll;
use raida_monitor::{Endpoint, Subject, bind};
use raida_node::Node;
use raida_reactor::Reactor;
use raida_reactor::clock::SystemClock;
use raida_reactor::service::Service;
use raida_reactor::workers::Roads;
use raida_sockets::SocketBackend;
use raida_vault::Vault;
use tracing::{info, warn};

use crate::flags::Flags;

/// The whole program, around the node or around whatever `wrap` makes of it: tests put faults in that way.
///
/// Reads the command line. A usage error ends the process with 2; `--help` and `--version` end it with 0. Otherwise the
/// code is 0 after an ordered stop, and 1 after one line on standard error that says why not.
///
/// ```no_run
/// fn main() -> std::process::ExitCode {
///     raida_server::main_with(|node| node)
/// }
/// ```
pub fn main_with<S: Service>(wrap: impl FnOnce(Node) -> S) -> ExitCode {
    // Before anything else: whoever stops the node just after he has started it gets an ordered end.
    let signals = Signals::listen().context("handling signals");
    let Err(error) = signals.and_then(|signals| obey(&Flags::parse(), signals, wrap)) else { return ExitCode::SUCCESS };
    say(&one_line(error.as_ref()));
    ExitCode::FAILURE
}

/// Says it on standard error. Nobody may be left to read it.
fn say(line: &impl Display) {
    let _ = writeln!(io::stderr(), "raida-server: {line}");
}

fn obey<S: Service>(flags: &Flags, signals: Signals, wrap: impl FnOnce(Node) -> S) -> anyhow::Result<()> {
    if flags.explain()? {
        return Ok(());
    }
    if flags.task.is_none() && !flags.print_config && !flags.check_config {
        return run(flags, signals, wrap);
    }
    signals.leave_alone().context("handling signals")?;
    if let Some(task) = &flags.task {
        return Ok(task.run(&read(flags)?.config, &mut io::stdout())?);
    }
    let loaded = read_good(flags)?;
    loaded.notices.iter().for_each(say);
    let text = if flags.print_config { loaded.print() } else { "the configuration is good\n".to_owned() };
    io::stdout().write_all(text.as_bytes()).context("writing to standard output")
}

/// Reads the configuration, as it is now.
fn read(flags: &Flags) -> Result<Loaded, ConfigError> {
    Config::load(&Sources::of_process(flags.config.as_deref(), flags.overrides())?)
}

/// The same, where this build can do what it asks for.
fn read_good(flags: &Flags) -> anyhow::Result<Loaded> {
    let loaded = read(flags)?;
    check_build(&loaded.config).map(|()| loaded)
}

/// Serves until a signal asks for the end, with the backend that this kernel lets us have.
fn run<S: Service>(flags: &Flags, signals: Signals, wrap: impl FnOnce(Node) -> S) -> anyhow::Result<()> {
    let Loaded { mut config, notices, .. } = read_good(flags)?;
    let log = Log::start(&config)?;
    notices.iter().for_each(|notice| warn!("{notice}"));
    config.network.backend = backend::available(config.network.backend);
    match config.network.backend {
        #[cfg(feature = "io-uring")]
        Backend::IoUring => serve::<raida_uring::Uring, S>(flags, &config, signals, wrap, &log),
        _ => serve::<Epoll, S>(flags, &config, signals, wrap, &log),
    }
}

/// Serves on one backend until a signal asks for the end.
fn serve<B: SocketBackend + Send + 'static, S: Service>(
    flags: &Flags,
    config: &Config,
    signals: Signals,
    wrap: impl FnOnce(Node) -> S,
    log: &Log,
) -> anyhow::Result<()> {
    let (plan, budget) = Budget::fit(config, limits::derive(descriptors::raise(), config)?)?;
    let asked = bind(&config.monitor.listen)
        .map_err(|(address, error)| anyhow!("monitor.listen: binding {address}: {error}"))?;
    let backends = sockets::open::<B>(config, settings::backend(config, &plan))?;
    info!("{plan}");
    info!(connections = plan.connections_max, "{budget}");
    if let Some(available) = memory::available().filter(|available| budget.sum() > *available) {
        warn!(budget = budget.sum(), available, "the memory budget is more than there is: see limits.memory_bytes_max");
    }
    confine(config, flags.config.as_deref())?;
    if signals.is_stop_asked() {
        return Ok(());
    }
    let vault = Vault::open(config)?;
    let (clock, counters) = (SystemClock::new(), backends.iter().map(|_| Arc::default()).collect::<Vec<_>>());
    let node = vault.node(config, clock, &counters)?;
    let (observer, service) = (node.observer(), Arc::new(wrap(node)));
    let roads = Roads::start(&service, &settings::workers(config), &settings::batcher(config))?;

    let (settings, addresses) = (settings::reactor(config, &plan), sockets::addresses(&backends));
    let assemble = |(backend, counters): (_, &Arc<_>)| {
        let (service, roads) = (Arc::clone(&service), roads.clone());
        Reactor::new(backend, service, clock, settings.clone(), roads, Arc::clone(counters))
    };
    let reactors: Vec<_> = backends.into_iter().zip(&counters).map(assemble).collect();
    let seen = reactors.iter().map(Reactor::handle).zip(counters.iter().cloned()).collect();
    let facts = facts(config, &addresses, roads.pool.threads());
    let subject = Arc::new(Subject::new(facts, seen, observer, roads.clone()));
    let endpoint = Endpoint::start(asked, &subject, monitor(config)).context("starting the monitor")?;
    endpoint.addresses().for_each(|address| info!(%address, "metrics, health and connections are shown"));
    let shift = Shift { config, plan: &plan, addresses: &addresses, reactors, roads: &roads, subject, log };
    let served = shift.until_told(signals, || read_good(flags));
    drop((endpoint, roads, service));
    vault.close();
    info!(log_lines_lost = log.lost(), "stopped");
    Ok(served?)
}

/// Whether this build can do what the configuration asks for.
fn check_build(config: &Config) -> anyhow::Result<()> {
    if config.network.backend == Backend::IoUring && !backend::HAS_IO_URING {
        bail!("network.backend is io-uring, but this build has no io_uring: use epoll");
    }
    Ok(check_filter(config)?)
}
