//! Serial numbers and pages that are kept for a session.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use raida_reactor::Instant;
use raida_store::PageId;
use raida_wire::CoinId;

use crate::settings::ReservationLimit;

/// How long a reservation lives after the last call that made it.
const LIFE: Duration = Duration::from_secs(16);
/// How often a full table is searched for reservations that have ended.
const SEARCH_PAUSE: Duration = Duration::from_secs(1);

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
pub(crate) struct Reservations {
    table: Mutex<Table>,
    limit: ReservationLimit,
}

#[derive(Debug, Default)]
struct Table {
    /// By 9/91.
    numbers: HashMap<CoinId, NumberHold>,
    /// How many of these each address has asked for.
    asked_for: HashMap<IpAddr, usize>,
    /// By 3/120.
    pages: HashMap<PageId, Hold>,
    swept: Instant,
}

#[derive(Clone, Copy, Debug)]
struct Hold {
    session: Session,
    ends: Instant,
}

/// A hold on a number, which anybody may ask for.
#[derive(Clone, Copy, Debug)]
struct NumberHold {
    hold: Hold,
    from: IpAddr,
}

impl Reservations {
    pub(crate) fn new(limit: ReservationLimit) -> Self {
        Self { table: Mutex::default(), limit }
    }

    /// Locks the table, as it is now.
    pub(crate) fn lock(&self, now: Instant) -> Held<'_> {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        if now >= table.swept + LIFE {
            table.sweep(now);
        }
        Held { table, now, limit: self.limit }
    }
}

impl Table {
    /// Forgets what has ended.
    fn sweep(&mut self, now: Instant) {
        self.numbers.retain(|_, number| now < number.hold.ends);
        self.pages.retain(|_, hold| now < hold.ends);
        self.asked_for.clear();
        for number in self.numbers.values() {
            *self.asked_for.entry(number.from).or_default() += 1;
        }
        self.swept = now;
    }
}

/// The table at one moment.
#[derive(Debug)]
pub(crate) struct Held<'t> {
    table: MutexGuard<'t, Table>,
    now: Instant,
    limit: ReservationLimit,
}

