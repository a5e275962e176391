//! `cargo xtask network up`: a network of real nodes on loopback.

use std::net::{TcpListener, UdpSocket};
use std::os::unix::fs::symlink;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::Subcommand;
use signal_hook::consts::{SIGINT, SIGTERM};

use crate::server::{self, Server};

/// What to do with a network.
#[derive(Subcommand)]
pub(crate) enum Task {
    /// Starts it, with fresh folders that are removed at the end.
    Up {
        /// How many nodes, 1 to 25.
        #[arg(long, default_value_t = NODES, value_parser = clap::value_parser!(u16).range(1..=i64::from(NODES)))]
        nodes: u16,
        /// End after so many seconds, not only at Ctrl-C.
        #[arg(long)]
        seconds: Option<u64>,
    },
}

/// A network has so many nodes.
const NODES: u16 = 25;

pub(crate) fn run(task: &Task) -> Result<()> {
    let Task::Up { nodes, seconds } = *task;
    let is_over = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&is_over)).context("handling signals")?;
    }
    let program = server::build()?;
    let folder = tempfile::tempdir().context("making a folder")?;
    let first = free_ports()?;
    let peers: Vec<_> = (first..first + NODES).map(|port| format!("\"127.0.0.1:{port}\"")).collect();
    let peers = peers.join(", ");
    let keys = folder.path().join("keys");
    std::fs::create_dir(&keys).context("making a folder")?;
    let mut running = Vec::new();
    for id in 0..nodes {
        let home = folder.path().join(id.to_string());
        std::fs::create_dir(&home).context("making a folder")?;
        let config = format!("[server]\nraida_id = {id}\nraida_servers = [{peers}]\n");
        std::fs::write(home.join("raida.toml"), config).context("writing a configuration")?;
        running.push(Server::start(&program, &home, &format!("127.0.0.1:{}", first + id))?);
        symlink(home.join("data"), keys.join(id.to_string())).context("linking to an admin key")?;
        println!("    RAIDA {id}: 127.0.0.1:{}", first + id);
    }
    println!("==> {nodes} nodes are up; Ctrl-C ends them");
    println!("    for clients: --network 127.0.0.1:{first} --admin-key-dir {}", keys.display());
    let start = Instant::now();
    while !is_over.load(Ordering::SeqCst) && seconds.is_none_or(|most| start.elapsed() < Duration::from_secs(most)) {
        thread::sleep(Duration::from_millis(100));
    }
    running.iter_mut().try_for_each(Server::kill)
}

/// The first of 25 free ports in a row, below those that the system gives to outgoing connections.
fn free_ports() -> Result<u16> {
    let is_free =
        |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok() && UdpSocket::bind(("127.0.0.1", port)).is_ok();
    let mut firsts = (20_000..32_768 - NODES).step_by(usize::from(NODES));
    firsts.find(|first| (*first..first + NODES).all(is_free)).context("no 25 free ports in a row below 32768")
}
