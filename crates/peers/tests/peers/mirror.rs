//! Mirrors: peers that answer from a store, and how they may lie.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use raida_peers::{Circle, Cycle, Healing, Patience};
use raida_store::pages::PAGE_LEN;
use raida_store::testing::Disk;
use raida_store::{Forest, Options, PageId, Record, Store};
use raida_wire::vote::ROOTS_LEN;
use raida_wire::{AuthenticityNumber, CoinId, Command, Denomination, Encryption, Month, Status, vote};

use crate::fake_peer::{Asked, Deed, FakePeer, Script};

pub(crate) const RAIDA_ID: u8 = 7;

/// The coins that open pages to mirrors, on two different pages.
pub(crate) fn keys() -> [CoinId; 2] {
    [coin(-8, 0), coin(6, 1_023_999)]
}

pub(crate) fn coin(denomination: i8, number: u32) -> CoinId {
    CoinId::new(denomination, number).unwrap()
}

pub(crate) fn record(seed: u8) -> Record {
    Record { an: [seed; 16].into(), month: Month(45) }
}

/// A store in memory with the key coins, and 100 coins on each of three pages.
pub(crate) fn store() -> Arc<Store> {
    let store = empty_store(7);
    let numbers = (0..100).chain(5 * 1024..5 * 1024 + 100).chain(1_022_976..1_023_076);
    let coins = numbers.map(|number| (coin(0, number), record(number.to_be_bytes()[3] | 1)));
    change(&store, coins.chain(keys().map(|key| (key, record(0xC4)))));
    store
}

/// A store in memory where nothing is issued, with a secret of its own.
pub(crate) fn empty_store(secret: u8) -> Arc<Store> {
    let options = Options { cache_pages: 16, database_cache: 1 << 20, ..Options::new([secret; 32]) };
    let store = Arc::new(Store::open_on(Disk::new().plug_in(), &options).unwrap());
    // Never closed: letting 240,000 places of its cache go takes longer than most tests, the more threads there were.
    std::mem::forget(Arc::clone(&store));
    store
}

/// Gives coins these records and brings the trees up to date.
pub(crate) fn change(store: &Store, coins: impl IntoIterator<Item = (CoinId, Record)>) {
    let mut batch = store.write().unwrap();
    batch.request(|changes| coins.into_iter().try_for_each(|(coin, record)| changes.set(coin, &record))).unwrap();
    batch.commit().unwrap();
    store.refresh_trees().unwrap();
}

/// Makes a coin one that is not issued.
pub(crate) fn free(store: &Store, coin: CoinId) {
    let mut batch = store.write().unwrap();
    batch.request(|changes| changes.free(coin)).unwrap();
    batch.commit().unwrap();
    store.refresh_trees().unwrap();
}

/// Everything that a store has, as it would be exported.
pub(crate) fn contents(store: &Store) -> Vec<(CoinId, Option<Record>)> {
    let pages = [coin(0, 0), coin(0, 5 * 1024), coin(0, 1_022_976), keys()[0], keys()[1]].map(PageId::of);
    let coins = pages.into_iter().flat_map(|page| (0..1024).filter_map(move |place| page.coin(place)));
    coins.map(|coin| (coin, store.read(coin).unwrap())).collect()
}

/// A mirror that answers from a store as it should.
#[derive(Clone)]
pub(crate) struct Mirror {
    store: Arc<Store>,
    /// The trees as they were when it was made.
    forest: Arc<Forest>,
}

impl Mirror {
    pub(crate) fn of(store: &Arc<Store>) -> Self {
        Self { store: Arc::clone(store), forest: store.forest() }
    }
}

