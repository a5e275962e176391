//! The RAIDA node: configuration, logs, signals and wiring.
//!
//! The program is this library and one line: `raida_server::main_with(|node| node)`. What the node does lies in the
//! crates below; here they are put together, told to begin and told to end. Nothing in here knows the protocol, and no
//! setting is declared here (see `raida_config`).

#![forbid(unsafe_code)]

mod descriptors;
mod flags;
mod logs;
mod reactors;
mod serve;
mod sockets;

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail};
use clap::Parser;
use raida_config::{Backend, Config, Loaded, Secrets, Sources, make_data_dir, secrets};
use raida_node::{AdminKey, NoCoins, Node, Settings};
use raida_reactor::counters::Counters;
use raida_reactor::service::Service;
use raida_reactor::workers;
use tracing::{info, warn};

use crate::flags::Flags;

/// The whole program, around the node or around whatever `wrap` makes of it: tests put faults in that way.
///
/// Reads the command line. A usage error ends the process with 2; `--help` and `--version` end it with 0. Otherwise the
/// code is 0 after an ordered stop, and 1 after one line on standard error that says why not.
pub fn main_with<S: Service>(wrap: impl FnOnce(Node<NoCoins>) -> S) -> ExitCode {
    match obey(&Flags::parse(), wrap) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("raida-server: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn obey<S: Service>(flags: &Flags, wrap: impl FnOnce(Node<NoCoins>) -> S) -> anyhow::Result<()> {
    let loaded = Config::load(&Sources::of_process(flags.config.as_deref(), flags.overrides())?)?;
    check_build(&loaded.config)?;
    if !flags.print_config && !flags.check_config {
        return run(&loaded, wrap);
    }
    loaded.notices.iter().for_each(|notice| eprintln!("raida-server: {notice}"));
    let text = if flags.print_config { loaded.print() } else { "the configuration is good\n".to_owned() };
    io::stdout().write_all(text.as_bytes()).context("writing to standard output")
}

/// Serves until a signal asks for the end.
///
/// # Errors
///
/// What kept the node from starting, or what broke while it served.
pub fn run<S: Service>(loaded: &Loaded, wrap: impl FnOnce(Node<NoCoins>) -> S) -> anyhow::Result<()> {
    let config = &loaded.config;
    check_build(config)?;
    let _flushed_at_the_end = logs::start(config)?;
    loaded.notices.iter().for_each(|notice| warn!("{notice}"));
    let plan = descriptors::plan(config)?;
    let backends = sockets::open(config, &plan)?;
    let secrets = open_secrets(config)?;

    let counters: Vec<_> = backends.iter().map(|_| Arc::new(Counters::default())).collect();
    let admin_key = AdminKey::new(*config.server.admin_key.as_ref().unwrap_or(&secrets.admin_key).expose());
    let settings = Settings { raida_id: config.server.raida_id, admin_key, reactors: counters.clone() };
    let service = Arc::new(wrap(Node::new(settings, NoCoins)));
    let pool = Arc::new(workers::pool(Arc::clone(&service), &reactors::workers(config))?);
    let reactors = reactors::assemble(config, &plan, backends, &service, &pool, &counters);
    let served = serve::until_told(config, reactors, &pool);
    serve::report(&counters);
    served
}

/// What the configuration may say and this build cannot do.
fn check_build(config: &Config) -> anyhow::Result<()> {
    match config.network.backend {
        Backend::Epoll => logs::filter(config).map(drop),
        Backend::IoUring => bail!("network.backend is io-uring, but this build has no io_uring: use epoll"),
    }
}

/// The node's own secrets, made at the first start. Says where they are, and never what they are.
fn open_secrets(config: &Config) -> anyhow::Result<Secrets> {
    make_data_dir(&config.store.data_dir)?;
    let path = config.secrets_path();
    let secrets = secrets::load_or_create(&path)?;
    if secrets.created {
        info!(path = %path.display(), "admin key and node secret made at first start");
    }
    Ok(secrets)
}
