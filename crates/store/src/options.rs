//! How a store is opened.

use std::fmt;

use zeroize::Zeroizing;

/// What a store has to be told.
///
/// ```
/// use raida_store::Options;
///
/// let options = Options { cache_pages: 100, ..Options::new([251; 32]) };
/// assert!(!format!("{options:?}").contains("251"));
/// ```
#[derive(Clone)]
pub struct Options {
    /// The node's secret. A store opens only with the one that it was made with.
    pub secret: Zeroizing<[u8; 32]>,
    /// How much is kept in memory for [`peek`](crate::Store::peek), in pages of 1024 coins and 17 KB. At least 1.
    pub cache_pages: usize,
    /// How much of its file the database itself keeps in memory, in bytes.
    pub database_cache: usize,
    /// How many lockers' keys are kept in memory, some 50 bytes each. Where there are more, none are, and the disk is asked
    /// for every one.
    pub lockers_max: usize,
    /// Whether the whole file is read and checked at every start, not only after a crash: half a second for a full node.
    /// Without it, a file that was damaged since may be found out late, by a read that fails.
    pub check: bool,
}

impl Options {
    /// The usual: a cache for all 15 000 pages, 64 MB for the database, a million lockers, the file checked.
    #[must_use]
    pub fn new(secret: [u8; 32]) -> Self {
        Self {
            secret: Zeroizing::new(secret),
            cache_pages: crate::PageId::COUNT,
            database_cache: 64 << 20,
            lockers_max: 1_000_000,
            check: true,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("cache_pages", &self.cache_pages)
            .field("database_cache", &self.database_cache)
            .field("lockers_max", &self.lockers_max)
            .field("check", &self.check)
            .finish_non_exhaustive()
    }
}
