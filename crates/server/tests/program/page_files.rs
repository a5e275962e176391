//! Taking page files over and writing them, as an operator does.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a step that fails is a test that fails")]

use std::fs;
use std::process::Output;

use crate::process::{Running, program, refusal, run};

/// A page of denomination 0 with three coins issued, one that has an owner but no month, and nothing else.
fn page() -> Vec<u8> {
    let mut page = vec![0; 1024 * 17];
    for (place, month) in [(0, 20), (7, 45), (1023, 1), (500, 0)] {
        page[place * 17..place * 17 + 16].fill(u8::try_from(place % 251).unwrap() + 1);
        page[place * 17 + 16] = month;
    }
    page
}

/// What it printed, once it has ended well.
fn told(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn both_sides_are_counted_and_a_second_run_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let old = folder.path().join("old");
    fs::create_dir_all(old.join("Data/00/03")).unwrap();
    fs::write(old.join("Data/00/03/03e7.bin"), page()).unwrap();

    let first = run(folder.path(), &["import", "old", "--claim-orphans"]);
    let report = told(&first);
    assert!(report.contains("imported 1 pages, 0 of them known already"), "{report}");
    assert!(report.contains("1 coins have an owner but no month: claimed"), "{report}");
    assert!(String::from_utf8_lossy(&first.stderr).contains("coin 0:1023476 has"), "{first:?}");
    let (files, store) = report.split_once("in the store:\n").unwrap();
    assert!(files.ends_with(store), "{report}");
    assert_eq!(store.lines().filter(|line| line.split_whitespace().nth(1) == Some("4")).count(), 1, "{report}");

    let again = told(&run(folder.path(), &["import", "old", "--claim-orphans"]));
    assert!(again.contains("imported 1 pages, 1 of them known already"), "{again}");
}

#[test]
fn of_many_coins_without_a_month_some_are_listed_and_all_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("Data/00/00")).unwrap();
    let octets = [[7; 16].as_slice(), &[0]].concat().repeat(1024);
    for name in ["0000", "0001"] {
        fs::write(folder.path().join(format!("Data/00/00/{name}.bin")), &octets).unwrap();
    }
    let output = run(folder.path(), &["import", "."]);
    let list = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(list.lines().filter(|line| line.starts_with("coin 0:")).count(), 1000);
    assert!(list.lines().last().unwrap().starts_with("and 1048 more; "), "{list}");
    assert!(told(&output).contains("2048 coins have an owner but no month: left out"));
}

#[test]
fn who_stops_reading_the_report_stops_nothing() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("Data/00/03")).unwrap();
    fs::write(folder.path().join("Data/00/03/03e7.bin"), page()).unwrap();
    let nobody = || {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        writer
    };
    let deaf = program(folder.path()).args(["import", "."]).stdout(nobody()).stderr(nobody()).status().unwrap();
    assert_eq!(deaf.code(), Some(1), "the report could not be written");
    let half = program(folder.path()).args(["import", "."]).stdout(nobody()).output().unwrap();
    let errors = String::from_utf8(half.stderr).unwrap();
    assert!(errors.contains("all is done, but the report could not be written"), "{errors}");
    assert!(told(&run(folder.path(), &["import", "."])).contains("imported 1 pages, 1 of them known already"));
}

/// 15 000 pages of numbers that are all derived take minutes without optimisation: only `cargo test --release` has it.
#[cfg(not(debug_assertions))]
#[test]
fn page_files_that_were_taken_over_are_written_as_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (folder.path().join("old"), folder.path().join("new"));
    let place = "Data/00/03/03e7.bin";
    fs::create_dir_all(old.join("Data/00/03")).unwrap();
    fs::create_dir(&new).unwrap();
    fs::write(old.join(place), page()).unwrap();
    let imported = told(&run(folder.path(), &["import", "old"]));
    let exported = told(&run(folder.path(), &["export", "new"]));
    assert!(exported.contains("exported 15000 pages"), "{exported}");
    let (_, store) = imported.split_once("in the store:\n").unwrap();
    assert!(exported.ends_with(store), "{exported}");
    let (before, after) = (page(), fs::read(new.join(place)).unwrap());
    for coin in [0, 7, 1023] {
        assert_eq!(before[coin * 17..][..17], after[coin * 17..][..17], "coin {coin}");
    }
}

#[test]
fn coins_that_were_lost_are_not_forgotten_and_can_be_imported_beside_the_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("raida-data");
    fs::create_dir_all(folder.path().join("old/Data/00/00")).unwrap();
    fs::write(folder.path().join("old/Data/00/00/0000.bin"), page()).unwrap();
    let before = told(&run(folder.path(), &["import", "old"]));
    let secrets = fs::read(data.join("secrets.toml")).unwrap();

    fs::write(data.join("coins.redb"), "").unwrap();
    let start = ["--listen", "127.0.0.1:0", "--log", "error"];
    let line = refusal(&run(folder.path(), &start));
    assert!(line.contains("0 bytes: remove it, and then restore it from a backup"), "{line}");
    fs::remove_file(data.join("coins.redb")).unwrap();
    for arguments in [&start[..], &["export", "."]] {
        let line = refusal(&run(folder.path(), arguments));
        assert!(line.contains("raida-data/coins.redb is missing") && line.contains("import an export"), "{line}");
    }
    assert!(refusal(&run(folder.path(), &["import", "odl"])).contains("odl"));
    assert!(!data.join("coins.redb").exists(), "with nothing to import, coins are still missing");
    assert_eq!(told(&run(folder.path(), &["import", "old"])), before, "it was all to be done again");
    assert_eq!(fs::read(data.join("secrets.toml")).unwrap(), secrets);
    assert_eq!(Running::start(&folder, &[]).stop(), Some(0));
}

#[test]
fn a_torn_or_foreign_file_is_named_and_nothing_is_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("Data/00/00")).unwrap();
    fs::write(folder.path().join("Data/00/00/0000.bin"), page()).unwrap();
    for (name, octets) in [("Data/00/00/0001.bin", 17_407), ("Data/00/00/notes.txt", 17_408), ("Data/77", 0)] {
        let path = folder.path().join(name);
        fs::write(&path, vec![0; octets]).unwrap();
        let line = refusal(&run(folder.path(), &["import", "."]));
        assert!(line.contains(name), "{line}");
        fs::remove_file(path).unwrap();
    }
    let report = told(&run(folder.path(), &["import", "."]));
    assert!(report.contains("0 of them known already"), "{report}");
}

#[test]
fn coins_that_a_server_holds_are_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("Data/00/00")).unwrap();
    fs::write(folder.path().join("Data/00/00/0000.bin"), page()).unwrap();
    let mut node = Running::start(&folder, &[]);
    for task in ["import", "export"] {
        let line = refusal(&run(folder.path(), &[task, "."]));
        assert!(line.contains("raida-data: coin database is in use by another process"), "{line}");
    }
    assert_eq!(node.stop(), Some(0));
    assert!(told(&run(folder.path(), &["import", "."])).contains("imported 1 pages"));
}
