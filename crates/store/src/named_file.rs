//! The file that the database lies in.

use std::fs::File;
use std::io;
use std::ops::Bound;
use std::os::unix::fs::MetadataExt;

use redb::backends::FileBackend;
use redb::{BackendError, DatabaseError, StorageBackend};

/// A file that takes nothing for written once it has lost its name: what is in it then is gone with the process, and whoever
/// starts next finds another file there, or none.
#[derive(Debug)]
pub(crate) struct NamedFile {
    backend: FileBackend,
    file: File,
}

impl NamedFile {
    pub(crate) fn new(file: File) -> Result<Self, DatabaseError> {
        Ok(Self { file: file.try_clone()?, backend: FileBackend::new(file)? })
    }

    fn has_name(&self) -> io::Result<bool> {
        Ok(self.file.metadata()?.nlink() > 0)
    }
}

impl StorageBackend for NamedFile {
    fn len(&self) -> io::Result<u64> {
        self.backend.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.backend.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.backend.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.backend.sync_data()?;
        if self.has_name()? {
            Ok(())
        } else {
            Err(io::Error::new(io::ErrorKind::NotFound, "its file was removed, or replaced, under the running node"))
        }
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.backend.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.backend.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.backend.try_lock_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.backend.unlock_range(start, end)
    }
}
