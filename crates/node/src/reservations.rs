//! Serial numbers and pages that are kept for a session.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use raida_reactor::Instant;
use raida_store::{PageId, Store};
use raida_wire::{CoinId, Denomination};

use crate::holdings::{Holder, Holding, Holdings};
use crate::page_bits::PageBits;
use crate::settings::ReservationLimit;

/// How long a reservation lives after the last call that made it.
const LIFE: Duration = Duration::from_secs(16);
/// How many free serial numbers are offered at once.
const OFFERED_MAX: usize = 64;

/// A session number, chosen by the client. Session 0 never owns anything.
///
/// Source: protocol §5.7
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Session(pub(crate) u32);

impl Session {
    const NOBODY: Self = Self(0);
}

/// What is kept for whom, in memory only.
#[derive(Debug)]
pub(crate) struct Reservations(Mutex<Table>);

#[derive(Debug)]
struct Table {
    /// By 9/91.
    numbers: Holdings,
    /// By 3/120.
    pages: HashMap<PageId, Hold>,
    swept: Instant,
}

#[derive(Clone, Copy, Debug)]
struct Hold {
    session: Session,
    ends: Instant,
}

impl Reservations {
    pub(crate) fn new(limit: ReservationLimit) -> Self {
        Self(Mutex::new(Table { numbers: Holdings::new(limit), pages: HashMap::new(), swept: Instant::default() }))
    }

    /// Locks the table, as it is now.
    pub(crate) fn lock(&self, now: Instant) -> Held<'_> {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.numbers.expire(now);
        if now >= table.swept + LIFE {
            table.pages.retain(|_, hold| now < hold.ends);
            table.swept = now;
        }
        Held { table, now }
    }
}

/// The table at one moment.
#[derive(Debug)]
pub(crate) struct Held<'t> {
    table: MutexGuard<'t, Table>,
    now: Instant,
}

/// What a session would be offered if there were room for all of it.
#[derive(Debug)]
pub(crate) struct Wish {
    session: Session,
    /// What it keeps.
    own: Vec<CoinId>,
    /// What nobody keeps; only what comes before the rest of its own.
    fresh: Vec<CoinId>,
}

impl Wish {
    /// How many numbers these are.
    pub(crate) fn len(&self) -> usize {
        OFFERED_MAX.min(self.own.len() + self.fresh.len())
    }
}

impl Held<'_> {
    /// The free serial numbers of a denomination that a session may be offered: the lowest that nobody else keeps, nor their
    /// page.
    ///
    /// However many are kept, this looks at no more than a bit of each number, and at 64 of them at once.
    pub(crate) fn wish(&self, store: &Store, session: Session, denomination: Denomination) -> Wish {
        let numbers = &self.table.numbers;
        let own = numbers.of(session, denomination).filter(|coin| self.offers_page(session, PageId::of(*coin)));
        let own: Vec<_> = own.filter(|coin| is_free(store, *coin)).collect();
        let open = self.open_pages(session, denomination);
        let fresh = open.flat_map(|page| PageBits(store.free_on(page)).without(&numbers.on(page)).coins(page));
        let mut fresh: Vec<_> = fresh.take(OFFERED_MAX).collect();
        let lowest = lowest(&own, &fresh);
        fresh.retain(|coin| lowest.binary_search(coin).is_ok());
        Wish { session, own, fresh }
    }

    /// Keeps for a session what it wishes for, as far as there is room: what it keeps already needs none, and what has become
    /// of coins since takes none. Gives what it is offered, ascending.
    pub(crate) fn grant(&mut self, wish: Wish, store: &Store, holder: Holder) -> Vec<CoinId> {
        let Wish { session, own, mut fresh } = wish;
        if session == Session::NOBODY {
            return fresh;
        }
        let (numbers, ends) = (&mut self.table.numbers, self.now + LIFE);
        if numbers.left(holder, fresh.len()) < fresh.len() {
            numbers.release(|holding| holding.holder == holder, |coin| !is_free(store, coin));
        }
        fresh.truncate(numbers.make_room(session, holder, fresh.len()));
        let coins = lowest(&own, &fresh);
        numbers.release(|holding| holding.session == session, |coin| coins.binary_search(&coin).is_ok());
        numbers.push(Holding { session, holder, ends, coins: coins.clone() });
        coins
    }

    /// Whether a session keeps a serial number.
    pub(crate) fn keeps(&self, session: Session, coin: CoinId) -> bool {
        self.table.numbers.keeps(session, coin)
    }

    /// How many serial numbers and how many pages are kept. Pages whose time has ended since the last sweep count.
    pub(crate) fn count(&self) -> (usize, usize) {
        (self.table.numbers.count(), self.table.pages.len())
    }

    /// The pages of a denomination whose serial numbers a session may be offered, ascending.
    pub(crate) fn open_pages(&self, session: Session, denomination: Denomination) -> impl Iterator<Item = PageId> {
        let pages = (0..).map_while(move |number| PageId::new(denomination, number));
        pages.filter(move |page| self.offers_page(session, *page))
    }

    /// Whether a session keeps a page.
    pub(crate) fn keeps_page(&self, session: Session, page: PageId) -> bool {
        self.keeper(page) == Some(session)
    }

    /// Keeps a page for a session.
    pub(crate) fn keep_page(&mut self, session: Session, page: PageId) {
        let hold = Hold { session, ends: self.now + LIFE };
        if session != Session::NOBODY {
            self.table.pages.insert(page, hold);
        }
    }

    fn offers_page(&self, session: Session, page: PageId) -> bool {
        self.keeper(page).is_none_or(|keeper| keeper == session)
    }

    fn keeper(&self, page: PageId) -> Option<Session> {
        self.table.pages.get(&page).filter(|hold| self.now < hold.ends).map(|hold| hold.session)
    }
}

