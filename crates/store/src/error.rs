//! What can go wrong with a store. No error holds a secret.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::page_id::PageId;

/// Why a store did not do what it was asked for.
#[derive(Debug)]
#[non_exhaustive]
pub enum StoreError {
    /// The database refused. Boxed, as it is large and rare.
    Database(Box<redb::Error>),
    /// The disk has failed before. The store changes nothing until [`Store::recover`](crate::Store::recover) has opened
    /// the database again; a commit that failed is then there wholly or not at all.
    Broken,
    /// A row is not what it should be.
    Damaged(Damage),
}

/// What [`Store::verify`](crate::Store::verify) or a read found odd.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Damage {
    /// A chunk of records has a key that no chunk can have.
    ChunkKey(u32),
    /// A row about pages has a key that no page can have.
    PageKey(u16),
    /// The marks of pages to be hashed have the wrong size.
    StaleMarks,
    /// The issued bits of a page are not those of its records.
    Issued(PageId),
    /// The index of lockers is not that of the records.
    Lockers,
    /// The leaf of a page is not the hash of its records.
    Leaf(PageId),
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Database(error) => write!(f, "coin database: {error}"),
            Self::Broken => f.write_str("the disk of the coin database has failed before, and is not yet back"),
            Self::Damaged(damage) => write!(f, "coin database is damaged: {damage}"),
        }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ChunkKey(key) => write!(f, "chunk key is {key}, expected one below 240000"),
            Self::PageKey(key) => write!(f, "page key is {key}, expected one below 15000"),
            Self::StaleMarks => f.write_str("marks of changed pages have another size than 1875 bytes"),
            Self::Issued(page) => write!(f, "issued bits of {page} differ from its records"),
            Self::Lockers => f.write_str("index of lockers differs from the records"),
            Self::Leaf(page) => write!(f, "leaf of {page} differs from its records"),
        }
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Database(error) => Some(error),
            Self::Broken | Self::Damaged(_) => None,
        }
    }
}

impl From<redb::Error> for StoreError {
    fn from(error: redb::Error) -> Self {
        if matches!(error, redb::Error::PreviousIo | redb::Error::DatabaseClosed) {
            Self::Broken
        } else {
            Self::Database(Box::new(error))
        }
    }
}

impl From<io::Error> for StoreError {
    fn from(error: io::Error) -> Self {
        redb::Error::Io(error).into()
    }
}

/// The database names its errors by call; here they are one.
macro_rules! from_database {
    ($($error:ty),*) => {
        $(impl From<$error> for StoreError {
            fn from(error: $error) -> Self {
                redb::Error::from(error).into()
            }
        })*
    };
}

from_database!(redb::StorageError, redb::TableError, redb::TransactionError, redb::CommitError);

/// Why a store was not opened.
#[derive(Debug)]
#[non_exhaustive]
pub enum OpenError {
    /// The system refused.
    System {
        /// Which file or folder.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// Another process has it open.
    InUse,
    /// It is a database, but not of coins, or no database at all.
    Foreign,
    /// Nothing is in it: somebody, or a file system that failed, has emptied it.
    Empty,
    /// It is damaged.
    Damaged(String),
    /// Another version of the program made it.
    Version {
        /// Its version.
        found: u8,
        /// Ours.
        expected: u8,
    },
    /// It was made with another secret.
    Secret,
    /// It can not be read or written.
    Store(StoreError),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System { path, error } => write!(f, "{}: {error}", path.display()),
            Self::InUse => f.write_str("coin database is in use by another process"),
            Self::Foreign => f.write_str("file is no coin database"),
            Self::Empty => f.write_str("coin database has 0 bytes"),
            Self::Damaged(reason) => write!(f, "coin database is damaged: {reason}"),
            Self::Version { found, expected } => {
                write!(f, "coin database has version {found}, expected version {expected}")
            }
            Self::Secret => f.write_str("coin database was made with another node secret"),
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for OpenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::System { error, .. } => Some(error),
            Self::Store(error) => Some(error),
            Self::InUse | Self::Foreign | Self::Empty | Self::Damaged(_) | Self::Version { .. } | Self::Secret => None,
        }
    }
}

impl From<StoreError> for OpenError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
