//! Readers see committed states only, and do not wait for the disk.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::thread;

use raida_store::testing::Disk;
use raida_store::{Options, Peek, Record, StorageBackend, Store};
use raida_wire::{CoinId, Month};

/// On different pages of different denominations.
fn group() -> Vec<CoinId> {
    (0..12).map(|n| CoinId::new(n - 5, 70_000 * u32::from(n.unsigned_abs())).unwrap()).collect()
}

fn record(octet: u8) -> Record {
    Record { an: [octet; 16].into(), month: Month(9) }
}

/// The numbers of the group are `round + 0`, `round + 1`, ..
fn commit(store: &Store, round: u8) {
    let mut batch = store.write().unwrap();
    for (coin, place) in group().iter().zip(0..) {
        batch.request(|changes| changes.set(*coin, &record(round.wrapping_add(place)))).unwrap();
    }
    batch.commit().unwrap();
}

fn first_octets(store: &Store) -> Vec<u8> {
    let records = store.read_all(&group()).unwrap();
    records.iter().map(|record| record.as_ref().unwrap().an.octets()[0]).collect()
}

/// Eight readers against one writer. `cache_pages` is small enough that chunks come and go, or large enough that they stay.
fn readers_see_whole_commits(cache_pages: usize) {
    let options = Options { cache_pages, ..Options::new([7; 32]) };
    let store = Store::open_on(Disk::new().plug_in(), &options).unwrap();
    commit(&store, 0);
    let (done, looks) = (AtomicBool::new(false), AtomicU32::new(0));
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let seen = first_octets(&store);
                    let expected: Vec<_> = (0..12).map(|place| seen[0].wrapping_add(place)).collect();
                    assert_eq!(seen, expected, "half a commit");
                    assert_eq!(store.issued().0.iter().sum::<u32>(), 12);
                    looks.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for round in 0..=255 {
            commit(&store, round);
        }
        // A fast writer must not make this a test of nothing.
        while looks.load(Ordering::Relaxed) < 100 {
            thread::yield_now();
        }
        done.store(true, Ordering::Relaxed);
    });
    store.verify().unwrap();
}

#[test]
fn readers_of_a_large_cache_see_whole_commits() {
    readers_see_whole_commits(1000);
}

#[test]
fn readers_of_a_tiny_cache_see_whole_commits() {
    readers_see_whole_commits(1);
}

#[test]
fn single_coin_never_goes_back_in_time() {
    let store = Store::open_on(Disk::new().plug_in(), &Options { cache_pages: 1, ..Options::new([7; 32]) }).unwrap();
    let done = AtomicBool::new(false);
    let coin = group()[0];
    // Fills the cache, so that the coin is let go again and again.
    let crowd: Vec<_> = (0..40).map(|n| CoinId::new(3, n * 64).unwrap()).collect();
    let mut batch = store.write().unwrap();
    crowd.iter().for_each(|coin| batch.request(|changes| changes.set(*coin, &record(1))).unwrap());
    batch.commit().unwrap();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut last = 0;
                while !done.load(Ordering::Relaxed) {
                    let now = store.read(coin).unwrap().map_or(0, |record| record.month.0);
                    assert!(now >= last, "{now} after {last}");
                    last = now;
                    crowd.iter().for_each(|coin| assert!(store.read(*coin).unwrap().is_some()));
                }
            });
        }
        for month in 1..=200 {
            let mut batch = store.write().unwrap();
            batch.request(|changes| changes.set(coin, &Record { an: [1; 16].into(), month: Month(month) })).unwrap();
            batch.commit().unwrap();
        }
        done.store(true, Ordering::Relaxed);
    });
}

/// A disk whose syncs wait until they are let through.
#[derive(Debug)]
struct Gate {
    disk: Box<dyn StorageBackend>,
    is_closed: Arc<AtomicBool>,
    arrived: mpsc::Sender<()>,
    opened: Mutex<mpsc::Receiver<()>>,
}

impl StorageBackend for Gate {
    fn len(&self) -> io::Result<u64> {
        self.disk.len()
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.disk.read(offset, out)
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.disk.set_len(len)
    }
    fn sync_data(&self) -> io::Result<()> {
        if self.is_closed.load(Ordering::SeqCst) {
            self.arrived.send(()).unwrap();
            self.opened.lock().unwrap().recv().unwrap();
        }
        self.disk.sync_data()
    }
    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.disk.write(offset, data)
    }
}

#[test]
fn reads_go_on_while_a_commit_waits_for_the_disk() {
    let (arrived, arrival) = mpsc::channel();
    let (open, opened) = mpsc::channel();
    let is_closed = Arc::new(AtomicBool::new(false));
    let disk = Box::new(Disk::new().plug_in());
    let gate = Gate { disk, is_closed: Arc::clone(&is_closed), arrived, opened: Mutex::new(opened) };
    let store = Store::open_on(gate, &Options { cache_pages: 1, ..Options::new([7; 32]) }).unwrap();
    commit(&store, 1);
    is_closed.store(true, Ordering::SeqCst);
    thread::scope(|scope| {
        scope.spawn(|| commit(&store, 101));
        arrival.recv().unwrap();
        // The commit stands before its sync, and stays there. Everything that reads gives the state before it.
        assert_eq!(first_octets(&store)[0], 1);
        assert_eq!(store.read(group()[1]).unwrap(), Some(record(2)));
        assert_ne!(store.peek(group()[1]), Peek::NotIssued);
        assert_eq!(store.issued().0.iter().sum::<u32>(), 12);
        assert_eq!(store.lockers([0xFF; 5], 16).unwrap(), []);
        assert_eq!(store.refresh_trees().unwrap(), 12);
        is_closed.store(false, Ordering::SeqCst);
        open.send(()).unwrap();
    });
    assert_eq!(first_octets(&store)[0], 101);
}

#[test]
fn writers_of_many_threads_lose_no_change_and_never_lock_up() {
    let store = Store::open_on(Disk::new().plug_in(), &Options::new([7; 32])).unwrap();
    commit(&store, 0);
    let start = Barrier::new(8);
    thread::scope(|scope| {
        for thread in 0..8_usize {
            let (store, start) = (&store, &start);
            scope.spawn(move || {
                start.wait();
                for round in 0..25 {
                    let mut batch = store.write().unwrap();
                    // All coins in an order of its own: with locks per coin, this would lock up.
                    batch
                        .request(|changes| {
                            for step in 0..12 {
                                let coin = group()[(thread * 5 + round + step * 7) % 12];
                                let mut kept = changes.get(coin)?.unwrap();
                                kept.month = Month(kept.month.0.checked_add(1).unwrap());
                                changes.set(coin, &kept)?;
                            }
                            Ok::<_, raida_store::StoreError>(())
                        })
                        .unwrap();
                    batch.commit().unwrap();
                }
                store.refresh_trees().unwrap();
            });
        }
    });
    for record in store.read_all(&group()).unwrap() {
        assert_eq!(record.unwrap().month, Month(9 + 200));
    }
    store.verify().unwrap();
}
