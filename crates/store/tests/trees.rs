//! The trees of a store are those of the protocol's test vectors, and a keeper keeps them up to date.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use raida_store::testing::Disk;
use raida_store::{Caretaker, Options, PageId, Record, Report, Store};
use raida_wire::{AuthenticityNumber, Month, RawCoinId};
use serde_json::Value;

const VECTORS: &str = include_str!("../../../docs/protocol/vectors.json");

fn vector(name: &str) -> Value {
    let document: Value = serde_json::from_str(VECTORS).unwrap();
    document["vectors"].as_array().unwrap().iter().find(|vector| vector["name"] == name).unwrap().clone()
}

fn octets<const N: usize>(text: &Value) -> [u8; N] {
    let digits = text.as_str().unwrap();
    std::array::from_fn(|place| u8::from_str_radix(&digits[2 * place..2 * place + 2], 16).unwrap())
}

fn set(store: &Store, page: PageId, records: &[Value]) {
    let mut batch = store.write().unwrap();
    for record in records {
        let coin = page.coin(usize::try_from(record["index"].as_u64().unwrap()).unwrap()).unwrap();
        let month = Month(u8::try_from(record["mfs"].as_u64().unwrap()).unwrap());
        let record = Record { an: AuthenticityNumber::new(octets(&record["an"])), month };
        batch.request(|changes| changes.set(coin, &record)).unwrap();
    }
    batch.commit().unwrap();
}

#[test]
fn store_grows_the_trees_of_the_vectors() {
    let store = Store::open_on(Disk::new().plug_in(), &Options::new([7; 32])).unwrap();
    let bare: [u8; 32] = octets(&vector("merkle/denomination-with-nothing-issued")["expect"]["root"]);
    assert!(store.roots().as_chunks().0.iter().all(|root| *root == bare));

    let denomination = RawCoinId([0xF8, 0, 0, 0, 0]).judge().unwrap().denomination;
    let page = PageId::new(denomination, 999).unwrap();
    set(&store, page, vector("merkle/page-leaf")["given"]["records"].as_array().unwrap());
    store.refresh_trees().unwrap();
    let one = vector("merkle/denomination-one-page-issued");
    assert_eq!(store.roots()[..32], octets::<32>(&one["expect"]["root"]));
    assert_eq!(store.roots()[32..64], bare);
    let forest = store.forest();
    for (level, node) in (0..).zip(one["expect"]["branch_999"].as_array().unwrap()) {
        assert_eq!(forest.node(denomination, level, 999 >> level), Some(octets(node)), "level {level}");
    }
}

#[test]
fn keeper_hashes_what_commits_change_and_saves_it_when_it_stops() {
    let disk = Disk::new();
    let options = Options::new([7; 32]);
    let store = Arc::new(Store::open_on(disk.plug_in(), &options).unwrap());
    let (report, reports) = mpsc::channel();
    let caretaker = Caretaker::start(Arc::clone(&store), Duration::from_millis(1), move |said| drop(report.send(said)));
    let caretaker = caretaker.unwrap();
    let before = store.roots();
    let page = PageId::all().next().unwrap();
    set(&store, page, vector("merkle/page-leaf")["given"]["records"].as_array().unwrap());
    while store.roots() == before {
        thread::yield_now();
    }
    drop(caretaker);
    assert!(reports.try_recv().is_err());
    let roots = store.roots();
    store.verify().unwrap();
    drop(store);
    let store = Store::open_on(disk.plug_in(), &options).unwrap();
    assert_eq!(store.roots(), roots);
    assert_eq!(store.refresh_trees().unwrap(), 0);
}

#[test]
fn caretaker_reports_a_broken_disk() {
    let disk = Disk::new();
    let store = Arc::new(Store::open_on(disk.plug_in(), &Options::new([7; 32])).unwrap());
    let (report, reports) = mpsc::channel();
    let page = PageId::all().next().unwrap();
    set(&store, page, vector("merkle/page-leaf")["given"]["records"].as_array().unwrap());
    disk.fail_after(0);
    let caretaker = Caretaker::start(store, Duration::from_secs(3600), move |said| drop(report.send(said)));
    drop(caretaker.unwrap());
    assert!(matches!(reports.recv(), Ok(Report::Trees(_))));
}
