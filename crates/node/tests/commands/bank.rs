//! What protocol §5 says, done the plain way on plain maps: the second opinion on every command.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use raida_node::testing::ADMIN_KEY;
use raida_wire::{CoinId, Command, Status};

use crate::payload::{Number, id, u32_at, xor};

/// A node's coins, tickets and reservations.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bank {
    pub(crate) coins: BTreeMap<CoinId, Number>,
    pub(crate) tickets: BTreeMap<u32, Ticket>,
    /// Session and second of the last call.
    pub(crate) numbers: HashMap<CoinId, (u32, u64)>,
    pub(crate) pages: HashMap<(i8, u32), (u32, u64)>,
    pub(crate) second: u64,
    pub(crate) coins_powned: u64,
    pub(crate) value_powned: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct Ticket {
    coins: Vec<CoinId>,
    claimed: BTreeSet<u8>,
    since: u64,
}

/// What the node has to answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    Is(Status, Vec<u8>),
    /// These octets, then a number that the node chooses.
    Ticket(Status, Vec<u8>, Vec<CoinId>),
    /// One number per coin, chosen by the node.
    Created(Vec<CoinId>),
}

use Expected::Is;

const SIZE: Status = Status::INVALID_PACKET_LENGTH;
const ODD: Status = Status::INVALID_SN_OR_DENOMINATION;

/// A refusal is an answer too.
type Answer = Result<Expected, Status>;

impl Bank {
    /// Does what a request asks for.
    pub(crate) fn serve(&mut self, command: Command, payload: &[u8]) -> Expected {
        let answer = match (command.group, command.code) {
            (1, 10) => self.detect(payload),
            (1, 11) => self.detect_sum(payload),
            (1, 20) => self.pown(payload),
            (1, 21) => self.shift(payload),
            (2, 40) => self.get_ticket(payload),
            (2, 50) => self.validate(payload),
            (2, 60) => self.find(payload),
            (3, 120) => self.available(payload),
            (3, 130) => self.create(payload),
            (3, 140) => self.delete(payload),
            (3, 150) => self.free(payload),
            (8, 82) => self.store(payload),
            (8, 83) => self.peek(payload),
            (8, 84) => self.remove(payload),
            (9, 91) => self.change(payload),
            (9, 92) => self.split(payload),
            (9, 93) => self.join(payload),
            other => panic!("{other:?} is not in the model"),
        };
        answer.unwrap_or_else(|status| Is(status, vec![]))
    }

    /// Learns what the node chose.
    pub(crate) fn learn(&mut self, expected: Expected, payload: &[u8]) {
        match expected {
            Is(..) => {}
            Expected::Ticket(_, bits, coins) => {
                let ticket = Ticket { coins, claimed: BTreeSet::new(), since: self.second };
                self.tickets.insert(u32_at(payload, bits.len()), ticket);
            }
            Expected::Created(coins) => {
                for (coin, number) in coins.into_iter().zip(payload.chunks(16)) {
                    self.coins.insert(coin, number.try_into().unwrap());
                }
            }
        }
    }

    fn is_authentic(&self, coin: Option<CoinId>, number: &[u8]) -> bool {
        coin.and_then(|coin| self.coins.get(&coin)).is_some_and(|known| known == number)
    }

    fn take_over(&mut self, coin: CoinId, number: Number) {
        self.coins.insert(coin, number);
        self.coins_powned += 1;
        self.value_powned += coin.denomination.value();
    }

    fn detect(&self, payload: &[u8]) -> Answer {
        let results = records(payload, 21)?.into_iter().map(|claim| self.is_authentic(name(claim), &claim[5..]));
        Ok(verdict(results.collect()))
    }

    fn detect_sum(&self, payload: &[u8]) -> Answer {
        let (coins, sum) = summed(payload)?;
        Ok(all_or_none(self.adds_up(&coins, sum)))
    }

