//! A server's pages come in, all of them or none, and go out as they were.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use raida_store::pages::{self, ExportError, FolderError, ImportError, Orphans, PAGE_LEN, Progress, Selection};
use raida_store::testing::Disk;
use raida_store::{Options, PageId, Record, Store};
use raida_wire::{CoinId, Denomination, Month};

fn store() -> Store {
    Store::open_on(Disk::new().plug_in(), &Options::new([7; 32])).unwrap()
}

fn place(folder: &Path, page: PageId) -> PathBuf {
    let (denomination, number) = (page.denomination().octet(), page.number());
    folder.join(format!("Data/{denomination:02x}/{:02x}/{number:04x}.bin", number / 256))
}

fn page(denomination: i8, number: u32) -> PageId {
    PageId::new(Denomination::new(denomination).unwrap(), number).unwrap()
}

/// A page as an old server has it: issued records, never issued ones, and one orphan at record 2.
fn old_page(page: PageId, seed: u8) -> Vec<u8> {
    let record = |place: usize| {
        let mut record = [seed.wrapping_add(u8::try_from(place % 251).unwrap()); 17];
        record[16] = match (place + usize::from(seed)) % 3 {
            0 => 45,
            1 => 255,
            _ => 0,
        };
        if record[16] == 0 {
            record[..16].copy_from_slice(&pages::initial_number(page.coin(place).unwrap()));
        }
        if place == 2 {
            record = [0xEE; 17];
            record[16] = 0;
        }
        record
    };
    (0..PageId::RECORDS).flat_map(record).collect()
}

fn write(folder: &Path, page: PageId, octets: &[u8]) {
    let path = place(folder, page);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, octets).unwrap();
}

/// Five pages at the corners of the layout.
fn old_server() -> (tempfile::TempDir, Vec<PageId>) {
    let folder = tempfile::tempdir().unwrap();
    let pages = vec![page(-8, 0), page(-8, 999), page(-1, 256), page(0, 255), page(6, 999)];
    pages.iter().zip(0..).for_each(|(page, seed)| write(folder.path(), *page, &old_page(*page, seed)));
    (folder, pages)
}

fn import(folder: &Path, store: &mut Store) -> Result<pages::ImportReport, ImportError> {
    pages::import(folder, store, Orphans::Leave, &mut |_| {})
}

fn is_empty(store: &Store) -> bool {
    store.issued().0 == [0; 15]
}

/// The records of a page that are issued, with their places.
fn issued(octets: &[u8]) -> Vec<(usize, &[u8])> {
    octets.chunks(17).enumerate().filter(|(_, record)| record[16] != 0).collect()
}

#[test]
fn pages_that_came_in_go_out_identical_in_everything_issued() {
    let (folder, old) = old_server();
    let mut store = store();
    let report = import(folder.path(), &mut store).unwrap();
    assert_eq!((report.pages, report.known), (5, 0));
    assert_eq!(report.files, report.store);
    store.verify().unwrap();

    let out = tempfile::tempdir().unwrap();
    let exported = pages::export(&store, out.path(), Selection::Issued, &mut |_| {}).unwrap();
    assert_eq!((exported.pages, &exported.files, &exported.store), (5, &report.store, &report.store));
    for page in &old {
        let (before, after) =
            (fs::read(place(folder.path(), *page)).unwrap(), fs::read(place(out.path(), *page)).unwrap());
        assert_eq!(after.len(), PAGE_LEN);
        assert_eq!(issued(&before), issued(&after), "{page}");
        // What is not issued is nothing that anybody can compute.
        for (place, record) in after.chunks(17).enumerate().filter(|(_, record)| record[16] == 0) {
            assert_eq!(record[..16], *store.unissued_number(page.coin(place).unwrap()).octets());
        }
    }

    // And once more, by way of a node with another secret.
    let mut second = Store::open_on(Disk::new().plug_in(), &Options::new([8; 32])).unwrap();
    let report = import(out.path(), &mut second).unwrap();
    assert_eq!(report.store, exported.store);
}

