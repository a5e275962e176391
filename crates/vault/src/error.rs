//! Why a vault does not open. Each is one line that names the file, the folder or the thread.

use std::fmt;
use std::io;
use std::path::PathBuf;

use raida_config::{DataDirError, Peer, SecretError};
use raida_peers::CircleError;
use raida_store::OpenError;

/// Why a vault does not open.
#[derive(Debug)]
#[non_exhaustive]
pub enum VaultError {
    /// There is no data folder.
    Folder(DataDirError),
    /// There are no secrets.
    Secrets(SecretError),
    /// The coins do not open.
    Coins {
        /// The data folder.
        folder: PathBuf,
        /// Why not.
        error: OpenError,
    },
    /// There are no coins where there are secrets, and so were coins.
    Lost {
        /// The file that they were in.
        path: PathBuf,
    },
    /// The nodes of the network can not be asked for their votes.
    Circle(CircleError),
    /// `integrity.mirrors` lists the node itself.
    OwnMirror(Peer),
    /// The system gives no thread.
    Thread {
        /// What for.
        purpose: &'static str,
        /// What the system said.
        error: io::Error,
    },
}

/// What to do without coins.
const WAY_OUT: &str = "restore it from a backup, or import an export (docs/operations.md, 7); a node that is to begin anew \
                       must have no secrets.toml either";

impl fmt::Display for VaultError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(error) => error.fmt(f),
            Self::Secrets(error) => error.fmt(f),
            Self::Coins { folder, error: OpenError::Empty } => {
                write!(f, "coins in {}: {}: remove it, and then {WAY_OUT}", folder.display(), OpenError::Empty)
            }
            Self::Coins { folder, error } => write!(f, "coins in {}: {error}", folder.display()),
            Self::Lost { path } => {
                write!(f, "{} is missing, but there are secrets beside it: {WAY_OUT}", path.display())
            }
            Self::Circle(error) => write!(f, "server.raida_servers: {error}"),
            Self::OwnMirror(mirror) => write!(f, "integrity.mirrors: {mirror} is this node itself"),
            Self::Thread { purpose, error } => write!(f, "starting the thread for {purpose}: {error}"),
        }
    }
}

/// What it says, its causes say already.
impl std::error::Error for VaultError {}

impl From<DataDirError> for VaultError {
    fn from(error: DataDirError) -> Self {
        Self::Folder(error)
    }
}

impl From<SecretError> for VaultError {
    fn from(error: SecretError) -> Self {
        Self::Secrets(error)
    }
}