    fn adds_up(&self, coins: &[CoinId], sum: &[u8]) -> bool {
        let numbers: Option<Vec<_>> = coins.iter().map(|coin| self.coins.get(coin).copied()).collect();
        numbers.is_some_and(|numbers| xor(&numbers) == sum)
    }

    fn pown(&mut self, payload: &[u8]) -> Answer {
        let mut results = Vec::new();
        for record in records(payload, 37)? {
            let passes = self.is_authentic(name(record), &record[5..21]);
            if passes {
                self.take_over(name(record).unwrap(), record[21..].try_into().unwrap());
            }
            results.push(passes);
        }
        Ok(verdict(results))
    }

    fn shift(&mut self, payload: &[u8]) -> Answer {
        let (front, delta) = payload.split_at_checked(payload.len().saturating_sub(16)).unwrap();
        let (coins, sum) = summed(front)?;
        if !self.adds_up(&coins, sum) {
            return Ok(all_or_none(false));
        }
        for coin in coins {
            let number = xor(&[self.coins[&coin], delta.try_into().unwrap()]);
            self.take_over(coin, number);
        }
        Ok(all_or_none(true))
    }

    fn get_ticket(&self, payload: &[u8]) -> Answer {
        let claims = records(payload, 21)?;
        let named: Vec<_> = claims.iter().map(|claim| name(claim)).collect::<Option<_>>().ok_or(ODD)?;
        let results: Vec<_> = claims.iter().map(|claim| self.is_authentic(name(claim), &claim[5..])).collect();
        let mut coins = Vec::new();
        for (coin, _) in named.into_iter().zip(&results).filter(|(_, passes)| **passes) {
            if !coins.contains(&coin) {
                coins.push(coin);
            }
        }
        let Is(status, bits) = verdict(results) else { unreachable!() };
        let live = self.tickets.values().filter(|ticket| self.second < ticket.since + 300).count();
        match coins.len() {
            0 => Ok(Is(status, bits)),
            _ if live == 512 => Err(Status::NO_TICKET_SLOT),
            _ => Ok(Expected::Ticket(status, bits, coins)),
        }
    }

    fn validate(&mut self, payload: &[u8]) -> Answer {
        if payload.len() != 5 {
            return Err(SIZE);
        }
        if payload[0] > 24 {
            return Err(Status::WRONG_RAIDA);
        }
        let second = self.second;
        let ticket = self.tickets.get_mut(&u32_at(payload, 1)).filter(|ticket| second < ticket.since + 300);
        let ticket = ticket.ok_or(Status::NO_TICKET_FOUND)?;
        if !ticket.claimed.insert(payload[0]) {
            return Err(Status::TICKET_CLAIMED_ALREADY);
        }
        Ok(Is(Status::SUCCESS, ticket.coins.iter().flat_map(|coin| id(*coin)).collect()))
    }

    fn find(&self, payload: &[u8]) -> Answer {
        let records = records(payload, 37)?;
        if records.iter().any(|record| name(record).is_none()) {
            return Err(ODD);
        }
        let found = records.iter().map(|record| match name(record).and_then(|coin| self.coins.get(&coin)) {
            Some(number) if record[5..21] == *number => 1,
            Some(number) if record[21..] == *number => 2,
            Some(_) | None => 0,
        });
        let found: Vec<u8> = found.collect();
        for (of_all, status) in [(0, 208), (1, 209), (2, 210)] {
            if found.iter().all(|of_one| *of_one == of_all) {
                return Ok(Is(Status(status), vec![]));
            }
        }
        Ok(Is(Status(211), found))
    }

    fn page_keeper(&self, coin: CoinId) -> Option<u32> {
        let page = (coin.denomination.exponent(), coin.serial_number.get() / 1024);
        self.pages.get(&page).filter(|(_, since)| self.second < since + 16).map(|(session, _)| *session)
    }

    pub(crate) fn keeper(&self, coin: CoinId) -> Option<u32> {
        self.numbers.get(&coin).filter(|(_, since)| self.second < since + 16).map(|(session, _)| *session)
    }