#[test]
fn torn_page_is_refused_by_name_before_anything_changes() {
    for length in [0, PAGE_LEN - 1, PAGE_LEN + 1] {
        let (folder, _) = old_server();
        let torn = page(3, 77);
        write(folder.path(), torn, &vec![1; length]);
        let mut store = store();
        let refused = import(folder.path(), &mut store).unwrap_err();
        assert!(
            matches!(&refused, ImportError::Folder(FolderError::Torn { path, found })
            if *path == place(folder.path(), torn) && *found == length as u64),
            "{refused}"
        );
        assert!(is_empty(&store));
    }
}

#[test]
fn foreign_file_is_refused_by_name_before_anything_changes() {
    for name in [
        "Data/readme.txt",
        "Data/07/00/0000.bin",
        "Data/f7/00/0000.bin",
        "Data/F8/00/0000.bin",
        "Data/f8/00/03e7.bin",
        "Data/f8/03/03e8.bin",
        "Data/f8/00/0001.BIN",
        "Data/f8/00/1.bin",
        "Data/f8/00/00001.bin",
        "Data/f8/00/0001.bin.tmp",
        "Data/f8/0001.bin",
        "Data/f8/00/0001/0001.bin",
        "Data/f8/00/+001.bin",
    ] {
        let (folder, _) = old_server();
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, [1; PAGE_LEN]).unwrap();
        let mut store = store();
        let refused = import(folder.path(), &mut store).unwrap_err();
        let named =
            matches!(&refused, ImportError::Folder(FolderError::Foreign { path: found }) if path.starts_with(found));
        assert!(named, "{name}: {refused}");
        assert!(is_empty(&store));
    }
}

#[test]
fn link_to_a_page_is_foreign() {
    let (folder, old) = old_server();
    let link = place(folder.path(), page(-8, 1));
    std::os::unix::fs::symlink(place(folder.path(), old[0]), &link).unwrap();
    let refused = import(folder.path(), &mut store()).unwrap_err();
    assert!(matches!(&refused, ImportError::Folder(FolderError::Foreign { path }) if *path == link), "{refused}");
}

#[test]
fn folder_without_pages_is_an_error_and_data_itself_may_be_named() {
    let (folder, _) = old_server();
    let empty = tempfile::tempdir().unwrap();
    for nothing in [empty.path().to_owned(), empty.path().join("missing")] {
        assert!(import(&nothing, &mut store()).is_err());
    }
    assert_eq!(import(&folder.path().join("Data"), &mut store()).unwrap().pages, 5);
}

#[test]
fn import_that_was_cut_off_goes_on() {
    let (folder, old) = old_server();
    let mut store = store();
    // What a run that was cut off leaves behind: whole pages.
    let part = tempfile::tempdir().unwrap();
    for page in &old[..3] {
        write(part.path(), *page, &fs::read(place(folder.path(), *page)).unwrap());
    }
    import(part.path(), &mut store).unwrap();
    let report = import(folder.path(), &mut store).unwrap();
    assert_eq!((report.pages, report.known), (5, 3));
    let again = import(folder.path(), &mut store).unwrap();
    assert_eq!((again.known, again.store), (5, report.store));
}

#[test]
fn coins_of_the_store_are_never_changed_by_an_import() {
    let (folder, old) = old_server();
    for coin in [old[1].coin(700).unwrap(), CoinId::new(4, 4).unwrap()] {
        let mut store = store();
        let mut batch = store.write().unwrap();
        let record = Record { an: [0x77; 16].into(), month: Month(2) };
        batch.request(|changes| changes.set(coin, &record)).unwrap();
        batch.commit().unwrap();
        let refused = import(folder.path(), &mut store).unwrap_err();
        assert!(matches!(refused, ImportError::Conflict(page) if page == PageId::of(coin)), "{refused}");
        assert_eq!(store.issued().0.iter().sum::<u32>(), 1);
        assert_eq!(store.read(coin).unwrap(), Some(record));
    }
}

