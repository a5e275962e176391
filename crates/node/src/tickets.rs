//! Tickets: what proves to other nodes that coins were authentic here.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use raida_reactor::Instant;
use raida_wire::{CoinId, Status};

use crate::reservations::neighbourhood;

/// How many tickets live at once.
const SLOTS: usize = 512;
/// How long a ticket lives.
const LIFE: Duration = Duration::from_secs(300);

/// The live tickets, in memory only. Testing and setting a claim happen under one lock.
///
/// Source: protocol §7.6
#[derive(Debug, Default)]
pub(crate) struct Tickets(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    live: HashMap<u32, Ticket>,
    issued: u64,
    redeemed: u64,
}

/// What has become of the tickets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) live: u64,
    pub(crate) issued: u64,
    pub(crate) redeemed: u64,
}

#[derive(Debug)]
struct Ticket {
    coins: Box<[CoinId]>,
    /// Who asked for it.
    from: IpAddr,
    dies: Instant,
    /// One bit per node that has redeemed it.
    claimed: u32,
}

impl Table {
    /// Takes its oldest ticket from whoever has most, if that leaves him no fewer than `from` will have: the owner of one coin
    /// can not keep everybody else from healing theirs.
    fn make_room(&mut self, from: IpAddr) -> bool {
        let mut held = HashMap::<IpAddr, usize>::new();
        for ticket in self.live.values() {
            *held.entry(ticket.from).or_default() += 1;
        }
        let own = held.get(&from).copied().unwrap_or_default();
        let most = held.into_iter().max_by_key(|(_, count)| *count).filter(|(_, count)| *count > own + 1);
        let of_most = self.live.iter().filter(|(_, ticket)| most.is_some_and(|(holder, _)| holder == ticket.from));
        let oldest = of_most.min_by_key(|(_, ticket)| ticket.dies).map(|(number, _)| *number);
        oldest.is_some_and(|number| self.live.remove(&number).is_some())
    }
}

impl Tickets {
    /// Issues a ticket for these coins to who asks from this address, and gives its number. It keeps a coin that is named more
    /// than once where it is named first.
    ///
    /// # Errors
    ///
    /// 42 where all slots are taken and nobody has to give one up, 252 where the system gives no random number.
    pub(crate) fn issue(&self, mut coins: Vec<CoinId>, from: IpAddr, now: Instant) -> Result<u32, Status> {
        let mut named = HashSet::new();
        coins.retain(|coin| named.insert(*coin));
        let coins = coins.into_boxed_slice();
        let (mut table, from) = (self.lock(now), neighbourhood(from));
        if table.live.len() >= SLOTS && !table.make_room(from) {
            return Err(Status::NO_TICKET_SLOT);
        }
        loop {
            let number = getrandom::u32().map_err(|_| Status::INTERNAL)?;
            if number != 0 && !table.live.contains_key(&number) {
                table.issued += 1;
                table.live.insert(number, Ticket { coins, from, dies: now + LIFE, claimed: 0 });
                return Ok(number);
            }
        }
    }

    /// Lets a node redeem a ticket, once, and hands its coins to `take`. Where `take` refuses, it stays unredeemed.
    ///
    /// # Errors
    ///
    /// 43 where there is no such ticket, 44 where this node has redeemed it before, and those of `take`.
    pub(crate) fn claim(
        &self,
        number: u32,
        raida_id: u8,
        now: Instant,
        take: impl FnOnce(&[CoinId]) -> Result<(), Status>,
    ) -> Result<(), Status> {
        let mut table = self.lock(now);
        let ticket = table.live.get_mut(&number).ok_or(Status::NO_TICKET_FOUND)?;
        let claim = 1_u32.checked_shl(raida_id.into()).ok_or(Status::WRONG_RAIDA)?;
        if ticket.claimed & claim != 0 {
            return Err(Status::TICKET_CLAIMED_ALREADY);
        }
        take(&ticket.coins)?;
        ticket.claimed |= claim;
        table.redeemed += 1;
        Ok(())
    }

    /// What has become of them.
    pub(crate) fn tally(&self, now: Instant) -> Tally {
        let table = self.lock(now);
        Tally { live: table.live.len() as u64, issued: table.issued, redeemed: table.redeemed }
    }

    fn lock(&self, now: Instant) -> MutexGuard<'_, Table> {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.live.retain(|_, ticket| now < ticket.dies);
        table
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

    fn at(seconds: u64) -> Instant {
        Instant::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn all_slots_are_taken_until_tickets_die() {
        let tickets = Tickets::default();
        let first = tickets.issue(vec![], HERE, at(0)).unwrap();
        for _ in 1..SLOTS {
            tickets.issue(vec![], HERE, at(1)).unwrap();
        }
        assert_eq!(tickets.issue(vec![], HERE, at(299)), Err(Status::NO_TICKET_SLOT));
        assert_eq!(tickets.claim(first, 3, at(299), |_| Ok(())), Ok(()));
        assert_eq!(tickets.claim(first, 4, at(300), |_| Ok(())), Err(Status::NO_TICKET_FOUND));
        assert!(tickets.issue(vec![], HERE, at(300)).is_ok());
        assert_eq!(tickets.issue(vec![], HERE, at(300)), Err(Status::NO_TICKET_SLOT));
    }

    #[test]
    fn who_has_most_gives_up_the_oldest_until_all_have_as_many() {
        let (tickets, there) = (Tickets::default(), IpAddr::from([198, 51, 100, 1]));
        let first = tickets.issue(vec![], HERE, at(0)).unwrap();
        for _ in 1..SLOTS {
            tickets.issue(vec![], HERE, at(1)).unwrap();
        }
        let other = tickets.issue(vec![], there, at(2)).unwrap();
        assert_eq!(tickets.claim(first, 3, at(2), |_| Ok(())), Err(Status::NO_TICKET_FOUND));
        assert_eq!(tickets.issue(vec![], HERE, at(2)), Err(Status::NO_TICKET_SLOT));
        assert_eq!(tickets.claim(other, 3, at(2), |_| Ok(())), Ok(()));
        let more = (0..SLOTS).take_while(|_| tickets.issue(vec![], there, at(3)).is_ok()).count();
        assert_eq!((more, tickets.tally(at(3)).live), (SLOTS / 2 - 1, SLOTS as u64));
    }

    #[test]
    fn each_node_redeems_once_and_not_at_all_where_the_answer_does_not_leave() {
        let (tickets, coin) = (Tickets::default(), CoinId::new(1, 2).unwrap());
        let number = tickets.issue(vec![coin], HERE, at(0)).unwrap();
        for raida_id in 0..25 {
            assert_eq!(tickets.claim(number, raida_id, at(1), |_| Err(Status(15))), Err(Status(15)));
            let taken = tickets.claim(number, raida_id, at(1), |coins| {
                assert_eq!(coins, [coin]);
                Ok(())
            });
            assert_eq!(taken, Ok(()));
            assert_eq!(tickets.claim(number, raida_id, at(1), |_| Ok(())), Err(Status::TICKET_CLAIMED_ALREADY));
        }
        assert_eq!(tickets.claim(0, 1, at(1), |_| Ok(())), Err(Status::NO_TICKET_FOUND));
        assert_eq!(tickets.tally(at(299)), Tally { live: 1, issued: 1, redeemed: 25 });
        assert_eq!(tickets.tally(at(300)), Tally { live: 0, issued: 1, redeemed: 25 });
    }
}
