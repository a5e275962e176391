//! Serial numbers and pages that are kept for a session.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use raida_reactor::Instant;
use raida_store::PageId;
use raida_wire::CoinId;

/// How long a reservation lives after the last call that made it.
const LIFE: Duration = Duration::from_secs(16);
/// How many serial numbers are kept at once. Where more are asked for, none is offered.
const NUMBERS_MAX: usize = 65_536;

/// A session number, chosen by the client. Session 0 never owns anything.
///
/// Source: protocol §5.7
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Session(pub(crate) u32);

impl Session {
    const NOBODY: Self = Self(0);
}

/// What is kept for whom, in memory only.
#[derive(Debug, Default)]
pub(crate) struct Reservations(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    /// By 9/91.
    numbers: HashMap<CoinId, Hold>,
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
    /// Locks the table, as it is now.
    pub(crate) fn lock(&self, now: Instant) -> Held<'_> {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if now >= table.swept + LIFE || table.numbers.len() >= NUMBERS_MAX {
            table.numbers.retain(|_, hold| now < hold.ends);
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

impl Held<'_> {
    /// Whether a session may be offered a serial number: nobody else keeps it or its page.
    pub(crate) fn offers(&self, session: Session, coin: CoinId) -> bool {
        let keeper = self.keeper(&self.table.numbers, coin);
        keeper.is_none_or(|keeper| keeper == session) && self.offers_page(session, PageId::of(coin))
    }

    /// Whether a session keeps a serial number.
    pub(crate) fn keeps(&self, session: Session, coin: CoinId) -> bool {
        self.keeper(&self.table.numbers, coin) == Some(session)
    }

    /// Whether there is room to keep so many serial numbers more.
    pub(crate) fn has_room(&self, numbers: usize) -> bool {
        self.table.numbers.len() + numbers <= NUMBERS_MAX
    }

    /// Keeps a serial number for a session.
    pub(crate) fn keep(&mut self, session: Session, coin: CoinId) {
        let hold = Hold { session, ends: self.now + LIFE };
        if session != Session::NOBODY {
            self.table.numbers.insert(coin, hold);
        }
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

    fn keeper<K: Eq + Hash>(&self, holds: &HashMap<K, Hold>, key: K) -> Option<Session> {
        holds.get(&key).filter(|hold| self.now < hold.ends).map(|hold| hold.session)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let reservations = Reservations::default();
        reservations.lock(at(1)).keep(A, coin(5));
        reservations.lock(at(10)).keep(A, coin(5));
        let held = reservations.lock(at(25));
        assert!(held.keeps(A, coin(5)) && held.offers(A, coin(5)) && !held.offers(B, coin(5)));
        assert!(!held.keeps(B, coin(5)) && !held.keeps(A, coin(6)) && held.offers(B, coin(6)));
        drop(held);
        let held = reservations.lock(at(26));
        assert!(!held.keeps(A, coin(5)) && held.offers(B, coin(5)));
    }

    #[test]
    fn a_kept_page_covers_its_numbers_but_does_not_give_them_away() {
        let reservations = Reservations::default();
        let mut held = reservations.lock(at(1));
        held.keep_page(A, PageId::of(coin(1024)));
        assert!(held.keeps_page(A, PageId::of(coin(2047))) && !held.keeps_page(B, PageId::of(coin(1024))));
        assert!(!held.offers(B, coin(1500)) && held.offers(A, coin(1500)) && held.offers(B, coin(1023)));
        assert!(!held.keeps(A, coin(1500)));
    }

    #[test]
    fn session_0_never_owns_anything() {
        let reservations = Reservations::default();
        let mut held = reservations.lock(at(1));
        held.keep(Session(0), coin(5));
        held.keep_page(Session(0), PageId::of(coin(5)));
        assert!(!held.keeps(Session(0), coin(5)) && !held.keeps_page(Session(0), PageId::of(coin(5))));
        assert!(held.offers(A, coin(5)));
    }

    #[test]
    fn a_full_table_takes_no_more_until_reservations_end() {
        let reservations = Reservations::default();
        let mut held = reservations.lock(at(1));
        (0..65_536).for_each(|number| held.keep(A, coin(number)));
        assert!(held.has_room(0) && !held.has_room(1));
        drop(held);
        assert!(!reservations.lock(at(16)).has_room(1));
        assert!(reservations.lock(at(17)).has_room(65_536));
    }
}