impl Held<'_> {
    /// Whether a session may be offered a serial number: nobody else keeps it or its page.
    pub(crate) fn offers(&self, session: Session, coin: CoinId) -> bool {
        self.keeper_of(coin).is_none_or(|keeper| keeper == session) && self.offers_page(session, PageId::of(coin))
    }

    /// Whether a session keeps a serial number.
    pub(crate) fn keeps(&self, session: Session, coin: CoinId) -> bool {
        self.keeper_of(coin) == Some(session)
    }

    /// How many serial numbers more may be kept for who asks from this address: as many as there is room for, and as its
    /// share allows. What nobody keeps needs no room.
    pub(crate) fn room(&mut self, session: Session, from: IpAddr) -> usize {
        if session == Session::NOBODY {
            return usize::MAX;
        }
        let from = neighbourhood(from);
        if self.left(from) == 0 && self.now >= self.table.swept + SEARCH_PAUSE {
            self.table.sweep(self.now);
        }
        self.left(from)
    }

    /// Keeps a serial number for a session.
    pub(crate) fn keep(&mut self, session: Session, coin: CoinId, from: IpAddr) {
        if session == Session::NOBODY {
            return;
        }
        let (hold, from) = (Hold { session, ends: self.now + LIFE }, neighbourhood(from));
        *self.table.asked_for.entry(from).or_default() += 1;
        if let Some(before) = self.table.numbers.insert(coin, NumberHold { hold, from })
            && let Some(asked_for) = self.table.asked_for.get_mut(&before.from)
        {
            *asked_for -= 1;
        }
    }

    /// How many serial numbers and how many pages are kept. Those that have ended since the last sweep count.
    pub(crate) fn count(&self) -> (usize, usize) {
        (self.table.numbers.len(), self.table.pages.len())
    }

    /// Whether a session may be offered the serial numbers of a page.
    pub(crate) fn offers_page(&self, session: Session, page: PageId) -> bool {
        self.keeper(&self.table.pages, page).is_none_or(|keeper| keeper == session)
    }

    /// Whether a session keeps a page.
    pub(crate) fn keeps_page(&self, session: Session, page: PageId) -> bool {
        self.keeper(&self.table.pages, page) == Some(session)
    }

    /// Keeps a page for a session.
    pub(crate) fn keep_page(&mut self, session: Session, page: PageId) {
        let hold = Hold { session, ends: self.now + LIFE };
        if session != Session::NOBODY {
            self.table.pages.insert(page, hold);
        }
    }

    fn left(&self, from: IpAddr) -> usize {
        let asked_for = self.table.asked_for.get(&from).copied().unwrap_or_default();
        let share = self.limit.per_address_max.saturating_sub(asked_for);
        share.min(self.limit.numbers_max.saturating_sub(self.table.numbers.len()))
    }

    fn keeper_of(&self, coin: CoinId) -> Option<Session> {
        let hold = self.table.numbers.get(&coin)?.hold;
        (self.now < hold.ends).then_some(hold.session)
    }

    fn keeper<K: Eq + Hash>(&self, holds: &HashMap<K, Hold>, key: K) -> Option<Session> {
        holds.get(&key).filter(|hold| self.now < hold.ends).map(|hold| hold.session)
    }
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
    use std::net::Ipv4Addr;

    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    const LIMIT: ReservationLimit = ReservationLimit { numbers_max: 100, per_address_max: 40 };

    const A: Session = Session(7);
    const B: Session = Session(8);

    fn at(seconds: u64) -> Instant {
        Instant::from_micros(seconds * 1_000_000)
    }

    fn coin(serial_number: u32) -> CoinId {
        CoinId::new(0, serial_number).unwrap()
    }

    #[test]
    fn a_number_is_kept_for_sixteen_seconds_from_the_last_call() {
        let reservations = Reservations::new(LIMIT);
        reservations.lock(at(1)).keep(A, coin(5), HERE);
        reservations.lock(at(10)).keep(A, coin(5), HERE);
        let held = reservations.lock(at(25));
        assert!(held.keeps(A, coin(5)) && held.offers(A, coin(5)) && !held.offers(B, coin(5)));
        assert!(!held.keeps(B, coin(5)) && !held.keeps(A, coin(6)) && held.offers(B, coin(6)));
        drop(held);
        let held = reservations.lock(at(26));
        assert!(!held.keeps(A, coin(5)) && held.offers(B, coin(5)));
    }

    #[test]
    fn a_kept_page_covers_its_numbers_but_does_not_give_them_away() {
        let reservations = Reservations::new(LIMIT);
        let mut held = reservations.lock(at(1));
        held.keep_page(A, PageId::of(coin(1024)));
        assert!(held.keeps_page(A, PageId::of(coin(2047))) && !held.keeps_page(B, PageId::of(coin(1024))));
        assert!(!held.offers(B, coin(1500)) && held.offers(A, coin(1500)) && held.offers(B, coin(1023)));
        assert!(!held.keeps(A, coin(1500)));
    }

    #[test]
    fn session_0_never_owns_anything() {
        let reservations = Reservations::new(LIMIT);
        let mut held = reservations.lock(at(1));
        held.keep(Session(0), coin(5), HERE);
        held.keep_page(Session(0), PageId::of(coin(5)));
        assert!(!held.keeps(Session(0), coin(5)) && !held.keeps_page(Session(0), PageId::of(coin(5))));
        assert!(held.offers(A, coin(5)));
    }

    #[test]
    fn a_full_table_takes_no_more_until_reservations_end() {
        let reservations = Reservations::new(ReservationLimit { per_address_max: 100, ..LIMIT });
        let mut held = reservations.lock(at(1));
        (0..100).for_each(|number| held.keep(A, coin(number), HERE));
        assert_eq!(held.room(A, Ipv4Addr::LOCALHOST.into()), 0);
        assert_eq!(held.room(Session(0), HERE), usize::MAX, "nothing is kept for nobody");
        drop(held);
        assert_eq!(reservations.lock(at(16)).room(A, HERE), 0);
        assert_eq!(reservations.lock(at(17)).room(A, HERE), 100);
    }

    #[test]
    fn one_address_takes_its_share_and_leaves_the_rest_to_others() {
        let reservations = Reservations::new(LIMIT);
        let mut held = reservations.lock(at(1));
        let other = Ipv4Addr::new(192, 0, 2, 2).into();
        for number in 0..40 {
            held.keep(Session(number + 1), coin(number), HERE);
        }
        assert_eq!((held.room(A, HERE), held.room(A, other)), (0, 40));
        assert_eq!(held.count(), (40, 0));
        held.keep(B, coin(0), other);
        assert_eq!((held.room(A, HERE), held.room(A, other)), (1, 39), "a number that changes hands counts once");
        drop(held);
        assert_eq!(reservations.lock(at(17)).room(A, HERE), 40);
    }

    #[test]
    fn a_whole_network_of_ipv6_is_one_address() {
        let reservations = Reservations::new(LIMIT);
        let mut held = reservations.lock(at(1));
        let address = |network: u16, host: u16| IpAddr::V6(Ipv6Addr::new(0x2001, 0xDB8, 0, network, 0, 0, 0, host));
        for number in 0..40 {
            held.keep(A, coin(number.into()), address(1, number));
        }
        assert_eq!((held.room(A, address(1, 99)), held.room(A, address(2, 99))), (0, 40));
    }
}
