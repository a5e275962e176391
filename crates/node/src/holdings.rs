//! Serial numbers that are kept for change, with who has asked for them.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;

use raida_reactor::Instant;
use raida_reactor::service::Transport;
use raida_store::PageId;
use raida_wire::{CoinId, Denomination};

use crate::page_bits::PageBits;
use crate::reservations::{Session, neighbourhood};
use crate::settings::ReservationLimit;

/// Whoever asks from one address. A datagram may name an address that is not its sender's: who asks in datagrams is somebody
/// else than who asks over a connection from there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Holder {
    from: IpAddr,
    is_connected: bool,
}

impl Holder {
    pub(crate) fn of(from: IpAddr, transport: Transport) -> Self {
        Self { from: neighbourhood(from), is_connected: transport == Transport::Tcp }
    }
}

/// What one call has been offered, less what has been renewed since or has gone.
#[derive(Debug)]
pub(crate) struct Holding {
    pub(crate) session: Session,
    pub(crate) holder: Holder,
    pub(crate) ends: Instant,
    /// Ascending, never none.
    pub(crate) coins: Vec<CoinId>,
}

/// All that is kept, each number once.
///
/// Where there is no room for more, whoever holds most gives his oldest up. Of all room, half is for those with a connection
/// as soon as they ask for it, and half for those who send datagrams: forged addresses, of which there are as many as somebody
/// likes, are in each other's way alone.
#[derive(Debug)]
pub(crate) struct Holdings {
    limit: ReservationLimit,
    /// What was asked for first ends first.
    oldest_first: VecDeque<Holding>,
    index: Index,
}

/// The same numbers, by holder and by page.
#[derive(Debug)]
struct Index {
    /// How many each holder has; never 0.
    held: HashMap<Holder, usize>,
    count: usize,
    /// All of them, by the index of their page.
    kept: Box<[PageBits]>,
}

impl Holdings {
    pub(crate) fn new(limit: ReservationLimit) -> Self {
        let kept = vec![PageBits::default(); PageId::COUNT].into();
        Self { limit, oldest_first: VecDeque::new(), index: Index { held: HashMap::new(), count: 0, kept } }
    }

    /// How many numbers are kept.
    pub(crate) const fn count(&self) -> usize {
        self.index.count
    }

    /// Those of a page, whoever keeps them.
    pub(crate) fn on(&self, page: PageId) -> PageBits {
        self.index.kept.get(page.index()).copied().unwrap_or_default()
    }

    /// Those of a denomination that a session keeps.
    pub(crate) fn of(&self, session: Session, denomination: Denomination) -> impl Iterator<Item = CoinId> {
        let own = self.oldest_first.iter().filter(move |holding| holding.session == session);
        own.flat_map(|holding| &holding.coins).copied().filter(move |coin| coin.denomination == denomination)
    }

    /// Whether a session keeps a number.
    pub(crate) fn keeps(&self, session: Session, coin: CoinId) -> bool {
        self.on(PageId::of(coin)).has(coin) && self.of(session, coin.denomination).any(|kept| kept == coin)
    }

    /// How many of so many numbers more a holder may have without anybody giving up any.
    pub(crate) fn left(&self, holder: Holder, wanted: usize) -> usize {
        wanted.min(self.share_left(holder)).min(self.vacant())
    }

    /// How many he may have where others give up theirs for him. What this session keeps stays.
    pub(crate) fn make_room(&mut self, session: Session, holder: Holder, wanted: usize) -> usize {
        let mut room = wanted.min(self.share_left(holder));
        while self.vacant() < room {
            let vacant = self.vacant();
            let Some((place, spare)) = self.giver(session, holder) else { return vacant };
            room = room.min(spare.max(vacant));
            if vacant < room {
                self.give_up(place);
            }
        }
        room
    }

    /// Keeps numbers that nobody keeps.
    pub(crate) fn push(&mut self, holding: Holding) {
        if !holding.coins.is_empty() {
            self.index.add(&holding);
            self.oldest_first.push_back(holding);
        }
    }

    /// Gives up what has ended.
    pub(crate) fn expire(&mut self, now: Instant) {
        while self.oldest_first.front().is_some_and(|oldest| oldest.ends <= now) {
            self.give_up(0);
        }
    }

    /// Gives up some numbers of some holdings.
    pub(crate) fn release(&mut self, of: impl Fn(&Holding) -> bool, goes: impl Fn(CoinId) -> bool) {
        for holding in self.oldest_first.iter_mut().filter(|holding| of(holding)) {
            let gone: Vec<_> = holding.coins.extract_if(.., |coin| goes(*coin)).collect();
            holding.coins.shrink_to_fit();
            self.index.remove(holding.holder, &gone);
        }
        self.oldest_first.retain(|holding| !holding.coins.is_empty());
    }

