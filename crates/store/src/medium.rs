//! What the database lies on. It stays open and locked while the database on it is closed and opened again.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::ops::Bound;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use redb::{BackendError, StorageBackend};

/// How much one look at a medium that takes no writes may keep in memory instead: opening a database writes a few pages.
const OVERLAY_MAX: usize = 16 << 20;
const BLOCK: usize = 4096;

/// A file or a disk, for one database at a time.
#[derive(Clone, Debug)]
pub(crate) struct Medium(Arc<Socket>);

#[derive(Debug)]
struct Socket {
    backend: Box<dyn StorageBackend>,
    /// Which plug is in. An older one reads and writes nothing: its database does not know what a newer one has changed.
    newest: RwLock<u64>,
    /// An act of the newest plug has failed: its database does nothing any more.
    has_failed: AtomicBool,
    /// Where something was written since the last sync that succeeded: offset and size.
    unsynced: Mutex<Vec<(u64, usize)>>,
}

impl Medium {
    pub(crate) fn new(backend: impl StorageBackend) -> Self {
        Self(Arc::new(Socket {
            backend: Box::new(backend),
            newest: RwLock::new(0),
            has_failed: AtomicBool::new(false),
            unsynced: Mutex::default(),
        }))
    }

    /// Cuts off the database that is on it, and is there for another.
    pub(crate) fn plug_in(&self) -> Plug {
        self.plug(None)
    }

    /// As [`plug_in`](Self::plug_in), for a look at it: what is written stays in memory, and is forgotten.
    pub(crate) fn plug_in_to_look(&self) -> Plug {
        self.plug(Some(Mutex::default()))
    }

    /// Whether the database that is on it has met a failure.
    pub(crate) fn has_failed(&self) -> bool {
        self.0.has_failed.load(Ordering::Acquire)
    }

    /// Writes again what no sync has confirmed, and syncs. A sync that failed may have left it in the system's memory
    /// alone, where it looks as if it were on disk, and the next sync would not tell.
    ///
    /// # Errors
    ///
    /// When the medium still fails. All of it is then still to be written.
    pub(crate) fn write_again(&self) -> io::Result<()> {
        let Socket { backend, .. } = &*self.0;
        let (end, places) = (backend.len()?, self.0.unsynced().clone());
        for (offset, len) in places {
            if offset + len as u64 <= end {
                let mut octets = vec![0; len];
                backend.read(offset, &mut octets)?;
                backend.write(offset, &octets)?;
            }
        }
        self.0.sync()
    }

    fn plug(&self, overlay: Option<Mutex<Overlay>>) -> Plug {
        let mut newest = self.0.newest.write().unwrap_or_else(PoisonError::into_inner);
        *newest += 1;
        self.0.has_failed.store(false, Ordering::Release);
        Plug { socket: Arc::clone(&self.0), number: *newest, overlay }
    }
}

impl Socket {
    fn sync(&self) -> io::Result<()> {
        let pending = std::mem::take(&mut *self.unsynced());
        self.backend.sync_data().inspect_err(|_| self.unsynced().extend(pending))
    }

    fn unsynced(&self) -> MutexGuard<'_, Vec<(u64, usize)>> {
        self.unsynced.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // Nobody is left to be told. What had to be on disk is.
        let _ = self.backend.close();
    }
}

/// One database's way to the medium.
pub(crate) struct Plug {
    socket: Arc<Socket>,
    number: u64,
    overlay: Option<Mutex<Overlay>>,
}

impl Plug {
    /// Does something while no other plug comes in.
    fn act<T>(&self, act: impl FnOnce(&Socket) -> io::Result<T>) -> io::Result<T> {
        let newest = self.socket.newest.read().unwrap_or_else(PoisonError::into_inner);
        if *newest != self.number {
            return Err(io::Error::other("the database was opened anew"));
        }
        act(&self.socket).inspect_err(|_| self.socket.has_failed.store(true, Ordering::Release))
    }

    fn overlay(&self) -> Option<MutexGuard<'_, Overlay>> {
        Some(self.overlay.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl StorageBackend for Plug {
    fn len(&self) -> io::Result<u64> {
        self.act(|socket| match self.overlay().and_then(|overlay| overlay.len) {
            Some(len) => Ok(len),
            None => socket.backend.len(),
        })
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.act(|socket| match self.overlay() {
            Some(overlay) => overlay.read(&*socket.backend, offset, out),
            None => socket.backend.read(offset, out),
        })
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.act(|socket| match self.overlay() {
            Some(mut overlay) => {
                overlay.len = Some(len);
                Ok(())
            }
            None => socket.backend.set_len(len),
        })
    }

    fn sync_data(&self) -> io::Result<()> {
        self.act(|socket| if self.overlay.is_some() { Ok(()) } else { socket.sync() })
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.act(|socket| match self.overlay() {
            Some(mut overlay) => overlay.write(&*socket.backend, offset, data),
            None => {
                socket.unsynced().push((offset, data.len()));
                socket.backend.write(offset, data)
            }
        })
    }

    /// The medium is closed when nobody has it any more.
    fn close(&self) -> io::Result<()> {
        Ok(())
    }

    /// The first plug locks the medium for all that follow it.
    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        if self.number == 1 { self.socket.backend.try_lock_range(start, end) } else { Ok(true) }
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        if self.number == 1 { self.socket.backend.unlock_range(start, end) } else { Ok(()) }
    }
}

impl fmt::Debug for Plug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plug").field("number", &self.number).finish_non_exhaustive()
    }
}