/// As many coins as are offered at once: the first of these.
fn lowest(some: &[CoinId], others: &[CoinId]) -> Vec<CoinId> {
    let mut coins = [some, others].concat();
    coins.sort_unstable();
    coins.truncate(OFFERED_MAX);
    coins
}

fn is_free(store: &Store, coin: CoinId) -> bool {
    PageBits(store.free_on(PageId::of(coin))).has(coin)
}

/// What counts as one address: of IPv6 a whole /64, since that is what one client has.
pub(crate) fn neighbourhood(from: IpAddr) -> IpAddr {
    match from {
        IpAddr::V4(_) => from,
        IpAddr::V6(from) => Ipv6Addr::from_bits(from.to_bits() >> 64 << 64).into(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use raida_reactor::service::Transport;

    use super::*;
    use crate::testing::{Coins, surroundings};

    const HERE: [u8; 4] = [192, 0, 2, 1];
    const THERE: [u8; 4] = [192, 0, 2, 2];
    const UDP: Transport = Transport::Udp { datagram: 1440, limit: 1440 };

    const A: Session = Session(7);
    const B: Session = Session(8);

    fn at(seconds: u64) -> Instant {
        Instant::from_micros(seconds * 1_000_000)
    }

    fn coin(serial_number: u32) -> CoinId {
        CoinId::new(0, serial_number).unwrap()
    }

    /// Reservations, and a store without coins.
    struct Bench {
        limit: ReservationLimit,
        reservations: Reservations,
        store: Arc<Store>,
    }

    impl Bench {
        fn new(numbers_max: usize, per_address_max: usize) -> Self {
            let limit = ReservationLimit { numbers_max, per_address_max };
            Self { limit, reservations: Reservations::new(limit), store: surroundings(&Coins::new()).store }
        }

        /// How many numbers of denomination 0 a session is offered, and the first of them.
        fn ask(&self, second: u64, session: Session, from: impl Into<IpAddr>, transport: Transport) -> (usize, u32) {
            let mut held = self.reservations.lock(at(second));
            let wish = held.wish(&self.store, session, coin(0).denomination);
            let offered = held.grant(wish, &self.store, Holder::of(from.into(), transport));
            assert!(held.count().0 <= self.limit.numbers_max && offered.is_sorted());
            assert!(session == Session(0) || offered.iter().all(|coin| held.keeps(session, *coin)));
            (offered.len(), offered.first().map_or(0, |coin| coin.serial_number.get()))
        }

        fn keeps(&self, second: u64, session: Session, serial_number: u32) -> bool {
            self.reservations.lock(at(second)).keeps(session, coin(serial_number))
        }
    }

    #[test]
    fn a_number_is_kept_for_sixteen_seconds_from_the_last_call() {
        let bench = Bench::new(1000, 1000);
        assert_eq!((bench.ask(1, A, HERE, UDP), bench.ask(10, A, HERE, UDP)), ((64, 0), (64, 0)));
        assert!(bench.keeps(25, A, 5) && !bench.keeps(25, B, 5) && !bench.keeps(25, A, 64));
        assert_eq!(bench.ask(25, B, HERE, UDP), (64, 64));
        assert!(!bench.keeps(26, A, 5));
        assert_eq!(bench.ask(26, B, HERE, UDP), (64, 0), "the lowest, though it keeps others");
        assert!(bench.keeps(40, B, 100) && !bench.keeps(41, B, 100) && bench.keeps(41, B, 0));
    }

    #[test]
    fn a_kept_page_covers_its_numbers_but_does_not_give_them_away() {
        let bench = Bench::new(1000, 1000);
        let mut held = bench.reservations.lock(at(1));
        held.keep_page(A, PageId::of(coin(0)));
        assert!(held.keeps_page(A, PageId::of(coin(1023))) && !held.keeps_page(B, PageId::of(coin(0))));
        drop(held);
        assert_eq!((bench.ask(1, B, HERE, UDP), bench.ask(1, Session(0), HERE, UDP)), ((64, 1024), (64, 1088)));
        assert!(!bench.keeps(1, A, 5));
        assert_eq!(bench.ask(1, A, HERE, UDP), (64, 0));
    }

    #[test]
    fn session_0_never_owns_anything_and_needs_no_room() {
        let bench = Bench::new(64, 64);
        bench.reservations.lock(at(1)).keep_page(Session(0), PageId::of(coin(5)));
        assert_eq!((bench.ask(1, Session(0), HERE, UDP), bench.ask(1, A, HERE, UDP)), ((64, 0), (64, 0)));
        assert_eq!(bench.ask(1, Session(0), HERE, UDP), (64, 64));
        let held = bench.reservations.lock(at(1));
        assert!(!held.keeps(Session(0), coin(64)) && !held.keeps_page(Session(0), PageId::of(coin(5))));
    }

    #[test]
    fn who_has_his_share_renews_it_and_gets_no_more() {
        let bench = Bench::new(1000, 160);
        let sessions = [1, 2, 3, 4].map(Session);
        assert_eq!(sessions.map(|session| bench.ask(1, session, HERE, UDP).0), [64, 64, 32, 0]);
        assert_eq!(sessions.map(|session| bench.ask(10, session, HERE, UDP).0), [64, 64, 32, 0]);
        assert_eq!(bench.ask(20, Session(4), HERE, UDP).0, 0, "all has been renewed");
        assert_eq!(bench.ask(26, Session(4), HERE, UDP).0, 64);
    }

    #[test]
    fn a_whole_network_of_ipv6_is_one_address() {
        let bench = Bench::new(1000, 64);
        let address = |network: u16, host: u16| Ipv6Addr::new(0x2001, 0xDB8, 0, network, 0, 0, 0, host);
        assert_eq!(bench.ask(1, A, address(1, 1), UDP).0, 64);
        assert_eq!((bench.ask(1, B, address(1, 2), UDP).0, bench.ask(1, B, address(2, 2), UDP).0), (0, 64));
    }

    #[test]
    fn a_newcomer_gets_room_from_whoever_has_most_and_who_has_few_keeps_them() {
        let bench = Bench::new(640, 640);
        bench.ask(1, A, HERE, UDP);
        let greedy = (10..19).map(Session);
        assert_eq!(greedy.clone().map(|session| bench.ask(1, session, THERE, UDP).0).sum::<usize>(), 9 * 64);
        for newcomer in 1..8 {
            assert_eq!(bench.ask(2, Session(100 + u32::from(newcomer)), [198, 51, 100, newcomer], UDP).0, 64);
            assert!(!bench.keeps(2, Session(9 + u32::from(newcomer)), 64 * u32::from(newcomer)), "the oldest has gone");
        }
        assert!((0..64).all(|number| bench.keeps(2, A, number)));
        assert_eq!(bench.ask(2, B, HERE, UDP).0, 64, "two have twice as many as the others now");
        assert_eq!(bench.ask(2, Session(9), HERE, UDP).0, 0, "and take nothing from who has less");
        assert!((0..64).all(|number| bench.keeps(2, A, number)));
    }

    #[test]
    fn forged_datagrams_take_from_each_other_alone() {
        let bench = Bench::new(640, 640);
        let forged = |number: u8| bench.ask(2, Session(100 + u32::from(number)), [198, 51, 100, number], UDP).0;
        assert_eq!(bench.ask(1, A, HERE, Transport::Tcp).0, 64);
        assert!((0..100).all(|number| forged(number) == 64), "the last who came has as many as the others");
        assert!((0..64).all(|number| bench.keeps(2, A, number)));
        assert!((1..5).all(|session| bench.ask(2, Session(session), HERE, Transport::Tcp).0 == 64));
        assert!((0..64).all(|number| bench.keeps(2, A, number)));
        let connected = (5..20).map(|session| bench.ask(2, Session(session), THERE, Transport::Tcp).0);
        assert_eq!(connected.sum::<usize>(), 3 * 64, "their half is taken: now they share it");
        assert!((0..5).all(|number| forged(number) == 64));
    }
}
