//! What a store promises about costs: one sync per batch, so much memory and no more, nothing for what did not change.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use raida_store::testing::Disk;
use raida_store::{Options, PageId, Peek, Record, Store, StoreError};
use raida_wire::{AuthenticityNumber, CoinId, Month};

fn coin(number: u32) -> CoinId {
    CoinId::new(2, number).unwrap()
}

fn record(octet: u8) -> Record {
    Record { an: [octet; 16].into(), month: Month(9) }
}

fn set(store: &Store, coins: impl Iterator<Item = u32>, octet: u8) {
    let mut batch = store.write().unwrap();
    coins.for_each(|number| batch.request(|changes| changes.set(coin(number), &record(octet))).unwrap());
    batch.commit().unwrap();
}

#[test]
fn batch_of_many_requests_takes_one_sync() {
    let disk = Disk::new();
    let store = Store::open_on(disk.plug_in(), &Options::new([7; 32])).unwrap();
    // While the file grows there may be one sync more.
    set(&store, (0..512).map(|n| n * 1999), 1);
    set(&store, (0..512).map(|n| n * 1999), 5);
    for (requests, octet) in [(1, 2), (64, 3), (512, 4)] {
        let before = disk.syncs();
        set(&store, (0..requests).map(|n| n * 1999), octet);
        assert_eq!(disk.syncs() - before, 1, "{requests} requests");
    }
}

#[test]
fn batch_that_changes_nothing_touches_no_disk() {
    let disk = Disk::new();
    let store = Store::open_on(disk.plug_in(), &Options::new([7; 32])).unwrap();
    set(&store, 0..3, 1);
    let before = (disk.syncs(), disk.written());
    store.write().unwrap().commit().unwrap();
    set(&store, 0..3, 1);
    let mut batch = store.write().unwrap();
    batch.request(|changes| changes.free(coin(500))).unwrap();
    batch.request(|changes| changes.set(coin(0), &record(2)).and(Err::<(), _>(StoreError::Broken))).unwrap_err();
    batch.commit().unwrap();
    drop(store.write().unwrap());
    assert_eq!((disk.syncs(), disk.written()), before);
}

#[test]
fn single_change_writes_little() {
    let disk = Disk::new();
    let store = Store::open_on(disk.plug_in(), &Options::new([7; 32])).unwrap();
    set(&store, (0..1000).map(|n| n * 1024), 1);
    set(&store, 0..1, 2);
    let before = disk.written();
    set(&store, 0..1, 3);
    assert!(disk.written() - before < 64 << 10, "{} bytes", disk.written() - before);
}

#[test]
fn cache_never_holds_more_than_it_may_and_loses_nothing() {
    let disk = Disk::new();
    let options = Options { cache_pages: 2, ..Options::new([7; 32]) };
    let store = Store::open_on(disk.plug_in(), &options).unwrap();
    set(&store, (0..200).map(|n| n * 64), 5);
    for turn in 0..3 {
        for number in (0..200).map(|n| n * 64 * (turn + 1) % 12_800) {
            assert_eq!(store.read(coin(number)).unwrap(), Some(record(5)));
            assert!(store.cached_chunks() <= 32, "{}", store.cached_chunks());
        }
    }
    assert_eq!(store.cached_chunks(), 32);
}

#[test]
fn peek_tells_what_memory_knows() {
    let disk = Disk::new();
    let store = Store::open_on(disk.plug_in(), &Options::new([7; 32])).unwrap();
    set(&store, 5..6, 1);
    assert_eq!(store.peek(coin(6)), Peek::NotIssued);
    drop(store);
    let store = Store::open_on(disk.plug_in(), &Options::new([7; 32])).unwrap();
    assert_eq!((store.peek(coin(5)), store.peek(coin(6))), (Peek::NotCached, Peek::NotIssued));
    assert_eq!(store.read(coin(6)).unwrap(), None);
    assert_eq!(store.cached_chunks(), 0, "what is not issued is not fetched");
    assert_eq!(store.read(coin(5)).unwrap(), Some(record(1)));
    assert_eq!(store.peek(coin(5)), Peek::Issued(record(1)));
}

#[test]
fn start_hashes_only_what_was_not_saved() {
    let disk = Disk::new();
    let store = Store::open_on(disk.plug_in(), &Options::new([7; 32])).unwrap();
    set(&store, (0..50).map(|n| n * 1024), 1);
    assert_eq!(store.refresh_trees().unwrap(), 50);
    assert_eq!(store.refresh_trees().unwrap(), 0);
    store.save_trees().unwrap();
    set(&store, 0..1, 2);
    // Not refreshed: the mark on disk must be enough.
    let roots = {
        disk.lose_power(1);
        drop(store);
        let store = Store::open_on(disk.plug_in(), &Options::new([7; 32])).unwrap();
        store.verify().unwrap();
        store.roots()
    };
    let store = Store::open_on(Disk::new().plug_in(), &Options::new([7; 32])).unwrap();
    set(&store, (0..50).map(|n| n * 1024), 1);
    set(&store, 0..1, 2);
    store.refresh_trees().unwrap();
    assert_eq!(store.roots(), roots);
}

