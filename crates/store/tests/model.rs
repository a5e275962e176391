//! Whatever happens to a store (requests that succeed or fail, batches kept or dropped, restarts, power failures, broken
//! disks), it holds what a plain map holds.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use raida_store::testing::Disk;
use raida_store::{Options, PageId, Record, Store, StoreError};
use raida_wire::{AuthenticityNumber, CoinId, Denomination, Month, merkle};

type Model = BTreeMap<CoinId, ([u8; 16], u8)>;

/// A change of one coin: a new record, or none.
type Change = (CoinId, Option<([u8; 16], u8)>);

#[derive(Clone, Debug)]
struct Request {
    changes: Vec<Change>,
    succeeds: bool,
}

#[derive(Clone, Debug)]
enum Step {
    Commit(Vec<Request>),
    Drop(Vec<Request>),
    /// The disk breaks after so many writes, then power fails.
    Crash {
        batch: Vec<Request>,
        acts: u64,
        seed: u64,
    },
    /// The disk breaks after so many writes, and works again.
    Recover {
        batch: Vec<Request>,
        acts: u64,
    },
    /// Power fails between commits.
    LosePower(u64),
    Restart,
    Refresh,
    Save,
}

/// Few coins, so that they meet often: neighbours, ends of chunks and pages, both ends of the range.
fn coins() -> Vec<CoinId> {
    let numbers = [(-8, 0), (-8, 1), (-8, 63), (-8, 64), (-8, 1023), (-8, 1024), (6, 1_023_999), (6, 0), (0, 5000)];
    numbers.iter().map(|(den, sn)| CoinId::new(*den, *sn).unwrap()).collect()
}

/// Few numbers, among them locker keys with the same beginning, so that lockers fill and empty.
fn numbers() -> Vec<[u8; 16]> {
    let mut numbers = vec![[0; 16], [1; 16], [0xFF; 16]];
    for (third, twelfth) in [(3, 1), (3, 2), (4, 1)] {
        let mut key = [0xFF; 16];
        (key[2], key[11]) = (third, twelfth);
        numbers.push(key);
    }
    numbers
}

fn request() -> impl Strategy<Value = Request> {
    let record = prop::option::weighted(0.7, (select(numbers()), 1..=255_u8));
    (vec((select(coins()), record), 0..5), prop::bool::weighted(0.8))
        .prop_map(|(changes, succeeds)| Request { changes, succeeds })
}

fn step() -> impl Strategy<Value = Step> {
    let batch = || vec(request(), 0..5);
    prop_oneof![
        6 => batch().prop_map(Step::Commit),
        1 => batch().prop_map(Step::Drop),
        3 => (batch(), 0..30_u64, any::<u64>()).prop_map(|(batch, acts, seed)| Step::Crash { batch, acts, seed }),
        3 => (batch(), 0..30_u64).prop_map(|(batch, acts)| Step::Recover { batch, acts }),
        1 => any::<u64>().prop_map(Step::LosePower),
        1 => Just(Step::Restart),
        1 => Just(Step::Refresh),
        1 => Just(Step::Save),
    ]
}

/// Runs the requests of a batch on the store and on the model, and compares what they see. Commits or not.
fn run(store: &Store, model: &mut Model, requests: &[Request], commits: bool) -> Result<(), StoreError> {
    let mut batch = store.write()?;
    for request in requests {
        let mut after = model.clone();
        let done = batch.request(|changes| {
            for (coin, record) in &request.changes {
                assert_eq!(changes.get(*coin).unwrap(), after.get(coin).map(record_of), "{coin}");
                match record {
                    Some(record) => changes.set(*coin, &record_of(record)).unwrap(),
                    None => changes.free(*coin).unwrap(),
                }
                set(&mut after, *coin, *record);
                for key in numbers() {
                    let is_locker = key[12..] == [0xFF; 4] && after.values().any(|(number, _)| *number == key);
                    assert_eq!(changes.has_locker(&key.into()).unwrap(), is_locker);
                }
            }
            if request.succeeds { Ok(()) } else { Err(()) }
        });
        assert_eq!(done.is_ok(), request.succeeds);
        if request.succeeds {
            *model = after;
        }
    }
    if commits { batch.commit() } else { Ok(()) }
}

fn set(model: &mut Model, coin: CoinId, record: Option<([u8; 16], u8)>) {
    match record {
        Some(record) => model.insert(coin, record),
        None => model.remove(&coin),
    };
}

fn record_of((an, month): &([u8; 16], u8)) -> Record {
    Record { an: AuthenticityNumber::new(*an), month: Month(*month) }
}

/// Everything that readers see is what the model says.
fn compare(store: &Store, model: &Model) {
    let expected: Vec<_> = coins().iter().map(|coin| model.get(coin).map(record_of)).collect();
    assert_eq!(store.read_all(&coins()).unwrap(), expected);
    for (coin, expected) in coins().iter().zip(expected) {
        assert_eq!(store.read(*coin).unwrap(), expected, "{coin}");
    }
    for denomination in Denomination::all() {
        let issued = model.keys().filter(|coin| coin.denomination == denomination).count();
        assert_eq!(store.issued().0[denomination.index()] as usize, issued);
    }
    let keys: BTreeSet<_> = model.values().map(|(number, _)| *number).filter(|n| n[12..] == [0xFF; 4]).collect();
    for key in numbers() {
        let coins = model.iter().filter(|(_, (number, _))| *number == key && keys.contains(&key));
        let coins: Vec<_> = coins.map(|(coin, _)| *coin).collect();
        assert_eq!(store.locker(&key.into(), 100).unwrap(), coins);
        let alike = keys.iter().filter(|other| other[..5] == key[..5]).map(|key| AuthenticityNumber::new(*key));
        let alike: Vec<_> = alike.collect();
        assert_eq!(store.lockers(*key.first_chunk().unwrap(), 16).unwrap(), alike);
        if let Some(known) = store.peek_lockers(*key.first_chunk().unwrap(), 16) {
            assert_eq!(known, alike);
        }
    }
}

