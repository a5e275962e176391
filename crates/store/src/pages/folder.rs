//! A folder of page files: which there are, where each lies.

use std::fs::{self, DirEntry, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use raida_wire::RawCoinId;

use super::error::FolderError;
use super::octets::PAGE_LEN;
use crate::page_id::PageId;
use crate::page_set::PageSet;

/// Name of the folder of pages.
pub(super) const NAME: &str = "Data";

/// A folder in which every file is a whole page at its place.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    pub(super) pages: PageSet,
}

impl Folder {
    /// Looks at the name and size of every file in `Data`, or in the folder itself where it has no `Data`.
    pub(super) fn survey(folder: &Path) -> Result<Self, FolderError> {
        let inner = folder.join(NAME);
        let path = if inner.is_dir() { inner } else { folder.to_owned() };
        let mut pages = PageSet::new();
        for denomination in list(&path)? {
            for group in list(&denomination.path())? {
                for file in list(&group.path())? {
                    pages.insert(judge(&path, &file)?);
                }
            }
        }
        if pages.is_empty() { Err(FolderError::NoPages { path }) } else { Ok(Self { path, pages }) }
    }

    /// Reads a page; `false` where there is none.
    pub(super) fn read(&self, page: PageId, out: &mut [u8; PAGE_LEN]) -> Result<bool, FolderError> {
        if !self.pages.contains(page) {
            return Ok(false);
        }
        let path = place(&self.path, page);
        let failed = |error| FolderError::System { path: path.clone(), error };
        let mut file = File::open(&path).map_err(failed)?;
        let found = file.metadata().map_err(failed)?.len();
        if found != PAGE_LEN as u64 {
            return Err(FolderError::Torn { path, found });
        }
        file.read_exact(out).map_err(failed)?;
        Ok(true)
    }
}

/// Where a page lies.
pub(super) fn place(folder: &Path, page: PageId) -> PathBuf {
    let (denomination, number) = (page.denomination().octet(), page.number());
    folder.join(format!("{denomination:02x}/{:02x}/{number:04x}.bin", number / 256))
}

/// The page that a file is.
fn judge(folder: &Path, file: &DirEntry) -> Result<PageId, FolderError> {
    let path = file.path();
    let failed = |error| FolderError::System { path: path.clone(), error };
    // A link is not followed: it is foreign.
    let about = file.metadata().map_err(failed)?;
    let Some(page) = named(folder, &path).filter(|_| about.is_file()) else {
        return Err(FolderError::Foreign { path });
    };
    if about.len() == PAGE_LEN as u64 { Ok(page) } else { Err(FolderError::Torn { path, found: about.len() }) }
}

/// The page whose place this is.
fn named(folder: &Path, path: &Path) -> Option<PageId> {
    let mut names = path.strip_prefix(folder).ok()?.iter();
    let denomination = u8::from_str_radix(names.next()?.to_str()?, 16).ok()?;
    let denomination = RawCoinId([denomination, 0, 0, 0, 0]).judge()?.denomination;
    let number = u32::from_str_radix(path.file_stem()?.to_str()?, 16).ok()?;
    // There is one way to write each.
    PageId::new(denomination, number).filter(|page| place(folder, *page) == path)
}

fn list(folder: &Path) -> Result<Vec<DirEntry>, FolderError> {
    let failed = |error: io::Error| {
        let path = folder.to_owned();
        let is_file = error.kind() == io::ErrorKind::NotADirectory;
        if is_file { FolderError::Foreign { path } } else { FolderError::System { path, error } }
    };
    let mut entries = fs::read_dir(folder).map_err(failed)?.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    // The same file is complained of every time.
    entries.sort_by_key(DirEntry::path);
    Ok(entries)
}
