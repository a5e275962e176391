//! The folder for coins and secrets.

use std::fmt;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::origin::OneLine;

/// Makes the folder for its owner alone (0700), parents included, or accepts one that is there already.
///
/// # Errors
///
/// Where the system refuses, where something else than a folder is there, or where others may write to it: whoever can
/// replace a file in it owns the node.
pub fn make_data_dir(path: &Path) -> Result<(), DataDirError> {
    let failed = |step, error| DataDirError::System { path: path.to_owned(), step, error };
    let new: Vec<&Path> = path.ancestors().take_while(|folder| !folder.exists()).collect();
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| failed("making the folder", error))?;
    for folder in new {
        sync_entry(folder).map_err(|error| failed("putting the folder on disk", error))?;
    }
    let mode = fs::metadata(path).map_err(|error| failed("looking at the folder", error))?.permissions().mode();
    if mode & 0o022 != 0 {
        return Err(DataDirError::Writable { path: path.to_owned(), mode: mode & 0o7777 });
    }
    Ok(())
}

/// Puts the entry of a file or folder on disk: after a power failure it is still found where it is now.
pub(crate) fn sync_entry(path: &Path) -> io::Result<()> {
    File::open(folder_of(path))?.sync_all()
}

/// The folder that a path has its entry in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Why there is no data folder.
#[derive(Debug)]
#[non_exhaustive]
pub enum DataDirError {
    /// The system refused.
    System {
        /// Which folder.
        path: PathBuf,
        /// What was being done.
        step: &'static str,
        /// What the system said.
        error: io::Error,
    },
    /// Others may write to it.
    Writable {
        /// Which folder.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
}

impl fmt::Display for DataDirError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System { path, step, error } => write!(f, "{}: {step}: {error}", OneLine(&path.to_string_lossy())),
            Self::Writable { path, mode } => {
                let path = path.to_string_lossy();
                write!(f, "{0} has permissions {mode:04o}, others may write to it: chmod 700 {0}", OneLine(&path))
            }
        }
    }
}

impl std::error::Error for DataDirError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::System { error, .. } => Some(error),
            Self::Writable { .. } => None,
        }
    }
}
