//! Who is measured.

use std::fmt;
use std::net::SocketAddrV4;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use raida_client::wire::{AuthenticityNumber, CoinId};
use raida_client::{AdminKey, KeyCoin, Options, Target, Transport};

use crate::floor::Interface;
use crate::load::Speech;
use crate::process::Process;
use crate::processors::Processors;
use crate::workload::Workload;

/// The session in which coins are issued without a reservation.
const ANYWHERE: u32 = 0xEEEE_EEEE;

/// A server to be measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Contestant {
    Floor(Interface),
    /// The floor on epoll as most servers would have it: the end of a connection travels behind the answer.
    PlainFloor,
    Raida(Interface),
    /// Any other that speaks the protocol, by its command line.
    Other(String),
}

/// Where the programs are.
pub(crate) struct Programs {
    pub(crate) node: PathBuf,
}

impl Contestant {
    pub(crate) fn speech(&self) -> Speech {
        match self {
            Self::Floor(_) | Self::PlainFloor => Speech::Floor,
            Self::Raida(_) | Self::Other(_) => Speech::Protocol,
        }
    }

    /// Why it cannot take part in a workload, if it cannot.
    pub(crate) fn excuse(&self, workload: &Workload) -> Option<&'static str> {
        match self {
            Self::Other(_) if workload.needs_coins() => Some("needs coins, which only our own node can be given"),
            Self::Other(_) if workload.needs_settings() => Some("needs settings of our own node"),
            Self::Floor(_) | Self::PlainFloor | Self::Raida(_) | Self::Other(_) => None,
        }
    }

    /// Whether the race goes on without it: some kernels, and some builds, have no io_uring.
    pub(crate) fn is_optional(&self) -> bool {
        matches!(self, Self::Floor(Interface::IoUring) | Self::Raida(Interface::IoUring))
    }

    /// Starts it for a workload.
    pub(crate) fn start(&self, programs: &Programs, workload: &Workload, processors: &Processors) -> Result<Process> {
        let folder = tempfile::tempdir().context("making a folder")?;
        match self {
            Self::Floor(interface) => Process::start(floor(*interface, workload)?, folder, processors),
            Self::PlainFloor => {
                let mut command = floor(Interface::Epoll, workload)?;
                command.arg("--plain");
                Process::start(command, folder, processors)
            }
            Self::Raida(interface) => {
                let file = folder.path().join("raida.toml");
                std::fs::write(&file, workload.settings()).context("writing the configuration")?;
                let mut command = Command::new(&programs.node);
                command.current_dir(folder.path()).arg("--config").arg(file);
                command.args(["--data-dir", "data", "--listen", "127.0.0.1:0", "--backend", name_of(*interface)]);
                let process = Process::start(command, folder, processors)?;
                // A node that may not use io_uring says so and goes on with epoll.
                if !process.said.contains(&format!("\"{}\"", name_of(*interface))) {
                    bail!("the node does not use {}: {}", name_of(*interface), process.said);
                }
                Ok(process)
            }
            Self::Other(line) => Process::start_other(line, folder, processors),
        }
    }
}

/// The command line of a floor.
fn floor(interface: Interface, workload: &Workload) -> Result<Command> {
    let mut command = Command::new(std::env::current_exe().context("finding this program")?);
    command.args(["floor", "--backend", name_of(interface)]).args(workload.floor_arguments());
    Ok(command)
}

impl fmt::Display for Contestant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Floor(interface) => write!(f, "floor {}", name_of(*interface)),
            Self::PlainFloor => f.write_str("floor plain"),
            Self::Raida(interface) => write!(f, "raida {}", name_of(*interface)),
            Self::Other(line) => {
                let program = line.split_whitespace().next().map(Path::new).and_then(Path::file_name);
                write!(f, "{}", program.unwrap_or_default().display())
            }
        }
    }
}

const fn name_of(interface: Interface) -> &'static str {
    match interface {
        Interface::Epoll => "epoll",
        Interface::IoUring => "io-uring",
    }
}

/// Issues `count` coins of one page on our own node, and has them looked at once, so that the page is in memory.
pub(crate) fn issue(process: &Process, count: u32) -> Result<Vec<KeyCoin>> {
    let target = Target { raida_id: 0, ..Target::new(SocketAddrV4::to_string(&process.address).parse()?) };
    let coins: Option<Vec<_>> = (0..count).map(|number| CoinId::new(1, number)).collect();
    let (coins, key) = (coins.context("no such coin")?, admin_key(process.folder.path())?);
    let options = Options { transport: Transport::Tcp, ..Options::default() };
    let numbers = raida_client::create(&target, ANYWHERE, &key, &coins, &options)?.value;
    let owned: Vec<_> = coins.into_iter().zip(numbers).map(|(coin, number)| KeyCoin { coin, number }).collect();
    raida_client::detect(&target, &owned, &options)?;
    Ok(owned)
}

/// The admin key that a node made at its first start.
fn admin_key(folder: &Path) -> Result<AdminKey> {
    let path = folder.join("data/secrets.toml");
    let text = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let digits = text.lines().find_map(|line| line.strip_prefix("admin_key = ")).context("no admin key")?;
    let value = u128::from_str_radix(digits.trim_matches('"'), 16).context("odd admin key")?;
    Ok(AdminKey::new(value.to_be_bytes()))
}

/// Coins that nobody has issued, for a floor that does not look at them.
pub(crate) fn imagine(count: u32) -> Result<Vec<KeyCoin>> {
    let coin = |number| Some(KeyCoin { coin: CoinId::new(1, number)?, number: AuthenticityNumber::new([7; 16]) });
    (0..count).map(coin).collect::<Option<_>>().context("no such coin")
}