#[test]
fn free_coins_and_bitmap_follow_commits() {
    let store = Store::open_on(Disk::new().plug_in(), &Options::new([7; 32])).unwrap();
    set(&store, 0..70, 1);
    let free = |store: &Store| store.free_on(PageId::of(coin(0)))[..3].to_vec();
    assert_eq!(free(&store), [0, !0b11_1111, u64::MAX]);
    let mut batch = store.write().unwrap();
    batch.request(|changes| changes.free(coin(3))).unwrap();
    assert_eq!(free(&store)[0], 0, "not committed yet");
    batch.commit().unwrap();
    assert_eq!(free(&store)[0], 0b1000);
    let mut bitmap = [0; raida_store::BITMAP_LEN];
    store.bitmap(coin(0).denomination, &mut bitmap);
    assert_eq!((bitmap[0], bitmap[8], bitmap[9]), (0b1111_0111, 0b11_1111, 0));
}

#[test]
fn request_that_panics_leaves_the_rest_of_its_batch_alone() {
    let store = Store::open_on(Disk::new().plug_in(), &Options::new([7; 32])).unwrap();
    let mut batch = store.write().unwrap();
    batch.request(|changes| changes.set(coin(1), &record(1))).unwrap();
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        batch.request::<(), StoreError>(|changes| {
            changes.set(coin(1), &record(2))?;
            std::panic::resume_unwind(Box::new("a defect in a command"))
        })
    }));
    assert!(panicked.is_err());
    batch.commit().unwrap();
    assert_eq!(store.read(coin(1)).unwrap(), Some(record(1)));
}

#[test]
fn page_data_shows_issued_records_and_hides_the_rest() {
    let store = Store::open_on(Disk::new().plug_in(), &Options::new([7; 32])).unwrap();
    set(&store, 1025..1026, 0xAB);
    let mut octets = [0; raida_store::pages::PAGE_LEN];
    store.page(PageId::of(coin(1025)), &mut octets).unwrap();
    assert_eq!(octets[17..34], [[0xAB; 16].as_slice(), &[9]].concat());
    assert_eq!(octets[..16], *store.unissued_number(coin(1024)).octets());
    assert_eq!(octets[16], 0);
    let other = Store::open_on(Disk::new().plug_in(), &Options::new([8; 32])).unwrap();
    assert_ne!(other.unissued_number(coin(1024)), store.unissued_number(coin(1024)));
}

#[test]
fn no_message_shows_a_secret() {
    let disk = Disk::new();
    let options = Options::new([0xB7; 32]);
    let store = Store::open_on(disk.plug_in(), &options).unwrap();
    let mut batch = store.write().unwrap();
    let shown = batch.request(|changes| {
        changes.set(coin(1), &record(0xB7))?;
        Ok::<_, StoreError>(format!("{changes:?}"))
    });
    let mut shown = vec![shown.unwrap(), format!("{batch:?} {options:?}")];
    disk.fail_after(2);
    let failed = batch.commit().unwrap_err();
    shown.push(format!("{failed} {failed:?}"));
    shown.push(format!("{store:?} {:?} {:?}", store.peek(coin(1)), record(0xB7)));
    disk.lose_power(1);
    let refused = Store::open_on(disk.plug_in(), &Options::new([0xB8; 32])).unwrap_err();
    shown.push(format!("{refused} {refused:?}"));
    for text in shown {
        let text = text.to_lowercase();
        assert!(!text.contains("b7b7") && !text.contains("183"), "{text}");
    }
}

#[test]
fn lockers_are_known_from_memory_until_there_are_too_many() {
    let key = |mark: u8| AuthenticityNumber::new([[mark; 12].as_slice(), &[0xFF; 4]].concat().try_into().unwrap());
    let disk = Disk::new();
    let options = Options { lockers_max: 3, ..Options::new([7; 32]) };
    let store = Store::open_on(disk.plug_in(), &options).unwrap();
    let put = |store: &Store, number: u32, mark: u8| {
        let mut batch = store.write().unwrap();
        batch.request(|changes| changes.set(coin(number), &Record { an: key(mark), month: Month(9) })).unwrap();
        batch.commit().unwrap();
    };
    let known = |store: &Store, mark: u8| store.peek_lockers([mark; 5], 16).map(|keys| keys.len());
    for number in 0..6 {
        put(&store, number, u8::try_from(number % 3).unwrap());
    }
    assert_eq!([0, 1, 2, 3].map(|mark| known(&store, mark)), [Some(1), Some(1), Some(1), Some(0)]);
    put(&store, 0, 1);
    assert_eq!(known(&store, 0), Some(1), "one coin is left");
    put(&store, 3, 1);
    assert_eq!(known(&store, 0), Some(0), "the last has gone");
    put(&store, 0, 3);
    assert_eq!(known(&store, 3), Some(1));
    put(&store, 3, 4);
    assert_eq!(known(&store, 3), None, "one too many");
    assert_eq!(store.lockers([3; 5], 16).unwrap(), [key(3)]);
    put(&store, 3, 1);
    drop(store);
    let store = Store::open_on(disk.plug_in(), &options).unwrap();
    assert_eq!([1, 2, 3, 4].map(|mark| known(&store, mark)), [Some(1), Some(1), Some(1), Some(0)]);
}