/// What was written over a medium that stays as it is, in blocks.
#[derive(Default)]
struct Overlay {
    len: Option<u64>,
    blocks: BTreeMap<u64, Box<[u8; BLOCK]>>,
}

impl Overlay {
    fn read(&self, below: &dyn StorageBackend, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let len = below.len()?;
        if offset.checked_add(out.len() as u64).is_none_or(|end| end > self.len.unwrap_or(len)) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        // Behind the medium's end are zeros.
        let there = usize::try_from(len.saturating_sub(offset)).unwrap_or(usize::MAX).min(out.len());
        let (found, beyond) = out.split_at_mut(there);
        below.read(offset, found)?;
        beyond.fill(0);
        for (number, part, at) in parts(offset, out.len()) {
            if let Some(block) = self.blocks.get(&number)
                && let (Some(to), Some(from)) = (out.get_mut(at..at + part.len()), block.get(part))
            {
                to.copy_from_slice(from);
            }
        }
        Ok(())
    }

    fn write(&mut self, below: &dyn StorageBackend, offset: u64, data: &[u8]) -> io::Result<()> {
        let len = self.len.unwrap_or(below.len()?);
        self.len = Some(len.max(offset + data.len() as u64));
        for (number, part, at) in parts(offset, data.len()) {
            if !self.blocks.contains_key(&number) {
                if (self.blocks.len() + 1) * BLOCK > OVERLAY_MAX {
                    return Err(io::ErrorKind::OutOfMemory.into());
                }
                let mut block = Box::new([0; BLOCK]);
                let start = number * BLOCK as u64;
                let there = usize::try_from(below.len()?.saturating_sub(start)).unwrap_or(BLOCK).min(BLOCK);
                below.read(start, block.get_mut(..there).unwrap_or_default())?;
                self.blocks.insert(number, block);
            }
            let to = self.blocks.get_mut(&number).and_then(|block| block.get_mut(part.clone()));
            if let (Some(to), Some(from)) = (to, data.get(at..at + part.len())) {
                to.copy_from_slice(from);
            }
        }
        Ok(())
    }
}

/// The blocks that a range touches: number, which part of it, and where that part is in the range.
fn parts(offset: u64, len: usize) -> impl Iterator<Item = (u64, std::ops::Range<usize>, usize)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let place = offset + at as u64;
        let (number, from) = (place / BLOCK as u64, usize::try_from(place % BLOCK as u64).unwrap_or_default());
        let part = from..BLOCK.min(from + len - at);
        let start = at;
        at += part.len();
        (start < len).then_some((number, part, start))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Disk;

    #[test]
    fn a_look_sees_what_it_has_written_and_changes_nothing() {
        let disk = Disk::new();
        let medium = Medium::new(disk.plug_in());
        let writer = medium.plug_in();
        writer.set_len(10_000).unwrap();
        writer.write(0, &[1; 10_000]).unwrap();
        let look = medium.plug_in_to_look();
        assert!(writer.read(0, &mut [0]).is_err(), "cut off");
        look.write(4090, &[2; 5000]).unwrap();
        look.write(9_999, &[3; 3]).unwrap();
        let mut seen = [0; 10_002];
        look.read(0, &mut seen).unwrap();
        assert_eq!(look.len().unwrap(), 10_002);
        assert_eq!(seen[..], [&[1; 4090][..], &[2; 5000], &[1; 909], &[3; 3]].concat());
        assert!(look.read(9_999, &mut [0; 4]).is_err(), "behind the end");
        let mut below = [0; 10_000];
        medium.plug_in().read(0, &mut below).unwrap();
        assert_eq!(below, [1; 10_000]);
    }

    #[test]
    fn what_a_failed_sync_left_in_doubt_is_written_again() {
        let disk = Disk::new();
        let medium = Medium::new(disk.plug_in());
        let plug = medium.plug_in();
        plug.set_len(4).unwrap();
        plug.sync_data().unwrap();
        plug.write(0, b"coin").unwrap();
        disk.fail_after(0);
        assert!(plug.sync_data().is_err() && medium.has_failed());
        disk.work_again();
        medium.write_again().unwrap();
        disk.lose_power(1);
        let mut survived = [0; 4];
        disk.plug_in().read(0, &mut survived).unwrap();
        assert_eq!(&survived, b"coin");
    }
}
