//! Taking a folder of pages over.

use std::path::Path;

use raida_wire::audit::Counts;
use raida_wire::{CoinId, Month};
use zeroize::Zeroizing;

use super::Progress;
use super::error::ImportError;
use super::folder::Folder;
use super::initial::initial_number;
use super::octets::{self, PAGE_LEN};
use super::summary::{Summary, Tally};
use crate::chunk::Chunk;
use crate::page_id::PageId;
use crate::store::Store;
use crate::unissued::Unissued;
use crate::view::View;

/// What becomes of coins that have an owner but no month.
///
/// A file-based server forgets the month of coins that it makes by Join, so that they look as if they were not issued.
/// They are told by a number that is neither zero nor the public one of coins that were never issued. But coins that
/// it deleted, freed or broke look the same: whether such a coin is owned, only its operator can judge.
///
/// Source: protocol §7.4
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Orphans {
    /// They count as not issued: whoever owns one has lost it.
    Leave,
    /// They become issued, with this month.
    Claim(Month),
}

/// What was taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportReport {
    /// How many pages the folder has.
    pub pages: usize,
    /// How many of them were in the store already, from an import that was cut off.
    pub known: usize,
    /// Coins with an owner but without a month. They are in the summaries if they were claimed.
    pub orphans: Counts,
    /// What the folder holds.
    pub files: Summary,
    /// What the store holds; the same.
    pub store: Summary,
}

/// Takes the coins of a folder over. `folder` is the one that has `Data` in it, or `Data` itself.
///
/// The folder is judged before anything is changed. The store may be empty, or hold what an import of the same folder
/// left behind when it was cut off: pages that are there are skipped. Coins that the store holds are never changed.
///
/// # Errors
///
/// A file that is no page or has the wrong size, a page that is in the store with other coins, a failure of disk or
/// store, or a difference between folder and store afterwards.
///
/// Source: protocol §7.2
pub fn import(
    folder: &Path,
    store: &mut Store,
    orphans: Orphans,
    progress: &mut dyn FnMut(Progress),
) -> Result<ImportReport, ImportError> {
    let folder = Folder::survey(folder)?;
    let known = known_pages(&folder, store, orphans)?;
    let total = folder.pages.len();
    let (mut tally, mut found) = (Tally::default(), Counts::default());
    let mut octets = Zeroizing::new([0; PAGE_LEN]);
    let mut batch = store.write()?;
    for (done, page) in folder.pages.iter().enumerate() {
        folder.read(page, &mut octets)?;
        adopt(page, &mut octets, orphans, &store.unissued, &mut |coin| {
            if let Some(count) = found.0.get_mut(coin.denomination.index()) {
                *count += 1;
            }
            progress(Progress::Orphan(coin));
        });
        tally.add_octets(page, &octets);
        if !known.contains(&page) {
            let chunks = octets::chunks(page, &octets).filter(|(_, chunk)| *chunk != Chunk::EMPTY);
            chunks.for_each(|(id, chunk)| batch.put(id, chunk));
        }
        if batch.len() >= CHUNKS_PER_COMMIT {
            batch.commit()?;
            batch = store.write()?;
        }
        progress(Progress::Pages { done: done + 1, total });
    }
    batch.commit()?;
    let files = tally.finish();
    let kept = check(store, &files, progress)?;
    Ok(ImportReport { pages: total, known: known.len(), orphans: found, files, store: kept })
}

/// How much memory a commit takes: 4 MB.
const CHUNKS_PER_COMMIT: usize = 4096;

/// How many pages a folder has to import, as far as the names and sizes of its files tell.
///
/// # Errors
///
/// Where there is none, or a file that is no page.
pub fn survey(folder: &Path) -> Result<usize, ImportError> {
    Ok(Folder::survey(folder)?.pages.len())
}

/// The pages on which the store holds coins: the very ones that the folder does.
fn known_pages(folder: &Folder, store: &Store, orphans: Orphans) -> Result<Vec<PageId>, ImportError> {
    let view = store.mirror.view();
    let mut octets = Zeroizing::new([0; PAGE_LEN]);
    let mut known = Vec::new();
    for page in PageId::all().filter(|page| store.mirror.issued.is_any(*page)) {
        let is_same = folder.read(page, &mut octets)? && is_same(&view, page, &mut octets, orphans, &store.unissued)?;
        if !is_same {
            return Err(ImportError::Conflict(page));
        }
        known.push(page);
    }
    Ok(known)
}

/// Whether the store's page is what this file becomes. A claimed coin may have been claimed in an earlier month.
fn is_same(
    view: &View,
    page: PageId,
    octets: &mut [u8; PAGE_LEN],
    orphans: Orphans,
    unissued: &Unissued,
) -> Result<bool, ImportError> {
    let mut claimed = Vec::new();
    adopt(page, octets, orphans, unissued, &mut |coin| claimed.push(coin));
    let stored = view.page(page)?;
    let empty = Chunk::EMPTY;
    for ((id, mut chunk), stored) in octets::chunks(page, octets).zip(&stored) {
        let stored = stored.as_ref().unwrap_or(&empty);
        for place in 0..crate::chunk::RECORDS {
            let is_claimed = id.coin(place).is_some_and(|coin| claimed.binary_search(&coin).is_ok());
            if let (true, Some(mut record), Some(kept)) = (is_claimed, chunk.get(place), stored.get(place)) {
                record.month = kept.month;
                chunk.set(place, &record);
            }
        }
        if chunk != *stored {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Finds the coins with an owner but no month, ascending, and gives them one if they are to be claimed. A number that this
/// store itself has for a coin that is not issued, as its own exports do, is no owner's.
fn adopt(
    page: PageId,
    octets: &mut [u8; PAGE_LEN],
    orphans: Orphans,
    unissued: &Unissued,
    orphan: &mut dyn FnMut(CoinId),
) {
    for (place, record) in octets::records_mut(octets).iter_mut().enumerate() {
        let ([number @ .., month @ 0], Some(coin)) = (record, page.coin(place)) else { continue };
        let is_nobodys = *number == [0; 16] || *number == initial_number(coin);
        if is_nobodys || *number == *unissued.number(coin).octets() {
            continue;
        }
        orphan(coin);
        if let Orphans::Claim(now) = orphans {
            *month = now.0;
        }
    }
}

/// Reads the whole store again.
fn check(store: &Store, files: &Summary, progress: &mut dyn FnMut(Progress)) -> Result<Summary, ImportError> {
    store.refresh_trees()?;
    store.save_trees()?;
    let kept = Summary::of_view(&store.mirror.view())?;
    progress(Progress::Checked { done: PageId::COUNT, total: PageId::COUNT });
    if kept != *files || kept.issued != store.issued() || kept.roots[..] != store.roots()[..] {
        return Err(ImportError::Differs { files: Box::new(files.clone()), store: Box::new(kept) });
    }
    Ok(kept)
}
