//! The node's own secrets, in a file for its owner alone.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::process::geteuid;
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::data_dir::{folder_of, sync_entry};
use crate::origin::OneLine;
use crate::secret::{AdminKey, NodeSecret, Secret};
use crate::tables::Config;
use crate::toml;

/// Name of the secrets file in the data folder.
pub const FILE_NAME: &str = "secrets.toml";

impl Config {
    /// Where the secrets file lies.
    #[must_use]
    pub fn secrets_path(&self) -> PathBuf {
        self.store.data_dir.join(FILE_NAME)
    }
}

/// What the secrets file holds.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secrets {
    /// What admin commands must carry, where the configuration gives no other.
    pub admin_key: AdminKey,
    /// What nobody else may predict is derived from this.
    pub node_secret: NodeSecret,
    /// Whether the file was made just now.
    #[serde(skip)]
    pub created: bool,
}

/// Reads the secrets file, or makes it with fresh secrets where there is none.
///
/// It appears whole or not at all, also when the power fails or two processes make it at once: then both get the same
/// secrets. The folder must exist; see [`make_data_dir`](crate::make_data_dir).
///
/// # Errors
///
/// Where it is not a regular file (a symbolic link is not followed), belongs to another user, lets the group or others
/// read or write it, holds something else, or where the system refuses.
pub fn load_or_create(path: &Path) -> Result<Secrets, SecretError> {
    let failed = |step| move |error| SecretError::System { path: path.to_owned(), step, error };
    if let Some(file) = open(path)? {
        return read(file, path);
    }
    let secrets = Secrets { admin_key: fresh()?, node_secret: fresh()?, created: true };
    match publish(&secrets, path) {
        Ok(()) => Ok(secrets),
        // Another process was faster: its secrets count.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => match open(path)? {
            Some(file) => read(file, path),
            None => Err(failed("making the secrets file")(error)),
        },
        Err(error) => Err(failed("making the secrets file")(error)),
    }
}

/// `None` where there is no such file. A symbolic link is not followed, and a pipe is not waited for.
fn open(path: &Path) -> Result<Option<File>, SecretError> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    match OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) => {
            Err(SecretError::NotRegular { path: path.to_owned() })
        }
        Err(error) => Err(SecretError::System { path: path.to_owned(), step: "opening the secrets file", error }),
    }
}

fn read(file: File, path: &Path) -> Result<Secrets, SecretError> {
    let failed = |step| move |error| SecretError::System { path: path.to_owned(), step, error };
    let about = file.metadata().map_err(failed("looking at the secrets file"))?;
    let (mode, owner, us) = (about.mode() & 0o7777, about.uid(), geteuid().as_raw());
    if !about.is_file() {
        return Err(SecretError::NotRegular { path: path.to_owned() });
    }
    if owner != us {
        return Err(SecretError::Owner { path: path.to_owned(), owner, us });
    }
    if mode & 0o077 != 0 {
        return Err(SecretError::Exposed { path: path.to_owned(), mode });
    }
    let mut text = Zeroizing::new(String::new());
    file.take(LENGTH_MAX).read_to_string(&mut text).map_err(failed("reading the secrets file"))?;
    toml::parse(&text).map_err(|_| SecretError::Contents { path: path.to_owned() })
}

/// No secrets file is longer than this many bytes.
const LENGTH_MAX: u64 = 4096;

fn fresh<const N: usize>() -> Result<Secret<N>, SecretError> {
    let mut octets = Zeroizing::new([0; N]);
    getrandom::fill(octets.as_mut_slice()).map_err(|error| SecretError::NoRandomness(error.to_string()))?;
    Ok(Secret::new(*octets))
}

/// Writes the file under a name of its own, then gives it its proper name unless that is taken.
fn publish(secrets: &Secrets, path: &Path) -> io::Result<()> {
    let name = getrandom::u64().map_err(|error| io::Error::other(error.to_string()))?;
    let draft = folder_of(path).join(format!(".{FILE_NAME}.{name:016x}"));
    let linked = write(secrets, &draft).and_then(|()| fs::hard_link(&draft, path));
    let removed = fs::remove_file(&draft);
    linked.and(removed)?;
    sync_entry(path)
}

fn write(secrets: &Secrets, draft: &Path) -> io::Result<()> {
    let mut text = Zeroizing::new(String::with_capacity(512));
    for part in [
        NOTE,
        "admin_key = \"",
        &secrets.admin_key.to_hex(),
        "\"\nnode_secret = \"",
        &secrets.node_secret.to_hex(),
        "\"\n",
    ] {
        text.push_str(part);
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

const NOTE: &str = "\
# Secrets of this RAIDA node, made at its first start. Whoever has them owns the node: keep this file to its owner, and
# keep a copy in a safe place. Without node_secret the numbers of coins that were never issued are lost.
";

/// Why there are no secrets.
#[derive(Debug)]
#[non_exhaustive]
pub enum SecretError {
    /// The system refused.
    System {
        /// Which file.
        path: PathBuf,
        /// What was being done.
        step: &'static str,
        /// What the system said.
        error: io::Error,
    },
    /// It is a folder, a symbolic link, a pipe or a device.
    NotRegular {
        /// Which file.
        path: PathBuf,
    },
    /// It belongs to another user.
    Owner {
        /// Which file.
        path: PathBuf,
        /// User id of its owner.
        owner: u32,
        /// User id of this process.
        us: u32,
    },
    /// The group or others may read, write or execute it.
    Exposed {
        /// Which file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// It does not hold exactly the two secrets.
    Contents {
        /// Which file.
        path: PathBuf,
    },
    /// The system has no random numbers to give.
    NoRandomness(String),
}

impl fmt::Display for SecretError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = match self {
            Self::System { path, .. }
            | Self::NotRegular { path }
            | Self::Owner { path, .. }
            | Self::Exposed { path, .. }
            | Self::Contents { path } => path.to_string_lossy(),
            Self::NoRandomness(reason) => return write!(f, "no random numbers for the secrets: {reason}"),
        };
        let path = OneLine(&path);
        match self {
            Self::System { step, error, .. } => write!(f, "{path}: {step}: {error}"),
            Self::NotRegular { .. } => write!(f, "{path} is not a regular file"),
            Self::Owner { owner, us, .. } => {
                write!(f, "{path} belongs to user {owner}, expected user {us}: chown {us} {path}")
            }
            Self::Exposed { mode, .. } => {
                write!(f, "{path} has permissions {mode:04o}, expected 0600 or less: chmod 600 {path}")
            }
            Self::Contents { .. } | Self::NoRandomness(_) => write!(
                f,
                "{path} is damaged, expected admin_key (32 hexadecimal digits), node_secret (64) and nothing else"
            ),
        }
    }
}

impl std::error::Error for SecretError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::System { error, .. } => Some(error),
            Self::NotRegular { .. }
            | Self::Owner { .. }
            | Self::Exposed { .. }
            | Self::Contents { .. }
            | Self::NoRandomness(_) => None,
        }
    }
}
