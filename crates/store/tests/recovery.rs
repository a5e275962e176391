//! After the disk has failed: changes are refused, readers are served, and the store comes back by itself.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::{Arc, mpsc};
use std::time::Duration;

use raida_store::testing::Disk;
use raida_store::{Caretaker, Health, Options, Peek, Record, Report, Store, StoreError};
use raida_wire::{CoinId, Month};

fn coin(number: u32) -> CoinId {
    CoinId::new(2, number).unwrap()
}

/// Coins of two pages, all of them in lockers.
fn coins() -> impl Iterator<Item = CoinId> {
    (0..2000).step_by(100).map(coin)
}

fn record(mark: u8) -> Record {
    let mut an = [0xFF; 16];
    an[..12].fill(mark);
    Record { an: an.into(), month: Month(mark) }
}

fn set(store: &Store, mark: u8) -> Result<(), StoreError> {
    let mut batch = store.write()?;
    batch.request(|changes| coins().try_for_each(|coin| changes.set(coin, &record(mark))))?;
    batch.commit()
}

fn options() -> Options {
    // So little memory that most reads ask the disk.
    Options { cache_pages: 1, ..Options::new([7; 32]) }
}

/// The mark that all coins have.
fn mark(store: &Store) -> u8 {
    let marks: Vec<_> = coins().map(|coin| store.read(coin).unwrap().unwrap().month.0).collect();
    assert!(marks.iter().all(|mark| mark == marks.first().unwrap()), "half a change: {marks:?}");
    let mark = *marks.first().unwrap();
    assert_eq!(store.read_all(&coins().collect::<Vec<_>>()).unwrap(), vec![Some(record(mark)); 20]);
    assert_eq!(store.locker(&record(mark).an, 100).unwrap(), coins().collect::<Vec<_>>());
    mark
}

/// As [`mark`]; `None` where it is not told, as a power failure might take it back.
fn told(store: &Store) -> Option<u8> {
    let bystander = coin(1_000_000);
    assert_eq!(store.read(bystander).unwrap(), Some(record(9)), "what nobody touched is told");
    let Err(StoreError::Broken) = store.read(coin(0)) else { return Some(mark(store)) };
    assert!(coins().all(|coin| matches!(store.read(coin), Err(StoreError::Broken))));
    assert!(coins().all(|coin| store.peek(coin) == Peek::NotCached));
    assert!(matches!(store.read_all(&[bystander, coin(0)]), Err(StoreError::Broken)));
    assert!(matches!(store.locker(&record(1).an, 100), Err(StoreError::Broken)));
    assert_eq!(store.peek_lockers([1; 5], 100), None);
    None
}

fn with_bystander(disk: &Disk) -> Store {
    let store = Store::open_on(disk.plug_in(), &options()).unwrap();
    let mut batch = store.write().unwrap();
    batch.request(|changes| changes.set(coin(1_000_000), &record(9))).unwrap();
    batch.commit().unwrap();
    set(&store, 1).unwrap();
    store
}

#[test]
fn what_is_told_while_the_disk_fails_no_power_failure_takes_back() {
    let mut silences = 0;
    // A second failure ends the way back: where the first struck, or two acts later.
    for (acts, more) in (0..).flat_map(|acts| [0, 2].map(|more| (acts, acts + more))) {
        let disk = Disk::new();
        let store = with_bystander(&disk);
        disk.fail_after(acts);
        if set(&store, 2).is_ok() {
            assert!(acts > 3, "a commit writes and syncs");
            break;
        }
        let survives = || Some(mark(&Store::open_on(disk.copy().plug_in(), &options()).unwrap()));
        let now = told(&store);
        assert!([None, survives()].contains(&now), "after {acts} acts");
        silences += u32::from(now.is_none());
        disk.fail_after(more);
        let is_back = store.recover().is_ok();
        let now = told(&store);
        assert!(now.is_none() || now == survives(), "after {acts} acts and {more} more, back: {is_back}");
        assert!(now.is_some() || !is_back, "all is told again");
    }
    assert!(silences > 0);
}

#[test]
fn wherever_the_disk_fails_nothing_is_half_done_and_everything_goes_on() {
    for acts in 0.. {
        let disk = Disk::new();
        let store = with_bystander(&disk);
        disk.fail_after(acts);
        if set(&store, 2).is_ok() {
            assert!(acts > 3, "a commit writes and syncs");
            break;
        }
        assert!(!store.health().takes_changes);
        assert!(matches!(set(&store, 3), Err(StoreError::Broken)));
        assert_eq!(told(&store), None);
        assert!(store.recover().is_err() && !store.health().takes_changes, "the disk still fails");
        assert_eq!(told(&store), None);
        disk.work_again();
        assert!(store.recover().unwrap());
        assert!(told(&store).is_some(), "after {acts} acts");
        assert_eq!(store.health(), Health { takes_changes: true, failures: 1, recoveries: 1 });
        assert!(!store.recover().unwrap(), "there is nothing to recover from");
        set(&store, 4).unwrap();
        store.verify().unwrap();
        // Power fails before anything else is written: what was answered is there.
        disk.lose_power(acts);
        drop(store);
        let store = Store::open_on(disk.plug_in(), &options()).unwrap();
        assert_eq!(mark(&store), 4, "after {acts} acts");
        store.verify().unwrap();
    }
}

#[test]
fn a_change_in_doubt_that_is_there_after_recovery_is_there_for_good() {
    for acts in 0..12 {
        let disk = Disk::new();
        let store = Store::open_on(disk.plug_in(), &options()).unwrap();
        set(&store, 1).unwrap();
        disk.fail_after(acts);
        if set(&store, 2).is_ok() {
            break;
        }
        disk.work_again();
        store.recover().unwrap();
        let seen = mark(&store);
        let survived = disk.copy();
        assert_eq!(mark(&Store::open_on(survived.plug_in(), &options()).unwrap()), seen, "after {acts} acts");
    }
}

#[test]
fn a_read_that_fails_is_recovered_from_as_well() {
    let disk = Disk::new();
    let store = Store::open_on(disk.plug_in(), &Options { database_cache: 0, ..options() }).unwrap();
    set(&store, 1).unwrap();
    disk.refuse_reads(true);
    assert!(coins().any(|coin| store.read(coin).is_err()));
    assert!(!store.health().takes_changes && matches!(store.write(), Err(StoreError::Broken)));
    disk.refuse_reads(false);
    assert!(store.recover().unwrap());
    assert_eq!(mark(&store), 1);
    set(&store, 2).unwrap();
}

#[test]
fn the_caretaker_brings_a_store_back_and_says_so() {
    let disk = Disk::new();
    let store = Arc::new(Store::open_on(disk.plug_in(), &options()).unwrap());
    set(&store, 1).unwrap();
    let (report, reports) = mpsc::channel();
    let _caretaker =
        Caretaker::start(Arc::clone(&store), Duration::from_millis(1), move |said| drop(report.send(said))).unwrap();
    disk.fail_after(0);
    set(&store, 2).unwrap_err();
    let pauses: Vec<_> = reports
        .iter()
        .filter_map(|said| if let Report::StillFailing(_, pause) = said { Some(pause) } else { None })
        .take(4)
        .collect();
    assert_eq!(pauses, [1, 2, 4, 8], "ever more seldom");
    disk.work_again();
    assert!(reports.iter().any(|said| matches!(said, Report::Recovered)));
    set(&store, 3).unwrap();
    assert_eq!(mark(&store), 3);
}