/// The trees after a refresh are those of the model, built from scratch.
fn compare_trees(store: &Store, model: &Model) {
    store.refresh_trees().unwrap();
    let pages: BTreeSet<_> = coins().iter().map(|coin| PageId::of(*coin)).collect();
    for denomination in coins().iter().map(|coin| coin.denomination).collect::<BTreeSet<_>>() {
        let mut nodes = vec![merkle::EMPTY_LEAF; merkle::LEAVES];
        for page in pages.iter().filter(|page| page.denomination() == denomination) {
            let records = (0..PageId::RECORDS).map(|record| model.get(&page.coin(record).unwrap()));
            nodes[usize::from(page.number())] = merkle::leaf(records.map(|record| record.map(|(number, _)| number)));
        }
        while nodes.len() > 1 {
            let above = merkle::ascend(&mut nodes);
            nodes.truncate(above);
        }
        assert_eq!(store.roots().as_chunks::<32>().0[denomination.index()], nodes[0]);
    }
}

fn options() -> Options {
    Options { cache_pages: 1, database_cache: 1 << 20, ..Options::new([7; 32]) }
}

fn open(disk: &Disk) -> Store {
    Store::open_on(disk.plug_in(), &options()).unwrap()
}

fn take(disk: &Disk, store: Store, model: &mut Model, step: &Step) -> Store {
    match step {
        Step::Commit(batch) => run(&store, model, batch, true).unwrap(),
        Step::Drop(batch) => run(&store, &mut model.clone(), batch, false).unwrap(),
        Step::Refresh => compare_trees(&store, model),
        Step::Save => store.save_trees().unwrap(),
        Step::Restart => {
            drop(store);
            return open(disk);
        }
        Step::Recover { batch, acts } => {
            let mut after = model.clone();
            disk.fail_after(*acts);
            let done = run(&store, &mut after, batch, true);
            disk.work_again();
            assert_eq!(store.recover().unwrap(), done.is_err());
            if coins().iter().any(|coin| store.read(*coin).unwrap() != model.get(coin).map(record_of)) || done.is_ok() {
                *model = after;
            }
            compare(&store, model);
            store.verify().unwrap();
        }
        Step::LosePower(seed) => {
            disk.lose_power(*seed);
            drop(store);
            return open(disk);
        }
        Step::Crash { batch, acts, seed } => {
            let mut after = model.clone();
            disk.fail_after(*acts);
            let done = run(&store, &mut after, batch, true);
            let told = told(&store);
            if done.is_ok() {
                *model = after.clone();
            } else {
                assert!(matches!(store.write(), Err(StoreError::Broken)));
            }
            disk.lose_power(*seed);
            drop(store);
            let store = open(disk);
            // What was answered is there; what failed is there wholly or not at all.
            if done.is_err() && coins().iter().any(|coin| store.read(*coin).unwrap() != model.get(coin).map(record_of))
            {
                *model = after;
            }
            for (coin, record) in told {
                assert_eq!(store.read(coin).unwrap(), record, "{coin} was told before the power failed");
            }
            return store;
        }
    }
    store
}

/// What readers are told, coin by coin. After a commit that failed they are not told what is not sure.
fn told(store: &Store) -> Vec<(CoinId, Option<Record>)> {
    let tell = |coin| match store.read(coin) {
        Err(StoreError::Broken) => None,
        found => Some((coin, found.unwrap())),
    };
    coins().into_iter().filter_map(tell).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn store_holds_what_a_map_holds(steps in vec(step(), 1..16)) {
        let (disk, mut model) = (Disk::new(), Model::new());
        let mut store = open(&disk);
        for step in &steps {
            store = take(&disk, store, &mut model, step);
            compare(&store, &model);
        }
        compare_trees(&store, &model);
        store.verify().unwrap();
        drop(store);
        let store = open(&disk);
        compare(&store, &model);
        compare_trees(&store, &model);
        store.verify().unwrap();
    }
}

#[test]
fn power_failure_at_every_write_of_a_commit_keeps_all_of_it_or_nothing() {
    let first = Request { changes: coins().iter().map(|coin| (*coin, Some(([9; 16], 1)))).collect(), succeeds: true };
    let second =
        Request { changes: coins().iter().map(|coin| (*coin, Some((numbers()[3], 2)))).collect(), succeeds: true };
    let (mut kept, mut lost) = (0, 0);
    for acts in 0..40 {
        let (disk, mut model) = (Disk::new(), Model::new());
        let store = open(&disk);
        run(&store, &mut model, std::slice::from_ref(&first), true).unwrap();
        let before = model.clone();
        let step = Step::Crash { batch: vec![second.clone()], acts, seed: acts };
        let store = take(&disk, store, &mut model, &step);
        compare(&store, &model);
        store.verify().unwrap();
        if model == before { lost += 1 } else { kept += 1 }
    }
    assert!(kept > 0 && lost > 0, "{kept} kept, {lost} lost");
}