    fn give_up(&mut self, place: usize) {
        if let Some(Holding { holder, coins, .. }) = self.oldest_first.remove(place) {
            self.index.remove(holder, &coins);
        }
    }

    fn share_left(&self, holder: Holder) -> usize {
        self.limit.per_address_max.saturating_sub(self.index.of(holder))
    }

    fn vacant(&self) -> usize {
        self.limit.numbers_max.saturating_sub(self.count())
    }

    /// What is given up next for a holder's sake, and how many numbers more that may get him: no more altogether than
    /// whoever has to give has now. Where his kind has less than half of all, it is the other kind that has too much.
    fn giver(&self, session: Session, holder: Holder) -> Option<(usize, usize)> {
        let of_his_kind: usize = self.index.of_kind(holder.is_connected).sum();
        let is_below_half = of_his_kind < self.limit.numbers_max / 2;
        let kind = holder.is_connected != is_below_half;
        let most = self.index.of_kind(kind).max()?;
        let spare = if is_below_half { usize::MAX } else { most - self.index.of(holder) };
        let is_given = |Holding { session: keeper, holder, .. }: &Holding| {
            *keeper != session && holder.is_connected == kind && self.index.of(*holder) == most
        };
        Some((self.oldest_first.iter().position(is_given)?, spare))
    }
}

impl Index {
    fn of(&self, holder: Holder) -> usize {
        self.held.get(&holder).copied().unwrap_or_default()
    }

    /// How many numbers each has of those with a connection, or of those without.
    fn of_kind(&self, is_connected: bool) -> impl Iterator<Item = usize> {
        self.held.iter().filter(move |(holder, _)| holder.is_connected == is_connected).map(|(_, count)| *count)
    }

    fn add(&mut self, Holding { holder, coins, .. }: &Holding) {
        *self.held.entry(*holder).or_default() += coins.len();
        self.count += coins.len();
        for coin in coins {
            self.kept.get_mut(PageId::of(*coin).index()).into_iter().for_each(|bits| bits.set(*coin));
        }
    }

    fn remove(&mut self, holder: Holder, coins: &[CoinId]) {
        let left = self.of(holder).saturating_sub(coins.len());
        if left == 0 {
            self.held.remove(&holder);
        } else {
            self.held.insert(holder, left);
        }
        self.count -= coins.len();
        for coin in coins {
            self.kept.get_mut(PageId::of(*coin).index()).into_iter().for_each(|bits| bits.clear(*coin));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    const LIMIT: ReservationLimit = ReservationLimit { numbers_max: 40, per_address_max: 15 };

    /// Whatever has happened: each number is kept once, and the index knows the same as the list.
    fn check(holdings: &Holdings) {
        let mut coins: Vec<_> = holdings.oldest_first.iter().flat_map(|holding| holding.coins.clone()).collect();
        assert!(coins.len() <= LIMIT.numbers_max && coins.len() == holdings.count());
        coins.sort_unstable();
        assert_eq!(
            holdings
                .on(PageId::of(CoinId::new(0, 0).unwrap()))
                .coins(PageId::of(CoinId::new(0, 0).unwrap()))
                .collect::<Vec<_>>(),
            coins
        );
        let mut held = HashMap::new();
        for holding in &holdings.oldest_first {
            assert!(!holding.coins.is_empty());
            *held.entry(holding.holder).or_default() += holding.coins.len();
        }
        assert_eq!(held, holdings.index.held);
        assert!(held.values().all(|count| *count <= LIMIT.per_address_max));
        assert!(holdings.oldest_first.iter().map(|holding| holding.ends).is_sorted());
    }

    proptest! {
        #[test]
        fn its_books_stay_right(acts in prop::collection::vec((0..8_u8, any::<bool>(), 0..100_u32, 0..3_u64), 0..200)) {
            let (mut holdings, mut now) = (Holdings::new(LIMIT), Instant::from_micros(0));
            for (host, is_connected, number, later) in acts {
                now = now + Duration::from_secs(later);
                holdings.expire(now);
                let holder = Holder { from: [192, 0, 2, host].into(), is_connected };
                let session = Session(number);
                if number < 20 {
                    holdings.release(|holding| holding.holder == holder, |coin| coin.serial_number.get() % 3 == 0);
                } else {
                    let open = (0..100).filter_map(|number| CoinId::new(0, number));
                    let mut coins: Vec<_> = open.filter(|coin| !holdings.on(PageId::of(*coin)).has(*coin)).collect();
                    let room = holdings.make_room(session, holder, (number % 12) as usize);
                    coins.truncate(room);
                    prop_assert!(coins.len() == room);
                    let (first, ends) = (coins.first().copied(), now + Duration::from_secs(16));
                    holdings.push(Holding { session, holder, ends, coins });
                    prop_assert!(first.is_none_or(|first| holdings.keeps(session, first)));
                }
                check(&holdings);
            }
        }
    }
}