#[test]
fn coins_without_a_month_are_reported_and_claimed_on_demand() {
    let (folder, old) = old_server();
    let orphans: Vec<_> = old.iter().map(|page| page.coin(2).unwrap()).collect();
    for (policy, expected) in
        [(Orphans::Leave, None), (Orphans::Claim(Month(46)), Some(Record { an: [0xEE; 16].into(), month: Month(46) }))]
    {
        let (mut store, mut listed) = (store(), Vec::new());
        let report = pages::import(folder.path(), &mut store, policy, &mut |progress| {
            if let Progress::Orphan(coin) = progress {
                listed.push(coin);
            }
        });
        assert_eq!(report.unwrap().orphans.0.iter().sum::<u32>(), 5);
        assert_eq!(listed, orphans);
        for coin in &orphans {
            assert_eq!(store.read(*coin).unwrap(), expected);
        }
        // A month later the same import still finds its own work, and leaves the months as they are.
        let later = if expected.is_some() { Orphans::Claim(Month(47)) } else { policy };
        let again = pages::import(folder.path(), &mut store, later, &mut |_| {}).unwrap();
        assert_eq!(again.known, 5);
        assert_eq!(store.read(orphans[0]).unwrap(), expected);
    }
}

#[test]
fn pages_of_zeros_hold_no_orphans() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), page(1, 1), &[0; PAGE_LEN]);
    let mut store = store();
    let report = pages::import(folder.path(), &mut store, Orphans::Claim(Month(9)), &mut |_| {}).unwrap();
    assert_eq!(report.orphans.0, [0; 15]);
    assert!(is_empty(&store));
}

#[test]
fn export_never_touches_pages_that_are_there() {
    let (folder, old) = old_server();
    let before = fs::read(place(folder.path(), old[0])).unwrap();
    let refused = pages::export(&store(), folder.path(), Selection::Issued, &mut |_| {}).unwrap_err();
    assert!(matches!(refused, ExportError::Exists { .. }), "{refused}");
    assert_eq!(fs::read(place(folder.path(), old[0])).unwrap(), before);
}

#[test]
fn export_of_issued_pages_where_there_are_none_says_so_and_writes_nothing() {
    let out = tempfile::tempdir().unwrap();
    let refused = pages::export(&store(), out.path(), Selection::Issued, &mut |_| {}).unwrap_err();
    assert_eq!(refused.to_string(), "no coin is issued, so there are no pages to write");
    assert_eq!(fs::read_dir(out.path()).unwrap().count(), 0);
}

#[test]
fn export_that_was_cut_off_goes_on_and_mends_torn_pages() {
    let (folder, old) = old_server();
    let mut store = store();
    import(folder.path(), &mut store).unwrap();
    let out = tempfile::tempdir().unwrap();
    pages::export(&store, out.path(), Selection::Issued, &mut |_| {}).unwrap();
    // As if it had been cut off: one page torn, one missing.
    fs::write(place(out.path(), old[0]), [9; 100]).unwrap();
    fs::remove_file(place(out.path(), old[1])).unwrap();
    write(out.path(), page(5, 5), &[1; PAGE_LEN]);
    fs::rename(out.path().join("Data"), out.path().join("Data.unfinished")).unwrap();
    let report = pages::export(&store, out.path(), Selection::Issued, &mut |_| {}).unwrap();
    assert_eq!((report.pages, report.known), (5, 3));
    assert_eq!(fs::read(place(out.path(), old[0])).unwrap().len(), PAGE_LEN);
    assert!(!out.path().join("Data.unfinished").exists());
}

#[test]
fn exported_pages_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let (out, (folder, _)) = (tempfile::tempdir().unwrap(), old_server());
    let mut store = store();
    import(folder.path(), &mut store).unwrap();
    pages::export(&store, out.path(), Selection::Issued, &mut |_| {}).unwrap();
    for path in [out.path().join("Data"), place(out.path(), page(0, 255))] {
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o077, 0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn any_page_comes_back_identical_in_everything_issued(
        octets in proptest::collection::vec(any::<u8>(), PAGE_LEN),
        number in 0..1000_u32,
        denomination in -8..=6_i8,
    ) {
        let (folder, page) = (tempfile::tempdir().unwrap(), page(denomination, number));
        write(folder.path(), page, &octets);
        let mut store = store();
        let report = import(folder.path(), &mut store).unwrap();
        let mut back = [0; PAGE_LEN];
        store.page(page, &mut back).unwrap();
        prop_assert_eq!(issued(&octets), issued(&back));
        prop_assert_eq!(report.store.issued.0.iter().sum::<u32>() as usize, issued(&octets).len());
    }
}
