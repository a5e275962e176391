//! Why page files are not taken over or not written. Every error names the file.

use std::fmt;
use std::io;
use std::path::PathBuf;

use super::summary::Summary;
use crate::error::StoreError;
use crate::page_id::PageId;

/// What is wrong with a folder of pages.
#[derive(Debug)]
#[non_exhaustive]
pub enum FolderError {
    /// The system refused.
    System {
        /// Which file or folder.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// A file is no page, or a page at the wrong place.
    Foreign {
        /// Which file.
        path: PathBuf,
    },
    /// A page has the wrong size.
    Torn {
        /// Which file.
        path: PathBuf,
        /// Its size in bytes.
        found: u64,
    },
    /// There is not one page.
    NoPages {
        /// Which folder.
        path: PathBuf,
    },
}

impl fmt::Display for FolderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System { path, error } => write!(f, "{}: {error}", path.display()),
            Self::Foreign { path } => {
                write!(f, "{} is no page, expected only <denomination>/<page / 256>/<page>.bin here", path.display())
            }
            Self::Torn { path, found } => {
                write!(f, "{} has {found} bytes, expected {}", path.display(), super::PAGE_LEN)
            }
            Self::NoPages { path } => write!(f, "{} holds no pages", path.display()),
        }
    }
}

impl std::error::Error for FolderError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::System { error, .. } => Some(error),
            Self::Foreign { .. } | Self::Torn { .. } | Self::NoPages { .. } => None,
        }
    }
}

/// Why pages were not taken over.
#[derive(Debug)]
#[non_exhaustive]
pub enum ImportError {
    /// The folder is not right. Nothing was changed, unless a file changed meanwhile.
    Folder(FolderError),
    /// The store already holds other coins on a page than the folder does. Nothing was changed.
    Conflict(PageId),
    /// The store failed. What was committed stays; the import can be run again.
    Store(StoreError),
    /// Afterwards the store holds something else than the folder.
    Differs {
        /// What the folder holds.
        files: Box<Summary>,
        /// What the store holds.
        store: Box<Summary>,
    },
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(error) => error.fmt(f),
            Self::Conflict(page) => write!(f, "{page} holds other coins in the store than in the folder"),
            Self::Store(error) => error.fmt(f),
            Self::Differs { .. } => f.write_str("store differs from the folder after the import"),
        }
    }
}

impl std::error::Error for ImportError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Folder(error) => Some(error),
            Self::Store(error) => Some(error),
            Self::Conflict(_) | Self::Differs { .. } => None,
        }
    }
}

impl From<FolderError> for ImportError {
    fn from(error: FolderError) -> Self {
        Self::Folder(error)
    }
}

impl From<StoreError> for ImportError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Why pages were not written.
#[derive(Debug)]
#[non_exhaustive]
pub enum ExportError {
    /// There are pages already, and they stay.
    Exists {
        /// Where.
        path: PathBuf,
    },
    /// Issued pages were asked for, and no coin is issued. Nothing was written: a folder without pages can not be imported.
    NothingIssued,
    /// A file can not be written, or is not what was written. What there is of the pages stays under the name of an
    /// unfinished export.
    Folder(FolderError),
    /// The store can not be read.
    Store(StoreError),
    /// Afterwards the folder holds something else than the store.
    Differs {
        /// What the folder holds.
        files: Box<Summary>,
        /// What the store holds.
        store: Box<Summary>,
    },
}

impl fmt::Display for ExportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exists { path } => write!(f, "{} exists, expected no pages here yet", path.display()),
            Self::NothingIssued => f.write_str("no coin is issued, so there are no pages to write"),
            Self::Folder(error) => error.fmt(f),
            Self::Store(error) => error.fmt(f),
            Self::Differs { .. } => f.write_str("folder differs from the store after the export"),
        }
    }
}

impl std::error::Error for ExportError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Folder(error) => Some(error),
            Self::Store(error) => Some(error),
            Self::Exists { .. } | Self::NothingIssued | Self::Differs { .. } => None,
        }
    }
}

impl From<FolderError> for ExportError {
    fn from(error: FolderError) -> Self {
        Self::Folder(error)
    }
}

impl From<StoreError> for ExportError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
