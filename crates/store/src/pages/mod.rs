//! Page files: the layout in which a file-based server keeps its coins, in and out.
//!
//! A page has 1024 records of number 16 and month 1, no header, in `Data/<denomination>/<page / 256>/<page>.bin`.
//! [`import`] takes such a folder over, [`export`] writes one. Both can be cut off and run again, both check what they
//! did by counts and Merkle roots on both sides.
//!
//! ```
//! # let folder = tempfile::tempdir()?;
//! use raida_store::pages::{self, Orphans, Selection};
//! use raida_store::{Options, Record, Store};
//! use raida_wire::{CoinId, Month};
//!
//! let old = Store::open_on(raida_store::testing::Disk::new().plug_in(), &Options::new([7; 32]))?;
//! let coin = CoinId::new(-8, 1_023_999).ok_or("no such coin")?;
//! let mut batch = old.write()?;
//! batch.request(|changes| changes.set(coin, &Record { an: [1; 16].into(), month: Month(45) }))?;
//! batch.commit()?;
//! pages::export(&old, folder.path(), Selection::Issued, &mut |_| {})?;
//!
//! let mut new = Store::open_on(raida_store::testing::Disk::new().plug_in(), &Options::new([8; 32]))?;
//! let report = pages::import(folder.path(), &mut new, Orphans::Leave, &mut |_| {})?;
//! assert_eq!(report.store, report.files);
//! assert_eq!(new.read(coin)?, old.read(coin)?);
//!
//! // With its old secret a store knows the numbers that stand for coins which are not issued.
//! let mut again = Store::open_on(raida_store::testing::Disk::new().plug_in(), &Options::new([7; 32]))?;
//! let report = pages::import(folder.path(), &mut again, Orphans::Leave, &mut |_| {})?;
//! assert_eq!(report.orphans, Default::default());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Source: protocol §7.2, §7.4

mod error;
mod export;
mod folder;
mod import;
mod initial;
mod octets;
mod summary;

use raida_wire::CoinId;

pub use error::{ExportError, FolderError, ImportError};
pub use export::{ExportReport, Selection, export};
pub use import::{ImportReport, Orphans, import, survey};
pub use initial::initial_number;
pub use octets::PAGE_LEN;
pub use summary::Summary;

/// What an import or export has just done, for a progress bar and a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// So many of the pages have been written or taken over.
    Pages {
        /// So many.
        done: usize,
        /// Of so many.
        total: usize,
    },
    /// So many of the pages have been read again to check them.
    Checked {
        /// So many.
        done: usize,
        /// Of so many.
        total: usize,
    },
    /// This coin has an owner but no month: see [`Orphans`].
    Orphan(CoinId),
}
