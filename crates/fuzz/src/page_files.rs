//! Folders of page files, which come from an operator who may have them from anywhere.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};

use raida_store::pages::{self, ExportError, ImportReport, Orphans, PAGE_LEN, Selection};
use raida_store::testing::Disk;
use raida_store::{Options, Record, Store};
use raida_wire::{CoinId, Month};

/// A folder is taken over or refused in words; what was taken over and written out again is taken over alike.
///
/// Taking over ends with a look at every page there can be, which takes a second. So inputs meet a store that holds a coin
/// elsewhere: the folder is surveyed and compared, and refused at last. The first one that begins with `WHOLE` is taken
/// over wholly.
pub fn page_files(octets: &[u8]) {
    static WAS_RUN: AtomicBool = AtomicBool::new(false);
    let folder = tempfile::tempdir().expect("a folder");
    let (is_whole, octets) = octets.strip_prefix(WHOLE).map_or((false, octets), |rest| (true, rest));
    let Some((choice, files)) = octets.split_first() else { return };
    for file in files.chunks(24).take(4) {
        write(folder.path(), file);
    }
    let orphans = if choice % 2 == 0 { Orphans::Leave } else { Orphans::Claim(Month(45)) };
    if is_whole && !WAS_RUN.swap(true, Ordering::Relaxed) {
        whole(folder.path(), orphans);
    } else {
        refused(folder.path(), orphans);
    }
}

const WHOLE: &[u8] = b"whole";

fn refused(folder: &Path, orphans: Orphans) {
    static HOLDER: LazyLock<Mutex<Store>> = LazyLock::new(|| {
        let store = store();
        let coin = CoinId::new(6, 1_023_999).expect("a coin in range");
        let mut batch = store.write().expect("a good disk");
        let record = Record { an: [1; 16].into(), month: Month(45) };
        batch.request(|changes| changes.set(coin, &record)).expect("a good disk");
        batch.commit().expect("a good disk");
        Mutex::new(store)
    });
    let mut store = HOLDER.lock().unwrap_or_else(PoisonError::into_inner);
    let error = pages::import(folder, &mut store, orphans, &mut |_| {}).expect_err("the store has another coin");
    assert!(!error.to_string().is_empty());
}

fn whole(folder: &Path, orphans: Orphans) {
    let mut store = store();
    match pages::import(folder, &mut store, orphans, &mut |_| {}) {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(report) => {
            assert_eq!(report.files, report.store);
            written_and_taken_again(&store, &report);
        }
    }
}

fn written_and_taken_again(store: &Store, report: &ImportReport) {
    let copy = tempfile::tempdir().expect("a folder");
    match pages::export(store, copy.path(), Selection::Issued, &mut |_| {}) {
        Err(ExportError::NothingIssued) => return assert!(report.store.issued.0.iter().all(|count| *count == 0)),
        exported => exported.expect("an export"),
    };
    let taken = pages::import(copy.path(), &mut self::store(), Orphans::Leave, &mut |_| {}).expect("an import");
    assert_eq!(taken.store, report.store);
}

fn store() -> Store {
    let options = Options { database_cache: 0, cache_pages: 16, check: false, ..Options::new([7; 32]) };
    Store::open_on(Disk::new().plug_in(), &options).expect("a good disk")
}

/// One file: denomination, page, what is odd about it, and what is in it, over and over.
fn write(folder: &Path, octets: &[u8]) {
    let [denomination, high, low, odd, content @ ..] = octets else { return };
    let path = folder.join(place(*denomination, u16::from_be_bytes([*high, *low]), odd % 8, content));
    let length = match odd >> 4 {
        0 => PAGE_LEN - 1,
        1 => PAGE_LEN + 1,
        2 => 0,
        _ => PAGE_LEN,
    };
    let page: Vec<u8> = content.iter().chain(&[0]).copied().cycle().take(length).collect();
    let is_made = path.parent().is_some_and(|folder| fs::create_dir_all(folder).is_ok());
    // Names that the system refuses, and files where there is a folder, are not this test's matter.
    if is_made {
        let _ = fs::write(path, page);
    }
}

fn place(denomination: u8, page: u16, odd: u8, content: &[u8]) -> PathBuf {
    let group = page / 256;
    let path = match odd {
        0 => format!("Data/{denomination:02X}/{group:02x}/{page:04X}.bin"),
        1 => format!("Data/{denomination:02x}/{:02x}/{page:04x}.bin", group + 1),
        2 => format!("Data/{denomination:02x}/{page:04x}.bin"),
        3 => format!("Data/{denomination:02x}/{group:02x}/{}.bin", name(content)),
        4 => format!("{denomination:02x}/{group:02x}/{page:04x}.bin"),
        _ => format!("Data/{:02x}/{group:02x}/{:04x}.bin", (denomination % 15).wrapping_sub(8), page % 1000),
    };
    PathBuf::from(path)
}

/// Letters that a file's name may have.
fn name(content: &[u8]) -> String {
    content.iter().take(8).map(|octet| char::from(b"0123456789abcdef+-. "[usize::from(octet % 20)])).collect()
}
