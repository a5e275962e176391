//! The folder with the coin files, and how they are written.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Write};
use std::num::NonZeroU32;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use raida_wire::CoinId;
use zeroize::Zeroizing;

use super::coin_file;
use super::error::WalletError;
use crate::coin::Coin;
use crate::envelope::random;

/// A folder with one file per coin, for its owner only. Two programs can not use it at the same time.
#[derive(Debug)]
pub struct Wallet {
    folder: PathBuf,
    coin_id: u16,
    /// In whose name nodes keep numbers for Break and Join. The same as long as the wallet is open: a node keeps so many for
    /// one address only, and offers a session's own again.
    pub(super) session: NonZeroU32,
    /// Held as long as the wallet is open.
    _lock: File,
}

/// Coins that are no money any more go to this folder within the wallet. Nothing is ever deleted there.
const SPENT: &str = "spent";

/// No coin file is longer, in bytes.
const LENGTH_MAX: usize = 16_384;

/// More files than this are flushed together with everything else on their disk, which is then quicker than one by one.
/// They are not kept open until then: a process may only have so many.
const FLUSHED_SINGLY_MAX: usize = 8;

impl Wallet {
    /// Opens a folder of coins of the network `coin_id`.
    ///
    /// # Errors
    ///
    /// When it is missing, is open to others, or another program uses it.
    pub fn open(folder: &Path, coin_id: u16) -> Result<Self, WalletError> {
        let about = fs::metadata(folder).map_err(WalletError::io("opening the wallet", folder))?;
        demand_privacy(folder, about.mode())?;
        let path = folder.join(".lock");
        let lock = private().create(true).open(&path).map_err(WalletError::io("opening", &path))?;
        match lock.try_lock() {
            Ok(()) => {
                let session = NonZeroU32::new(u32::from_be_bytes(random()?)).unwrap_or(NonZeroU32::MIN);
                Ok(Self { folder: folder.to_owned(), coin_id, session, _lock: lock })
            }
            Err(TryLockError::WouldBlock) => Err(WalletError::Locked(folder.to_owned())),
            Err(TryLockError::Error(error)) => Err(WalletError::io("locking", &path)(error)),
        }
    }

