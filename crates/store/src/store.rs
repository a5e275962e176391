//! The store: opening it, reading, and the way to a change.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use raida_wire::audit::Counts;
use raida_wire::{AuthenticityNumber, CoinId, Denomination, vote};
use redb::{Database, DatabaseError, StorageBackend, StorageError};

use crate::batch::Batch;
use crate::chunk::ChunkId;
use crate::derived;
use crate::error::{OpenError, StoreError};
use crate::forest::Forest;
use crate::issued::BITMAP_LEN;
use crate::locker_index::LockerIndex;
use crate::medium::{Medium, Plug};
use crate::mirror::{Mirror, Peek};
use crate::named_file::NamedFile;
use crate::options::Options;
use crate::page_id::PageId;
use crate::page_set::PageSet;
use crate::record::Record;
use crate::recovery::Tally;
use crate::schema;
use crate::tally::Figures;
use crate::unissued::Unissued;
use crate::view::View;

/// Name of the database in the data folder.
pub const FILE_NAME: &str = "coins.redb";

/// The coins of one node. Shared by all threads: many read, one at a time changes.
///
/// Readers see the last committed state and never wait for a commit: they take no lock that is held while the disk works.
pub struct Store {
    // Readers' views are let go before the database closes.
    pub(crate) mirror: Mirror,
    pub(crate) forest: ArcSwap<Forest>,
    pub(crate) trees: Mutex<Trees>,
    writer: Mutex<Writer>,
    pub(crate) unissued: Unissued,
    pub(crate) tally: Tally,
    pub(crate) opening: Opening,
    pub(crate) medium: Medium,
}

/// What only the one writer needs.
pub(crate) struct Writer {
    /// The pages marked on disk as changed since their leaf was hashed.
    pub(crate) stale: PageSet,
    /// The chunks of a change that has begun to go to disk, or failed there: nobody knows how much of it is.
    pub(crate) doubt: Option<Vec<ChunkId>>,
    pub(crate) database: Database,
}

/// How the database is opened, the first time and after a failure.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opening {
    cache: usize,
    check: bool,
}

impl Opening {
    pub(crate) fn open(self, plug: Plug) -> Result<Database, OpenError> {
        let mut builder = Database::builder();
        builder.set_cache_size(self.cache).set_check_integrity_on_open(self.check);
        builder.create_with_backend(plug).map_err(refused)
    }
}

/// What only the one who hashes needs. Locked before the writer, never after it.
#[derive(Debug)]
pub(crate) struct Trees {
    /// Pages whose leaf on disk is older than the one in memory.
    pub(crate) unsaved: PageSet,
}

impl Store {
    /// Opens the coins in a folder, or makes an empty store there, as [`make`](Self::make) does.
    ///
    /// Brings the Merkle trees up to date. After a crash the whole file is read once.
    ///
    /// # Errors
    ///
    /// Where the file belongs to another process, another program, another version or another secret, is damaged or
    /// empty, or where the system refuses.
    pub fn open(folder: &Path, options: &Options) -> Result<Self, OpenError> {
        Self::make(folder)?;
        let path = folder.join(FILE_NAME);
        let failed = |error| OpenError::System { path: path.clone(), error };
        let file = OpenOptions::new().read(true).write(true).open(&path).map_err(failed)?;
        if file.metadata().map_err(failed)?.len() == 0 {
            return Err(OpenError::Empty);
        }
        Self::open_on(NamedFile::new(file).map_err(refused)?, options)
    }

