//! A store opens what is its own, and says in one line why it does not open anything else.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::os::unix::fs::PermissionsExt;

use raida_store::testing::Disk;
use raida_store::{FILE_NAME, OpenError, Options, Record, Store, StoreError};
use raida_wire::{CoinId, Month};

fn options() -> Options {
    Options::new([7; 32])
}

/// Some coins on several pages, some in a locker, trees saved, orderly closed.
fn filled() -> Disk {
    let disk = Disk::new();
    let store = Store::open_on(disk.plug_in(), &options()).unwrap();
    let mut batch = store.write().unwrap();
    for number in 0..200 {
        let coin = CoinId::new(-3, number * 97).unwrap();
        let record = Record { an: [if number % 2 == 0 { 0xFF } else { 1 }; 16].into(), month: Month(3) };
        batch.request(|changes| changes.set(coin, &record)).unwrap();
    }
    batch.commit().unwrap();
    store.refresh_trees().unwrap();
    store.save_trees().unwrap();
    drop(store);
    disk
}

#[test]
fn file_is_for_its_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    drop(Store::open(folder.path(), &options()).unwrap());
    let mode = fs::metadata(folder.path().join(FILE_NAME)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn file_that_was_emptied_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE_NAME);
    fs::write(&path, "").unwrap();
    let refused = Store::open(folder.path(), &options()).unwrap_err();
    assert!(matches!(refused, OpenError::Empty), "{refused}");
    assert_eq!(fs::metadata(path).unwrap().len(), 0);
}

#[test]
fn database_appears_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    // What is left where a process of this number was killed half-way.
    fs::write(folder.path().join(format!(".{FILE_NAME}.{}", std::process::id())), "redb").unwrap();
    Store::make(folder.path()).unwrap();
    let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, [FILE_NAME]);
    assert!(fs::metadata(folder.path().join(FILE_NAME)).unwrap().len() > 0);
    let store = Store::open(folder.path(), &options()).unwrap();
    Store::make(folder.path()).unwrap();
    assert_eq!(store.issued().0.iter().sum::<u32>(), 0);
}

#[test]
fn second_process_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let _first = Store::open(folder.path(), &options()).unwrap();
    let second = Store::open(folder.path(), &options()).unwrap_err();
    assert!(matches!(second, OpenError::InUse), "{second}");
}

#[test]
fn missing_folder_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let refused = Store::open(&folder.path().join("nowhere"), &options()).unwrap_err();
    assert!(refused.to_string().contains("nowhere"), "{refused}");
}

#[test]
fn other_secret_is_refused_and_the_right_one_is_not() {
    let disk = filled();
    let refused = Store::open_on(disk.plug_in(), &Options::new([8; 32])).unwrap_err();
    assert!(matches!(refused, OpenError::Secret), "{refused}");
    Store::open_on(disk.plug_in(), &options()).unwrap();
}

#[test]
fn file_of_another_program_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE_NAME);
    for text in ["not a database".repeat(1000), "x".to_owned(), "redb".to_owned()] {
        fs::write(&path, &text).unwrap();
        let refused = Store::open(folder.path(), &options()).unwrap_err();
        assert!(matches!(refused, OpenError::Foreign | OpenError::Damaged(_)), "{refused}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
}

#[test]
fn database_of_another_program_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let database = redb::Database::create(folder.path().join(FILE_NAME)).unwrap();
    let table = redb::TableDefinition::<u64, u64>::new("facts");
    let transaction = database.begin_write().unwrap();
    transaction.open_table(table).unwrap().insert(1, 1).unwrap();
    transaction.commit().unwrap();
    drop(database);
    let refused = Store::open(folder.path(), &options()).unwrap_err();
    assert!(matches!(refused, OpenError::Foreign), "{refused}");
}

#[test]
fn other_version_is_refused() {
    let disk = filled();
    change_fact(&disk, "schema", Some(&[2]));
    let refused = Store::open_on(disk.plug_in(), &options()).unwrap_err();
    assert_eq!(refused.to_string(), "coin database has version 2, expected version 1");
}

#[test]
fn what_another_version_computed_is_computed_anew() {
    let disk = filled();
    let roots = Store::open_on(disk.plug_in(), &options()).unwrap().roots();
    change_fact(&disk, "derived", None);
    {
        // What is computed is gone; only the records are left.
        let database = redb::Database::builder().create_with_backend(disk.plug_in()).unwrap();
        let transaction = database.begin_write().unwrap();
        for name in ["issued", "leaves", "lockers"] {
            let handle = transaction.list_tables().unwrap().find(|table| redb::TableHandle::name(table) == name);
            transaction.delete_table(handle.unwrap()).unwrap();
        }
        transaction.open_table(redb::TableDefinition::<u16, &[u8; 128]>::new("issued")).unwrap();
        transaction.open_table(redb::TableDefinition::<u16, &[u8; 32]>::new("leaves")).unwrap();
        transaction.open_table(redb::TableDefinition::<&[u8; 21], ()>::new("lockers")).unwrap();
        transaction.commit().unwrap();
    }
    let store = Store::open_on(disk.plug_in(), &options()).unwrap();
    assert_eq!(store.issued().0.iter().sum::<u32>(), 200);
    assert_eq!(store.locker(&[0xFF; 16].into(), 1000).unwrap().len(), 100);
    assert_eq!(store.roots(), roots);
    store.verify().unwrap();
}

#[test]
fn index_that_differs_from_the_records_is_found() {
    let disk = filled();
    {
        let database = redb::Database::builder().create_with_backend(disk.plug_in()).unwrap();
        let transaction = database.begin_write().unwrap();
        let lockers = redb::TableDefinition::<&[u8; 21], ()>::new("lockers");
        transaction.open_table(lockers).unwrap().pop_first().unwrap();
        transaction.commit().unwrap();
    }
    let store = Store::open_on(disk.plug_in(), &options()).unwrap();
    let found = store.verify().unwrap_err();
    assert!(matches!(found, StoreError::Damaged(raida_store::Damage::Lockers)), "{found}");
}

fn change_fact(disk: &Disk, name: &str, value: Option<&[u8]>) {
    let database = redb::Database::builder().create_with_backend(disk.plug_in()).unwrap();
    let transaction = database.begin_write().unwrap();
    {
        let mut facts = transaction.open_table(redb::TableDefinition::<&str, &[u8]>::new("facts")).unwrap();
        match value {
            Some(value) => drop(facts.insert(name, value).unwrap()),
            None => drop(facts.remove(name).unwrap()),
        }
    }
    transaction.commit().unwrap();
}

#[test]
fn damaged_file_is_refused_or_read_right_but_never_a_panic() {
    let (whole, mut refused) = (filled(), 0);
    let places = (0..whole.len()).step_by(whole.len() / 40).chain((0..320).step_by(5));
    for at in places {
        let disk = whole.copy();
        disk.spoil(at, 0x55);
        match Store::open_on(disk.plug_in(), &Options { check: true, ..options() }) {
            Ok(store) => assert_eq!(store.verify().unwrap().0.iter().sum::<u32>(), 200, "byte {at}"),
            Err(error) => {
                refused += 1;
                assert!(!error.to_string().contains('\n'), "{error}");
            }
        }
    }
    assert!(refused > 0);
}
