//! What can go wrong with a wallet.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{fmt, io};

use raida_wire::CoinId;

use crate::error::AskError;

/// Why an operation on a wallet ended. What had been written until then is still there, and loses nothing.
#[derive(Debug)]
pub enum WalletError {
    /// The system would not.
    Io {
        /// What was being done.
        what: &'static str,
        /// With which file or folder.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// A file or folder that others than its owner have access to.
    Mode {
        /// Which.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// Another program is using the wallet.
    Locked(PathBuf),
    /// A coin file that can not be understood.
    Format {
        /// Which.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The wallet has no such coin.
    Missing(CoinId),
    /// The operating system gave no random octets.
    Random(getrandom::Error),
    /// Fewer nodes than it takes are willing: 13, or all where fewer were asked.
    Nodes {
        /// How many are.
        willing: usize,
        /// How many were asked.
        asked: usize,
        /// What the others said.
        errors: Vec<AskError>,
    },
    /// The nodes have too few serial numbers free, or not the same ones.
    Numbers {
        /// How many are free at all of them.
        found: usize,
        /// How many it takes.
        needed: usize,
    },
    /// Coins of this denomination can not be changed that way.
    Denomination(CoinId),
    /// A Join takes ten different coins of one denomination.
    Ten,
}

impl WalletError {
    pub(crate) fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |error| Self::Io { what, path, error }
    }
}

impl fmt::Display for WalletError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { what, path, error } => write!(f, "{what} {}: {error}", path.display()),
            Self::Mode { path, mode } => {
                let path = path.display();
                write!(f, "{path} is open to others (mode {mode:03o}): chmod go= {path}")
            }
            Self::Locked(path) => write!(f, "another program is using {}", path.display()),
            Self::Format { path, reason } => write!(f, "coin file {}: {reason}", path.display()),
            Self::Missing(coin) => write!(f, "the wallet has no coin {coin}"),
            Self::Random(error) => write!(f, "no random octets: {error}"),
            Self::Nodes { willing, asked, .. } => {
                let needed = crate::QUORUM.min(*asked);
                write!(f, "{willing} of {asked} nodes are willing, expected at least {needed}: nothing was changed")
            }
            Self::Numbers { found, needed } => {
                write!(
                    f,
                    "the nodes have {found} free serial numbers in common, expected {needed}: nothing was changed"
                )
            }
            Self::Denomination(coin) => {
                write!(f, "coin {coin} can not be changed that way: there is no such denomination")
            }
            Self::Ten => f.write_str("a join takes ten different coins of one denomination"),
        }
    }
}

impl Error for WalletError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Io { error, .. } => Some(error),
            Self::Random(error) => Some(error),
            Self::Mode { .. }
            | Self::Locked(_)
            | Self::Format { .. }
            | Self::Missing(_)
            | Self::Nodes { .. }
            | Self::Numbers { .. }
            | Self::Denomination(_)
            | Self::Ten => None,
        }
    }
}

impl From<getrandom::Error> for WalletError {
    fn from(error: getrandom::Error) -> Self {
        Self::Random(error)
    }
}