    fn free_numbers(&self, denomination: i8) -> impl Iterator<Item = CoinId> {
        (0..1_024_000).filter_map(move |n| CoinId::new(denomination, n)).filter(|coin| !self.coins.contains_key(coin))
    }

    fn available(&mut self, payload: &[u8]) -> Answer {
        if payload.len() != 36 {
            return Err(SIZE);
        }
        check_key(&payload[4..20])?;
        let (session, mut answer) = (u32_at(payload, 0), Vec::new());
        for denomination in (-8..=6_i8).filter(|d| payload[20 + usize::try_from(d + 8).unwrap()] != 0) {
            let is_open = |coin: &CoinId| self.page_keeper(*coin).is_none_or(|keeper| keeper == session);
            let free: Vec<_> = self.free_numbers(denomination).filter(is_open).take(1029).collect();
            let (ranges, singles) = runs(free.iter().map(|coin| coin.serial_number.get()));
            if ranges.is_empty() && singles.is_empty() {
                continue;
            }
            answer.extend([denomination.cast_unsigned(), u8::try_from(ranges.len()).unwrap()]);
            answer.push(u8::try_from(singles.len()).unwrap());
            answer.extend(ranges.iter().flat_map(|(first, last)| [*first, *last]).flat_map(u32::to_be_bytes));
            answer.extend(singles.iter().copied().flat_map(u32::to_be_bytes));
            let told = ranges.into_iter().flat_map(|(first, last)| first..=last).chain(singles);
            for page in told.map(|number| number / 1024).collect::<BTreeSet<_>>() {
                if session != 0 {
                    self.pages.insert((denomination, page), (session, self.second));
                }
            }
        }
        Ok(Is(Status::SUCCESS, answer))
    }

    fn create(&self, payload: &[u8]) -> Answer {
        let (coins, session) = (admin_list(payload, 4, 5)?, u32_at(payload, 0));
        let coins: Vec<_> = coins.into_iter().map(name).collect::<Option<_>>().ok_or(ODD)?;
        if session != 0xEEEE_EEEE && coins.iter().any(|coin| self.page_keeper(*coin) != Some(session)) {
            return Err(Status::PAGE_IS_NOT_RESERVED);
        }
        let distinct: BTreeSet<_> = coins.iter().collect();
        if distinct.len() < coins.len() || coins.iter().any(|coin| self.coins.contains_key(coin)) {
            return Err(ODD);
        }
        Ok(Expected::Created(coins))
    }

    fn delete(&mut self, payload: &[u8]) -> Answer {
        let mut results = Vec::new();
        for claim in admin_list(payload, 0, 21)? {
            let passes = self.is_authentic(name(claim), &claim[5..]);
            if passes {
                self.coins.remove(&name(claim).unwrap());
            }
            results.push(passes);
        }
        Ok(verdict(results))
    }

    fn free(&mut self, payload: &[u8]) -> Answer {
        for coin in admin_list(payload, 4, 5)?.into_iter().filter_map(name) {
            self.coins.remove(&coin);
        }
        Ok(Is(Status::SUCCESS, vec![]))
    }

    fn store(&mut self, payload: &[u8]) -> Answer {
        let (front, key) = payload.split_at_checked(payload.len().saturating_sub(16)).unwrap();
        let (coins, sum) = summed(front)?;
        if !self.adds_up(&coins, sum) {
            return Ok(all_or_none(false));
        }
        if !key.ends_with(&[0xFF; 4]) {
            return Err(Status::INVALID_PAN);
        }
        coins.into_iter().for_each(|coin| self.take_over(coin, key.try_into().unwrap()));
        Ok(all_or_none(true))
    }

    fn locker(&self, key: &[u8]) -> Vec<CoinId> {
        let inside = self.coins.iter().filter(|(_, number)| *number == key && key.ends_with(&[0xFF; 4]));
        inside.map(|(coin, _)| *coin).collect()
    }