    /// Opens the folder, and makes it first if it is missing.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open), or when it can not be made.
    pub fn open_or_make(folder: &Path, coin_id: u16) -> Result<Self, WalletError> {
        match DirBuilder::new().mode(0o700).create(folder) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(WalletError::io("making the wallet", folder)(error)),
        }
        Self::open(folder, coin_id)
    }

    /// Which coins there are, ascending. Files with other names than coin files have are not looked at.
    ///
    /// # Errors
    ///
    /// When the folder can not be read.
    pub fn ids(&self) -> Result<Vec<CoinId>, WalletError> {
        let io = || WalletError::io("listing", &self.folder);
        let mut ids = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(io())? {
            ids.extend(entry.map_err(io())?.file_name().to_str().and_then(coin_of));
        }
        ids.sort_unstable();
        Ok(ids)
    }

    /// The coins whose id is `wanted`, ascending.
    ///
    /// # Errors
    ///
    /// When a file can not be read or understood, or is open to others.
    pub fn coins(&self, wanted: impl Fn(CoinId) -> bool) -> Result<Vec<Coin>, WalletError> {
        self.ids()?.into_iter().filter(|id| wanted(*id)).map(|id| self.coin(id)).collect()
    }

    /// One coin.
    ///
    /// # Errors
    ///
    /// When there is none, or its file can not be read or understood, or is open to others.
    pub fn coin(&self, id: CoinId) -> Result<Coin, WalletError> {
        let path = self.path(id);
        let file = match File::open(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(WalletError::Missing(id)),
            opened => opened.map_err(WalletError::io("opening", &path))?,
        };
        let text = read(&path, file)?;
        let coin = coin_file::parse(&text, self.coin_id);
        match coin {
            Ok(coin) if coin.id == id => Ok(coin),
            Ok(coin) => Err(WalletError::Format { path, reason: format!("holds coin {}", coin.id) }),
            Err(reason) => Err(WalletError::Format { path, reason }),
        }
    }

    /// Writes coins down. When this returns, they survive a crash of the computer; when it fails, each file is the old or
    /// the new one. A coin of which nothing is known has no file.
    ///
    /// # Errors
    ///
    /// When a file can not be written.
    pub fn save<'c>(&self, coins: impl IntoIterator<Item = &'c Coin>) -> Result<(), WalletError> {
        let (mut written, mut files, mut is_changed) = (Vec::new(), Vec::new(), false);
        for coin in coins {
            is_changed = true;
            if coin.is_empty() {
                remove_if_there(&self.path(coin.id))?;
            } else {
                let file = self.write(coin)?;
                written.push(coin.id);
                if files.len() < FLUSHED_SINGLY_MAX {
                    files.push(file);
                }
            }
        }
        self.flush(&written, &files)?;
        for id in &written {
            let path = self.path(*id);
            fs::rename(self.path_before(*id), &path).map_err(WalletError::io("renaming to", &path))?;
        }
        if is_changed { self.flush_names(&self.folder) } else { Ok(()) }
    }

    /// Writes down coins that are new here. A file that a coin of the same name has already is kept among the spent.
    pub(super) fn add(&self, coins: &[Coin]) -> Result<(), WalletError> {
        self.put_away(coins.iter().map(|coin| coin.id).filter(|id| self.path(*id).exists()))?;
        self.save(coins)
    }

    /// Puts coins among the spent, with what is known of them.
    pub(super) fn retire<'c>(&self, coins: impl IntoIterator<Item = &'c Coin>) -> Result<(), WalletError> {
        let coins: Vec<_> = coins.into_iter().collect();
        self.save(coins.iter().copied())?;
        self.put_away(coins.iter().filter(|coin| !coin.is_empty()).map(|coin| coin.id))?;
        if coins.is_empty() { Ok(()) } else { self.flush_names(&self.folder) }
    }

    /// Moves files to the spent ones, under names that are free there.
    fn put_away(&self, ids: impl IntoIterator<Item = CoinId>) -> Result<(), WalletError> {
        let mut ids = ids.into_iter().peekable();
        if ids.peek().is_none() {
            return Ok(());
        }
        let spent = self.folder.join(SPENT);
        match DirBuilder::new().mode(0o700).create(&spent) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                return Err(WalletError::io("making", &spent)(error));
            }
            _ => {}
        }
        for id in ids {
            let mut path = spent.join(name(id));
            let mut number = 1_u64;
            while path.exists() {
                path = spent.join(format!("{}.{number}", name(id)));
                number += 1;
            }
            fs::rename(self.path(id), &path).map_err(WalletError::io("renaming to", &path))?;
        }
        self.flush_names(&spent)
    }

    /// Writes the text beside the file that it will become.
    fn write(&self, coin: &Coin) -> Result<File, WalletError> {
        let path = self.path_before(coin.id);
        let io = || WalletError::io("writing", &path);
        let text = coin_file::text(coin, self.coin_id).map_err(|error| io()(error.into()))?;
        remove_if_there(&path)?; // left behind by a crash
        let mut file = private().create_new(true).open(&path).map_err(io())?;
        file.write_all(&text).map_err(io())?;
        Ok(file)
    }

    /// Makes sure that what was written is on the disk. `files` are the first of those of `written`.
    fn flush(&self, written: &[CoinId], files: &[File]) -> Result<(), WalletError> {
        if written.len() > files.len() {
            let io = || WalletError::io("flushing the disk of", &self.folder);
            let folder = File::open(&self.folder).map_err(io())?;
            return rustix::fs::syncfs(&folder).map_err(|error| io()(error.into()));
        }
        for (id, file) in written.iter().zip(files) {
            file.sync_all().map_err(WalletError::io("flushing", &self.path_before(*id)))?;
        }
        Ok(())
    }

    /// Makes sure that the names in a folder are on the disk.
    fn flush_names(&self, folder: &Path) -> Result<(), WalletError> {
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(WalletError::io("flushing", folder))
    }

    fn path(&self, id: CoinId) -> PathBuf {
        self.folder.join(name(id))
    }

    /// What the file is called until it is whole.
    fn path_before(&self, id: CoinId) -> PathBuf {
        self.folder.join(format!(".{}.new", name(id)))
    }
}

/// `coin.-8.17.json`.
fn name(CoinId { denomination, serial_number }: CoinId) -> String {
    format!("coin.{denomination}.{serial_number}.json")
}

/// The coin that a file of this name holds.
fn coin_of(found: &str) -> Option<CoinId> {
    let (denomination, serial_number) = found.strip_prefix("coin.")?.strip_suffix(".json")?.split_once('.')?;
    let id = CoinId::new(denomination.parse().ok()?, serial_number.parse().ok()?)?;
    (name(id) == found).then_some(id)
}

/// How to make a file that only its owner has access to.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    options
}

fn remove_if_there(path: &Path) -> Result<(), WalletError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(WalletError::io("removing", path)(error)),
        _ => Ok(()),
    }
}

fn read(path: &Path, file: File) -> Result<Zeroizing<Vec<u8>>, WalletError> {
    let io = || WalletError::io("reading", path);
    demand_privacy(path, file.metadata().map_err(io())?.mode())?;
    // Of its full size from the start, so that no growth leaves a copy behind.
    let mut text = Zeroizing::new(Vec::with_capacity(LENGTH_MAX + 1));
    let limit = u64::try_from(LENGTH_MAX).unwrap_or(u64::MAX).saturating_add(1);
    file.take(limit).read_to_end(&mut text).map_err(io())?;
    if text.len() > LENGTH_MAX {
        let reason = format!("longer than {LENGTH_MAX} bytes");
        return Err(WalletError::Format { path: path.to_owned(), reason });
    }
    Ok(text)
}

fn demand_privacy(path: &Path, mode: u32) -> Result<(), WalletError> {
    match mode & 0o077 {
        0 => Ok(()),
        _ => Err(WalletError::Mode { path: path.to_owned(), mode: mode & 0o777 }),
    }
}