    /// Makes a database without coins in a folder that has none, for its owner alone. It appears whole or not at all: a file
    /// with nothing in it was never one. The folder must exist.
    ///
    /// # Errors
    ///
    /// Where the system refuses.
    pub fn make(folder: &Path) -> Result<(), OpenError> {
        let path = folder.join(FILE_NAME);
        let failed = |error| OpenError::System { path: path.clone(), error };
        if path.try_exists().map_err(failed)? {
            return Ok(());
        }
        let draft = folder.join(format!(".{FILE_NAME}.{}", process::id()));
        // Of a process of the same number that was killed here.
        let _ = fs::remove_file(&draft);
        write_blank(&draft)?;
        match fs::hard_link(&draft, &path) {
            Ok(()) => fs::remove_file(&draft),
            // Another process was faster.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => fs::remove_file(&draft),
            // This file system has no hard links.
            Err(_) => fs::rename(&draft, &path),
        }
        .map_err(failed)?;
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)
    }

    /// As [`open`](Self::open), on any medium.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn open_on(medium: impl StorageBackend, options: &Options) -> Result<Self, OpenError> {
        let (medium, opening) = (Medium::new(medium), Opening { cache: options.database_cache, check: options.check });
        let database = opening.open(medium.plug_in())?;
        let unissued = Unissued::new(&options.secret);
        schema::prepare(&database, &unissued)?;
        if schema::is_derived_anew(&database)? {
            derived::rebuild(&database)?;
        }
        let stale = schema::stale(&database)?;
        let cache_chunks = options.cache_pages.max(1).saturating_mul(ChunkId::PER_PAGE);
        let view = View::new(&database)?;
        let lockers = LockerIndex::new(&view, options.lockers_max)?;
        let mirror = Mirror::new(view, lockers, cache_chunks, stale.clone());
        derived::load_issued(&database, &mirror.issued)?;
        let forest = ArcSwap::from_pointee(Forest::new(&derived::leaves(&database)?));
        let (trees, writer) = (Trees { unsaved: PageSet::new() }, Writer { stale, doubt: None, database });
        let (trees, writer, tally) = (Mutex::new(trees), Mutex::new(writer), Tally::default());
        let store = Self { mirror, forest, trees, writer, unissued, tally, opening, medium };
        store.refresh_trees()?;
        Ok(store)
    }

    /// What memory alone knows of a coin. Takes no lock, never waits, never touches the disk: fit for an I/O thread.
    #[must_use]
    pub fn peek(&self, coin: CoinId) -> Peek {
        self.mirror.peek(coin)
    }

    /// The record of a coin, `None` where it is not issued. Fetched from disk where it is not in memory.
    ///
    /// # Errors
    ///
    /// When it is on disk and can not be read. [`StoreError::Broken`] where a change of it, or of a neighbour, has failed
    /// half-way, until the disk works: what is told must not be gone with the power.
    pub fn read(&self, coin: CoinId) -> Result<Option<Record>, StoreError> {
        self.mirror.read(coin)
    }

    /// The records of several coins, in the order asked for, as they all stood at one moment.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn read_all(&self, coins: &[CoinId]) -> Result<Vec<Option<Record>>, StoreError> {
        self.mirror.read_all(coins)
    }

    /// How many coins of each denomination are issued, all counted at one moment.
    #[must_use]
    pub fn issued(&self) -> Counts {
        self.mirror.stable(|| self.mirror.issued.counts())
    }

    /// One bit per serial number: bit sn mod 8 of octet sn / 8, least significant first, 1 = issued.
    ///
    /// Source: protocol §5.5
    pub fn bitmap(&self, denomination: Denomination, out: &mut [u8; BITMAP_LEN]) {
        let bitmap = self.mirror.stable(|| {
            let mut bitmap = Box::new([0; BITMAP_LEN]);
            self.mirror.issued.bitmap(denomination, &mut bitmap);
            bitmap
        });
        *out = *bitmap;
    }

    /// The coins of a page that are not issued: bit n mod 64 of word n / 64 for the coin of record n. Changes made meanwhile
    /// may or may not show.
    #[must_use]
    pub fn free_on(&self, page: PageId) -> [u64; PageId::RECORDS / 64] {
        self.mirror.issued.free(page)
    }

    /// The number that stands for a coin that is not issued, in pages and exports. It authenticates nothing.
    ///
    /// Source: protocol §7.4
    #[must_use]
    pub fn unissued_number(&self, coin: CoinId) -> AuthenticityNumber {
        self.unissued.number(coin)
    }

    /// The keys of the lockers that begin with `prefix`, ascending, so many at most. May read the disk.
    ///
    /// # Errors
    ///
    /// When the index can not be read.
    ///
    /// Source: protocol §1.3
    pub fn lockers(&self, prefix: [u8; 5], max: usize) -> Result<Vec<AuthenticityNumber>, StoreError> {
        self.look_into_lockers(|view| view.lockers(prefix, max))
    }

    /// The same from memory alone; `None` where the disk has to be asked. Never waits: fit for an I/O thread.
    ///
    /// Source: protocol §1.3
    #[must_use]
    pub fn peek_lockers(&self, prefix: [u8; 5], max: usize) -> Option<Vec<AuthenticityNumber>> {
        self.mirror.lockers.keys(prefix, max).filter(|_| self.mirror.trusts_lockers())
    }

    /// The coins of a locker, by denomination, then serial number, so many at most. May read the disk.
    ///
    /// # Errors
    ///
    /// When the index can not be read.
    ///
    /// Source: protocol §5.6
    pub fn locker(&self, key: &AuthenticityNumber, max: usize) -> Result<Vec<CoinId>, StoreError> {
        self.look_into_lockers(|view| view.locker(key, max))
    }

    fn look_into_lockers<T>(&self, look: impl Fn(&View) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let found = self.mirror.on_view(|view| look(view))?;
        if self.mirror.trusts_lockers() { Ok(found) } else { Err(StoreError::Broken) }
    }

    /// The roots of all Merkle trees, as the vote packet carries them: those of the last
    /// [`refresh_trees`](Self::refresh_trees). Takes no lock.
    ///
    /// Source: protocol §6.1
    #[must_use]
    pub fn roots(&self) -> Arc<[u8; vote::ROOTS_LEN]> {
        Arc::clone(self.forest.load().roots())
    }

    /// The Merkle trees, in one state. Takes no lock.
    #[must_use]
    pub fn forest(&self) -> Arc<Forest> {
        self.forest.load_full()
    }

    /// Begins a batch of changes, once the one before it is done.
    ///
    /// # Errors
    ///
    /// [`StoreError::Broken`] after the disk has failed, until [`recover`](Self::recover).
    pub fn write(&self) -> Result<Batch<'_>, StoreError> {
        Ok(Batch::new(self, self.writer()?))
    }

    pub(crate) fn writer(&self) -> Result<MutexGuard<'_, Writer>, StoreError> {
        let writer = self.lock_writer();
        if self.is_broken(&writer) {
            // Also where a panic cut a commit short.
            self.tally.note_broken();
            return Err(StoreError::Broken);
        }
        Ok(writer)
    }

    pub(crate) fn lock_writer(&self) -> MutexGuard<'_, Writer> {
        // A request that panicked has left nothing behind: its changes lived in its batch.
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What it has done since it was opened.
    #[must_use]
    pub fn figures(&self) -> Figures {
        self.mirror.figures()
    }

    /// How many coins' records the cache holds, in groups of 64. The bound is sixteen times `cache_pages`.
    #[must_use]
    pub fn cached_chunks(&self) -> usize {
        self.mirror.cached_chunks()
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("issued", &self.issued()).finish_non_exhaustive()
    }
}

/// Writes a database without any table.
fn write_blank(path: &Path) -> Result<(), OpenError> {
    let failed = |error| OpenError::System { path: path.to_owned(), error };
    let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    let backend = NamedFile::new(file.try_clone().map_err(failed)?).map_err(refused)?;
    drop(Database::builder().create_with_backend(backend).map_err(refused)?);
    file.sync_all().map_err(failed)
}

/// What the database says where it does not open, in our words.
fn refused(error: DatabaseError) -> OpenError {
    let foreign = |cause: &io::Error| cause.kind() == io::ErrorKind::InvalidData;
    if matches!(error, DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch) {
        OpenError::InUse
    } else if matches!(&error, DatabaseError::Storage(StorageError::Io(cause)) if foreign(cause)) {
        OpenError::Foreign
    } else if let DatabaseError::Storage(StorageError::Corrupted(reason)) = error {
        OpenError::Damaged(reason)
    } else {
        OpenError::Store(redb::Error::from(error).into())
    }
}