    fn peek(&self, payload: &[u8]) -> Answer {
        if payload.len() != 16 {
            return Err(SIZE);
        }
        let coins = self.locker(payload);
        let status = if coins.is_empty() { Status::ALL_FAIL } else { Status::ALL_PASS };
        Ok(Is(status, coins.into_iter().flat_map(id).collect()))
    }

    fn remove(&mut self, payload: &[u8]) -> Answer {
        let (key, claims) = payload.split_at_checked(16).ok_or(SIZE)?;
        let claims = records(claims, 21)?;
        if self.locker(key).is_empty() {
            return Ok(all_or_none(false));
        }
        let mut results = Vec::new();
        for claim in claims {
            let passes = self.is_authentic(name(claim), key);
            if passes {
                self.coins.insert(name(claim).unwrap(), claim[5..].try_into().unwrap());
            }
            results.push(passes);
        }
        let mut bits = bitfield(&results);
        bits.resize(results.len() / 8 + 1, 0);
        let Is(status, _) = verdict(results) else { unreachable!() };
        Ok(Is(status, bits))
    }

    fn change(&mut self, payload: &[u8]) -> Answer {
        if payload.len() != 6 {
            return Err(SIZE);
        }
        let (session, denomination) = (u32_at(payload, 0), payload[5].cast_signed());
        let neighbour = match payload[4] {
            1 => denomination.checked_sub(1),
            2 => denomination.checked_add(1),
            _ => return Err(Status::INVALID_PARAMETER),
        };
        let in_range = |denomination: &i8| (-8..=6).contains(denomination);
        let neighbour = neighbour.filter(in_range).filter(|_| in_range(&denomination)).ok_or(ODD)?;
        let is_open = |coin: &CoinId| {
            let keepers = [self.keeper(*coin), self.page_keeper(*coin)];
            keepers.iter().flatten().all(|keeper| *keeper == session)
        };
        let offered: Vec<_> = self.free_numbers(neighbour).filter(is_open).take(64).collect();
        if session != 0 {
            self.numbers.extend(offered.iter().map(|coin| (*coin, (session, self.second))));
        }
        let numbers = offered.iter().flat_map(|coin| coin.serial_number.get().to_be_bytes());
        Ok(Is(Status::SUCCESS, [neighbour.cast_unsigned()].into_iter().chain(numbers).collect()))
    }

    fn is_target(&self, session: u32, coin: CoinId) -> bool {
        session != 0 && self.keeper(coin) == Some(session) && !self.coins.contains_key(&coin)
    }

    fn split(&mut self, payload: &[u8]) -> Answer {
        let (session, whole, parts) = whole_and_parts(payload)?;
        let denomination = whole[0].cast_signed();
        if !(-7..=6).contains(&denomination) {
            return Err(ODD);
        }
        let coin = name(whole).ok_or(ODD)?;
        if !self.is_authentic(Some(coin), &whole[5..]) {
            return Ok(all_or_none(false));
        }
        let targets = distinct_parts(&parts, denomination - 1)?;
        if !targets.iter().all(|target| self.is_target(session, *target)) {
            return Err(Status::PAGE_IS_NOT_RESERVED);
        }
        self.coins.remove(&coin);
        self.coins.extend(targets.into_iter().zip(parts.iter().map(|part| Number::try_from(&part[5..]).unwrap())));
        Ok(Is(Status::SUCCESS, vec![]))
    }

    fn join(&mut self, payload: &[u8]) -> Answer {
        let (session, whole, parts) = whole_and_parts(payload)?;
        let target = name(whole).ok_or(ODD)?;
        if !self.is_target(session, target) {
            return Err(Status::PAGE_IS_NOT_RESERVED);
        }
        let sources = distinct_parts(&parts, target.denomination.exponent() - 1)?;
        if !parts.iter().all(|part| self.is_authentic(name(part), &part[5..])) {
            return Ok(all_or_none(false));
        }
        self.coins.retain(|coin, _| !sources.contains(coin));
        self.coins.insert(target, whole[5..].try_into().unwrap());
        Ok(Is(Status::SUCCESS, vec![]))
    }
}