impl Script for Mirror {
    fn answer(&self, asked: &Asked<'_>) -> Deed {
        let number = |at: usize| u32::from_be_bytes(asked.payload[at..at + 4].try_into().unwrap());
        let denomination = Denomination::new(asked.payload[0].cast_signed());
        match asked.command {
            Command::GET_ALL_ROOTS => {
                assert_eq!(asked.payload.len(), ROOTS_LEN);
                Deed::Answer(Status::SUCCESS, self.forest.roots().to_vec())
            }
            Command::GET_MERKLE_BRANCH => {
                let node = denomination.and_then(|den| self.forest.node(den, number(1), number(5)));
                Deed::Answer(Status::SUCCESS, node.unwrap().to_vec())
            }
            Command::GET_PAGE_DATA => {
                assert_eq!(asked.encryption, Encryption::Coin256, "pages are secrets");
                let mut page = [0; PAGE_LEN];
                self.store.page(PageId::new(denomination.unwrap(), number(1)).unwrap(), &mut page).unwrap();
                Deed::Answer(Status::SUCCESS, page.to_vec())
            }
            other => panic!("a mirror is not asked for {other}"),
        }
    }

    fn vote(&self, request: &vote::Request<'_>) -> Option<Vec<u8>> {
        Some(vote::answer(request, self.forest.roots()).to_vec())
    }

    fn number(&self, coin: CoinId) -> Option<AuthenticityNumber> {
        self.store.read(coin).unwrap().map(|record| record.an)
    }
}

/// A mirror with a lie of its own.
pub(crate) struct Liar<L> {
    pub(crate) mirror: Mirror,
    /// What it says instead; `None`: the truth.
    pub(crate) lie: L,
}

impl<L: Fn(&Asked<'_>) -> Option<Deed> + Send + Sync + 'static> Script for Liar<L> {
    fn answer(&self, asked: &Asked<'_>) -> Deed {
        (self.lie)(asked).unwrap_or_else(|| self.mirror.answer(asked))
    }

    fn vote(&self, request: &vote::Request<'_>) -> Option<Vec<u8>> {
        self.mirror.vote(request)
    }

    fn number(&self, coin: CoinId) -> Option<AuthenticityNumber> {
        self.mirror.number(coin)
    }
}

/// Mirrors that answer from this store.
pub(crate) fn mirrors(store: &Arc<Store>, count: usize) -> Vec<FakePeer> {
    (0..count).map(|_| FakePeer::start(RAIDA_ID, Mirror::of(store))).collect()
}

/// Mirrors that answer from this store, but for the same lie.
pub(crate) fn liars<L>(store: &Arc<Store>, count: usize, lie: L) -> Vec<FakePeer>
where
    L: Fn(&Asked<'_>) -> Option<Deed> + Clone + Send + Sync + 'static,
{
    let liar = || Liar { mirror: Mirror::of(store), lie: lie.clone() };
    (0..count).map(|_| FakePeer::start(RAIDA_ID, liar())).collect()
}

/// Mirrors that have roots of their own each.
pub(crate) fn loners(store: &Arc<Store>, count: usize) -> Vec<FakePeer> {
    let loner = |number: u8| {
        let roots = [number; ROOTS_LEN];
        let lie = move |asked: &Asked<'_>| match asked.command {
            Command::GET_ALL_ROOTS => Some(Deed::Answer(Status::SUCCESS, roots.to_vec())),
            _ => None,
        };
        FakePeer::start(RAIDA_ID, Liar { mirror: Mirror::of(store), lie })
    };
    (1..).take(count).map(loner).collect()
}

/// A cycle among mirrors that heals, on a short fuse for those who are silent.
pub(crate) fn cycle(peers: &[FakePeer]) -> Cycle {
    cycle_with(peers, Some(Healing { keys: keys().to_vec() }))
}

pub(crate) fn cycle_with(peers: &[FakePeer], healing: Option<Healing>) -> Cycle {
    let addresses = peers.iter().map(FakePeer::address).collect();
    Cycle {
        vote_wait: Duration::from_secs(3),
        patience: Patience::new(Duration::from_secs(2), Duration::from_secs(3)),
        pages_max: NonZeroUsize::new(10).unwrap(),
        healing_max: Duration::from_secs(60),
        ..Cycle::new(Circle::mirrors(RAIDA_ID, 6, addresses, healing).unwrap())
    }
}

/// Runs a cycle to its end.
pub(crate) fn run(cycle: &Cycle, store: &Arc<Store>) -> raida_peers::Report {
    cycle.run(&Arc::downgrade(store), &|| false).unwrap()
}
