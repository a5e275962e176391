//! Writing a folder of pages.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use zeroize::Zeroizing;

use super::Progress;
use super::error::{ExportError, FolderError};
use super::folder::{self, Folder};
use super::octets::PAGE_LEN;
use super::summary::Summary;
use crate::error::StoreError;
use crate::page_id::PageId;
use crate::page_set::PageSet;
use crate::store::Store;
use crate::view::View;

/// Which pages an export writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selection {
    /// All 15 000, 261 MB: what a file-based server needs, which fills pages that it misses with public numbers.
    All,
    /// Those on which something is issued.
    Issued,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportReport {
    /// How many pages the folder has.
    pub pages: usize,
    /// How many of them were there already, from an export that was cut off.
    pub known: usize,
    /// What the folder holds, read again.
    pub files: Summary,
    /// What the store held; the same.
    pub store: Summary,
}

/// Name of the folder until all pages are in it.
const UNFINISHED: &str = "Data.unfinished";

/// Writes pages as one committed state has them into `Data` in `folder`, for its owner alone. Coins may be changed
/// meanwhile; the export does not show it.
///
/// The pages come to be under another name, which becomes `Data` when they are on disk, all of them, and have been read
/// again. Where an earlier export was cut off, the pages that are right stay.
///
/// # Errors
///
/// When `Data` exists, when no coin is issued and only issued pages are asked for, when disk or store fail, or when the folder holds something else than the store afterwards.
///
/// Source: protocol §7.2
pub fn export(
    store: &Store,
    folder: &Path,
    selection: Selection,
    progress: &mut dyn FnMut(Progress),
) -> Result<ExportReport, ExportError> {
    let (unfinished, finished) = (folder.join(UNFINISHED), folder.join(folder::NAME));
    if finished.try_exists().map_err(|error| system(&finished, error))? {
        return Err(ExportError::Exists { path: finished });
    }
    let view = store.mirror.view();
    let pages = select(&view, selection)?;
    let total = pages.len();
    if total == 0 {
        return Err(ExportError::NothingIssued);
    }
    remove_others(&unfinished, &pages)?;
    let mut octets = Zeroizing::new([0; PAGE_LEN]);
    let mut known = 0;
    for (done, page) in pages.iter().enumerate() {
        store.page_of(&view, page, &mut octets)?;
        let path = folder::place(&unfinished, page);
        known += usize::from(!write(&path, &octets).map_err(|error| system(&path, error))?);
        progress(Progress::Pages { done: done + 1, total });
    }
    // One sync for all files: nothing counts before the new name does.
    let settled = |path| File::open(path).and_then(|file| rustix::fs::syncfs(file).map_err(io::Error::from));
    settled(&unfinished).map_err(|error| system(&unfinished, error))?;
    let checked = &mut |done| progress(Progress::Checked { done, total });
    let files = Summary::of_folder(&Folder::survey(&unfinished)?, checked)?;
    let held = Summary::of_view(&view)?;
    if files != held {
        return Err(ExportError::Differs { files: Box::new(files), store: Box::new(held) });
    }
    let renamed = fs::rename(&unfinished, &finished).and_then(|()| File::open(folder)?.sync_all());
    renamed.map_err(|error| system(&finished, error))?;
    Ok(ExportReport { pages: total, known, files, store: held })
}

fn select(view: &View, selection: Selection) -> Result<PageSet, StoreError> {
    let mut pages = PageSet::new();
    match selection {
        Selection::All => pages = PageSet::all(),
        Selection::Issued => view.chunks()?.try_for_each(|row| row.map(|(id, _)| pages.insert(id.page())))?,
    }
    Ok(pages)
}

/// Makes the folder, and removes what an earlier export with another selection may have left there.
fn remove_others(folder: &Path, pages: &PageSet) -> Result<(), ExportError> {
    make_folder(folder).map_err(|error| system(folder, error))?;
    for page in PageId::all().filter(|page| !pages.contains(*page)) {
        let path = folder::place(folder, page);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(system(&path, error)),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

fn make_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Writes one file, unless it holds just that. Returns whether it did.
fn write(path: &Path, octets: &[u8; PAGE_LEN]) -> io::Result<bool> {
    if fs::read(path).map(Zeroizing::new).is_ok_and(|found| found.as_slice() == octets) {
        return Ok(false);
    }
    if let Some(folder) = path.parent() {
        make_folder(folder)?;
    }
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(octets)?;
    Ok(true)
}

fn system(path: &Path, error: io::Error) -> ExportError {
    ExportError::Folder(FolderError::System { path: path.to_owned(), error })
}