fn name(octets: &[u8]) -> Option<CoinId> {
    CoinId::new(octets[0].cast_signed(), u32_at(octets, 1))
}

fn records(payload: &[u8], size: usize) -> Result<Vec<&[u8]>, Status> {
    match payload.len() {
        len if len < size => Err(SIZE),
        len if len % size != 0 => Err(Status::COINS_NOT_DIV),
        _ => Ok(payload.chunks(size).collect()),
    }
}

fn check_key(presented: &[u8]) -> Result<(), Status> {
    if presented == ADMIN_KEY { Ok(()) } else { Err(Status::ADMIN_AUTH) }
}

/// Something, the admin key, a list.
fn admin_list(payload: &[u8], key_at: usize, size: usize) -> Result<Vec<&[u8]>, Status> {
    if payload.len() < key_at + 16 + size {
        return Err(SIZE);
    }
    check_key(&payload[key_at..key_at + 16])?;
    records(&payload[key_at + 16..], size)
}

/// Coins, each once, and a sum.
fn summed(payload: &[u8]) -> Result<(Vec<CoinId>, &[u8]), Status> {
    let (coins, sum) = payload.split_at_checked(payload.len().saturating_sub(16)).unwrap();
    let coins: Vec<_> = records(coins, 5)?.into_iter().map(name).collect::<Option<_>>().ok_or(ODD)?;
    if coins.iter().collect::<BTreeSet<_>>().len() < coins.len() { Err(ODD) } else { Ok((coins, sum)) }
}

/// Session, whole coin with a number, parts with a number each.
type Change<'p> = (u32, &'p [u8], Vec<&'p [u8]>);

fn whole_and_parts(payload: &[u8]) -> Result<Change<'_>, Status> {
    if payload.len() != 235 {
        return Err(SIZE);
    }
    Ok((u32_at(payload, 0), &payload[4..25], payload[25..].chunks(21).collect()))
}

fn distinct_parts(parts: &[&[u8]], denomination: i8) -> Result<Vec<CoinId>, Status> {
    let coins: Vec<_> = parts.iter().map(|part| name(part)).collect::<Option<_>>().ok_or(ODD)?;
    let is_fine = coins.iter().all(|coin| coin.denomination.exponent() == denomination)
        && coins.iter().collect::<BTreeSet<_>>().len() == coins.len();
    if is_fine { Ok(coins) } else { Err(ODD) }
}

fn all_or_none(passes: bool) -> Expected {
    Is(if passes { Status::ALL_PASS } else { Status::ALL_FAIL }, vec![])
}

fn bitfield(results: &[bool]) -> Vec<u8> {
    results.chunks(8).map(|eight| (0..).zip(eight).map(|(i, passes)| u8::from(*passes) << i).sum()).collect()
}

fn verdict(results: Vec<bool>) -> Expected {
    let passed = results.iter().filter(|passes| **passes).count();
    if passed == 0 || passed == results.len() { all_or_none(passed > 0) } else { Is(Status::MIXED, bitfield(&results)) }
}

/// Runs of two and more, and the others.
fn runs(numbers: impl Iterator<Item = u32>) -> (Vec<(u32, u32)>, Vec<u32>) {
    let mut all: Vec<(u32, u32)> = Vec::new();
    for number in numbers {
        match all.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            Some(_) | None => all.push((number, number)),
        }
    }
    let (mut ranges, mut singles) = (Vec::new(), Vec::new());
    for (first, last) in all {
        let is_full = if first < last { ranges.len() } else { singles.len() } == 255;
        match () {
            () if is_full => break,
            () if first < last => ranges.push((first, last)),
            () => singles.push(first),
        }
    }
    (ranges, singles)
}
