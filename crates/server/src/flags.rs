//! The command line.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context;
use clap::{CommandFactory, Parser};
use clap_complete::Shell;
use raida_config::{Backend, Overrides};
use raida_vault::pages::Task;

/// A RAIDA node: answers coin authentication requests over TCP and UDP.
///
/// Without any flag it serves as node 0 on port 50000 and keeps its data in ./raida-data. Every setting can also be given
/// in a file or as an environment variable (RAIDA_SERVER__PORT=50007); flags win over variables, variables over the file.
#[derive(Clone, Debug, Parser)]
#[command(name = "raida-server", version)]
pub(crate) struct Flags {
    /// Read settings from this TOML file
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Number of this node in the network, 0 to 24
    #[arg(long, global = true, value_name = "N")]
    raida_id: Option<u64>,
    /// Coin that this node keeps
    #[arg(long, global = true, value_name = "N")]
    coin_id: Option<u64>,
    /// Listen here, TCP and UDP; may be given several times. Port 0 lets the system choose
    #[arg(long, global = true, value_name = "ADDR:PORT")]
    listen: Vec<SocketAddr>,
    /// Folder for coins and secrets
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Kernel interface that carries the traffic: epoll or io-uring
    #[arg(long, global = true, value_name = "NAME")]
    backend: Option<Backend>,
    /// Number of I/O threads
    #[arg(long, global = true, value_name = "N")]
    reactors: Option<u64>,
    /// Number of worker threads, 0 for one per processor
    #[arg(long, global = true, value_name = "N")]
    threads: Option<u64>,
    /// Which lines to log: a level, or a list such as info,raida_reactor=debug
    #[arg(long, global = true, value_name = "FILTER")]
    log: Option<String>,
    /// Check the configuration and end
    #[arg(long)]
    pub(crate) check_config: bool,
    /// Print the configuration, with where each value comes from, and end
    #[arg(long)]
    pub(crate) print_config: bool,
    /// Write the manual pages, for man, to this folder, which must exist, and end
    #[arg(long, value_name = "DIR")]
    man: Option<PathBuf>,
    /// Print a completion script for a shell and end
    #[arg(long, value_name = "SHELL")]
    completions: Option<Shell>,
    #[command(subcommand)]
    pub(crate) task: Option<Task>,
}

impl Flags {
    /// What is asked about the command line itself: its manual pages, or a completion script.
    ///
    /// # Errors
    ///
    /// Where the pages or the script cannot be written.
    pub(crate) fn explain(&self) -> anyhow::Result<bool> {
        if let Some(folder) = &self.man {
            let written = clap_mangen::generate_to(Self::command(), folder);
            return written.with_context(|| format!("writing manual pages to {}", folder.display())).map(|()| true);
        }
        let Some(shell) = self.completions else { return Ok(false) };
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut Self::command(), "raida-server", &mut script);
        io::stdout().write_all(&script).context("writing to standard output").map(|()| true)
    }

    /// The settings among the flags.
    pub(crate) fn overrides(&self) -> Overrides {
        let Self { raida_id, coin_id, listen, data_dir, backend, reactors, threads, log, .. } = self.clone();
        Overrides { raida_id, coin_id, listen, data_dir, backend, reactors, threads, log }
    }
}
