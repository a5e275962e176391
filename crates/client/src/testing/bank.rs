//! The coins of a node in memory: what the commands on coins do, as simply as can be.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use raida_wire::{AuthenticityNumber, CoinId, Command, Denomination, RawCoinId, Status, bitfield};

use super::ADMIN_KEY;

/// The coins of one node. Clones are the same bank.
#[derive(Clone, Debug)]
pub struct Bank {
    books: Arc<Mutex<Books>>,
    peers: Weak<Vec<Bank>>,
}

/// What is written in a bank.
#[derive(Debug, Default)]
pub struct Books {
    raida_id: u8,
    /// Every issued coin and its number.
    pub coins: BTreeMap<CoinId, AuthenticityNumber>,
    /// Whether "all passed" is said for "all failed", and the other way round.
    pub is_lying: bool,
    tickets: Vec<(BTreeSet<CoinId>, BTreeSet<u8>)>,
    reserved: BTreeMap<CoinId, u32>,
    issued: u8,
}

/// A status and a payload.
type Word = (Status, Vec<u8>);

impl Bank {
    /// The banks of `nodes` nodes, which redeem each other's tickets as long as the result is kept.
    #[must_use]
    pub fn network(nodes: u8) -> Arc<Vec<Self>> {
        Arc::new_cyclic(|peers| {
            let bank = |raida_id| Self {
                books: Arc::new(Mutex::new(Books { raida_id, ..Books::default() })),
                peers: Weak::clone(peers),
            };
            (0..nodes).map(bank).collect()
        })
    }

    /// What is written there.
    pub fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a node with this bank answers to a command on coins; `None` for any other command.
    pub(super) fn run(&self, command: Command, payload: &[u8]) -> Option<Word> {
        let (status, answer) = match command {
            Command::FIX => self.fix(payload),
            _ => self.books().run(command, payload)?,
        };
        let lie = match status {
            Status::ALL_PASS if answer.is_empty() => Status::ALL_FAIL,
            Status::ALL_FAIL => Status::ALL_PASS,
            other => other,
        };
        Some((if self.books().is_lying { lie } else { status }, answer))
    }

    fn fix(&self, payload: &[u8]) -> Word {
        let Some((front, tickets)) = payload.split_last_chunk::<100>() else {
            return plain(Status::INVALID_PACKET_LENGTH);
        };
        let Some((coins, chosen)) = front.split_last_chunk::<16>() else { return plain(Status::INVALID_PACKET_LENGTH) };
        let raida_id = self.books().raida_id;
        let peers = self.peers.upgrade().unwrap_or_default();
        let mut votes: BTreeMap<CoinId, usize> = BTreeMap::new();
        for (peer, ticket) in peers.iter().zip(tickets.as_chunks().0) {
            let coins = peer.books().redeem(raida_id, u32::from_be_bytes(*ticket)).unwrap_or_default();
            coins.into_iter().for_each(|coin| *votes.entry(coin).or_default() += 1);
        }
        let mut books = self.books();
        passes(coins.as_chunks().0.iter().map(|octets| {
            let coin = RawCoinId(*octets).judge().filter(|coin| votes.get(coin).is_some_and(|votes| *votes >= 13));
            if let Some(coin) = coin {
                books.coins.insert(coin, AuthenticityNumber::fixed(raida_id, coin, chosen));
            }
            coin.is_some()
        }))
    }
}

impl Books {
    fn run(&mut self, command: Command, payload: &[u8]) -> Option<Word> {
        Some(match command {
            Command::DETECT => passes(records::<21>(payload).map(|record| self.is_owned(record))),
            Command::DETECT_SUM => self.detect_sum(payload),
            Command::POWN => passes(records::<37>(payload).map(|record| self.pown(record)).collect::<Vec<_>>()),
            Command::POWN_SUM => self.pown_sum(payload),
            Command::GET_TICKET => self.ticket(payload),
            Command::VALIDATE_TICKET => self.validate(payload),
            Command::FIND => self.find(payload),
            Command::GET_AVAILABLE_SNS => self.available(payload),
            Command::CREATE_COINS => self.create(payload),
            Command::DELETE_COINS => self.delete(payload),
            Command::FREE_COINS => self.free(payload),
            Command::GET_ALL_SNS => self.all(payload),
            Command::STORE => self.store(payload),
            Command::PEEK => self.peek(payload),
            Command::REMOVE => self.remove(payload),
            Command::GET_AVAILABLE_CHANGE_SNS => self.change(payload),
            Command::BREAK => self.break_coin(payload),
            Command::JOIN => self.join(payload),
            _ => return None,
        })
    }

    /// Whether the first 21 octets are an issued coin and its number.
    fn is_owned(&self, record: &[u8]) -> bool {
        let (Some(coin), Some(number)) = (coin_at(record, 0), number_at(record, 5)) else { return false };
        self.coins.get(&coin) == Some(&number)
    }

    fn pown(&mut self, record: &[u8; 37]) -> bool {
        let is_owned = self.is_owned(record);
        if let (true, Some(coin), Some(number)) = (is_owned, coin_at(record, 0), number_at(record, 21)) {
            self.coins.insert(coin, number);
        }
        is_owned
    }

    /// The coins in front of the sum, if the sum is right and none is there twice.
    fn summed(&self, coins: &[u8], sum: &[u8]) -> Result<BTreeSet<CoinId>, Status> {
        let list: Vec<_> = records::<5>(coins).filter_map(|octets| RawCoinId(*octets).judge()).collect();
        let set: BTreeSet<_> = list.iter().copied().collect();
        if set.len() != coins.len() / 5 || list.len() != set.len() {
            return Err(Status::INVALID_SN_OR_DENOMINATION);
        }
        let numbers = set.iter().map(|coin| self.coins.get(coin)).collect::<Option<Vec<_>>>();
        let total = numbers.ok_or(Status::ALL_FAIL)?.into_iter().fold([0; 16], xor);
        if total == sum { Ok(set) } else { Err(Status::ALL_FAIL) }
    }

    fn detect_sum(&self, payload: &[u8]) -> Word {
        let Some((coins, sum)) = payload.split_last_chunk::<16>() else { return plain(Status::INVALID_PACKET_LENGTH) };
        plain(self.summed(coins, sum).map_or_else(|status| status, |_| Status::ALL_PASS))
    }

    fn pown_sum(&mut self, payload: &[u8]) -> Word {
        self.with_sum(payload, |coins, set, delta| {
            for coin in set {
                let number = coins.get(&coin).map(|number| number.xor(delta.octets()));
                coins.extend(number.map(|number| (coin, number)));
            }
        })
    }

    fn store(&mut self, payload: &[u8]) -> Word {
        self.with_sum(payload, |coins, set, key| coins.extend(set.into_iter().map(|coin| (coin, key.clone()))))
    }

    fn with_sum(
        &mut self,
        payload: &[u8],
        change: impl FnOnce(&mut BTreeMap<CoinId, AuthenticityNumber>, BTreeSet<CoinId>, &AuthenticityNumber),
    ) -> Word {
        let Some((front, other)) = payload.split_last_chunk::<16>() else {
            return plain(Status::INVALID_PACKET_LENGTH);
        };
        let Some((coins, sum)) = front.split_last_chunk::<16>() else { return plain(Status::INVALID_PACKET_LENGTH) };
        match self.summed(coins, sum) {
            Ok(set) => change(&mut self.coins, set, &AuthenticityNumber::new(*other)),
            Err(status) => return plain(status),
        }
        plain(Status::ALL_PASS)
    }

    fn ticket(&mut self, payload: &[u8]) -> Word {
        let owned: Vec<bool> = records::<21>(payload).map(|record| self.is_owned(record)).collect();
        let coins = records::<21>(payload).zip(&owned).filter(|(_, owned)| **owned);
        let coins: BTreeSet<_> = coins.filter_map(|(record, _)| coin_at(record, 0)).collect();
        let (status, mut answer) = passes(owned);
        if !coins.is_empty() {
            self.tickets.push((coins, BTreeSet::new()));
            answer.extend(u32::try_from(self.tickets.len()).unwrap_or(u32::MAX).to_be_bytes());
        }
        (status, answer)
    }

    fn redeem(&mut self, claimant: u8, ticket: u32) -> Result<Vec<CoinId>, Status> {
        let place = usize::try_from(ticket).unwrap_or(usize::MAX).checked_sub(1).ok_or(Status::NO_TICKET_FOUND)?;
        let (coins, claimants) = self.tickets.get_mut(place).ok_or(Status::NO_TICKET_FOUND)?;
        if claimant > 24 {
            return Err(Status::WRONG_RAIDA);
        }
        if claimants.insert(claimant) {
            Ok(coins.iter().copied().collect())
        } else {
            Err(Status::TICKET_CLAIMED_ALREADY)
        }
    }

    fn validate(&mut self, payload: &[u8]) -> Word {
        let [claimant, a, b, c, d] = payload else { return plain(Status::INVALID_PACKET_LENGTH) };
        match self.redeem(*claimant, u32::from_be_bytes([*a, *b, *c, *d])) {
            Ok(coins) => (Status::SUCCESS, coins.into_iter().flat_map(|coin| coin.raw().0).collect()),
            Err(status) => plain(status),
        }
    }

    fn find(&self, payload: &[u8]) -> Word {
        let word = |record: &[u8; 37]| {
            let known = coin_at(record, 0).and_then(|coin| self.coins.get(&coin));
            match known {
                Some(known) if Some(known) == number_at(record, 5).as_ref() => 1,
                Some(known) if Some(known) == number_at(record, 21).as_ref() => 2,
                _ => 0,
            }
        };
        let words: Vec<u8> = records::<37>(payload).map(word).collect();
        for (all, status) in [Status::FIND_NEITHER, Status::FIND_ALL_AN, Status::FIND_ALL_PAN].into_iter().enumerate() {
            if words.iter().all(|word| usize::from(*word) == all) {
                return plain(status);
            }
        }
        (Status::FIND_MIXED, words)
    }

    fn available(&mut self, payload: &[u8]) -> Word {
        let (Some(session), Some(ADMIN_KEY)) = (u32_at(payload, 0), octets_at(payload, 4)) else {
            return plain(Status::ADMIN_AUTH);
        };
        let mut answer = Vec::new();
        let wanted = Denomination::all().zip(payload.iter().skip(20)).filter(|(_, flag)| **flag != 0);
        for (denomination, _) in wanted {
            let free: Vec<u32> =
                self.free_coins(denomination, session).take(1029).map(|coin| coin.serial_number.get()).collect();
            let runs: Vec<&[u32]> = free.chunk_by(|low, high| low + 1 == *high).take(255).collect();
            let ends = runs.iter().filter_map(|run| Some([*run.first()?, *run.last()?]));
            if !runs.is_empty() {
                answer.extend([denomination.octet(), u8::try_from(runs.len()).unwrap_or(u8::MAX), 0]);
                answer.extend(ends.flatten().flat_map(u32::to_be_bytes));
            }
            let coins = free.into_iter().filter_map(|number| CoinId::new(denomination.exponent(), number));
            self.reserved.extend(coins.map(|coin| (coin, session)));
        }
        (Status::SUCCESS, answer)
    }

    /// Neither issued nor reserved by others.
    fn free_coins(&self, denomination: Denomination, session: u32) -> impl Iterator<Item = CoinId> {
        let coins = (0..1_024_000).filter_map(move |number| CoinId::new(denomination.exponent(), number));
        coins.filter(move |coin| {
            !self.coins.contains_key(coin) && self.reserved.get(coin).is_none_or(|by| *by == session)
        })
    }

    fn create(&mut self, payload: &[u8]) -> Word {
        let (Some(session), Some(ADMIN_KEY)) = (u32_at(payload, 0), octets_at(payload, 4)) else {
            return plain(Status::ADMIN_AUTH);
        };
        let coins: Vec<_> = records::<5>(payload.get(20..).unwrap_or_default()).filter_map(|r| coin_at(r, 0)).collect();
        if coins.iter().any(|coin| self.coins.contains_key(coin)) {
            return plain(Status::INVALID_SN_OR_DENOMINATION);
        }
        if coins.iter().any(|coin| self.reserved.get(coin) != Some(&session)) {
            return plain(Status::PAGE_IS_NOT_RESERVED);
        }
        let mut answer = Vec::new();
        for coin in coins {
            self.issued = self.issued.wrapping_add(1);
            let number = AuthenticityNumber::fixed(self.raida_id, coin, &[self.issued; 16]);
            answer.extend(number.octets());
            self.coins.insert(coin, number);
        }
        (Status::SUCCESS, answer)
    }

    fn delete(&mut self, payload: &[u8]) -> Word {
        let (Some(ADMIN_KEY), Some(coins)) = (octets_at(payload, 0), payload.get(16..)) else {
            return plain(Status::ADMIN_AUTH);
        };
        let deleted = records::<21>(coins).map(|record| {
            let is_owned = self.is_owned(record);
            if let (true, Some(coin)) = (is_owned, coin_at(record, 0)) {
                self.coins.remove(&coin);
            }
            is_owned
        });
        passes(deleted.collect::<Vec<_>>())
    }

    fn free(&mut self, payload: &[u8]) -> Word {
        let (Some(ADMIN_KEY), Some(coins)) = (octets_at(payload, 4), payload.get(20..)) else {
            return plain(Status::ADMIN_AUTH);
        };
        records::<5>(coins).filter_map(|record| coin_at(record, 0)).for_each(|coin| drop(self.coins.remove(&coin)));
        plain(Status::SUCCESS)
    }

    fn all(&self, payload: &[u8]) -> Word {
        let ([key @ .., denomination], Some(ADMIN_KEY)) = (payload, octets_at(payload, 0)) else {
            return plain(Status::ADMIN_AUTH);
        };
        let id = |number| CoinId::new(denomination.cast_signed(), number);
        let bits = (0..1_024_000).map(|number| id(number).is_some_and(|coin| self.coins.contains_key(&coin)));
        let mut answer = vec![0; 128_005];
        if let Some((front, map)) = answer.split_first_chunk_mut() {
            *front = [*denomination, 0, 1, 0xF4, 0];
            bitfield::write(bits, map);
        }
        if key.len() == 16 { (Status::SUCCESS, answer) } else { plain(Status::INVALID_PACKET_LENGTH) }
    }

    fn peek(&self, payload: &[u8]) -> Word {
        let Some(key) = number_at(payload, 0) else { return plain(Status::INVALID_PACKET_LENGTH) };
        let coins: Vec<u8> =
            self.coins.iter().filter(|(_, number)| **number == key).flat_map(|(coin, _)| coin.raw().0).collect();
        (if coins.is_empty() { Status::ALL_FAIL } else { Status::ALL_PASS }, coins)
    }

    /// With the bitfield that Remove has.
    fn remove(&mut self, payload: &[u8]) -> Word {
        let (Some(key), Some(coins)) = (number_at(payload, 0), payload.get(16..)) else {
            return plain(Status::INVALID_PACKET_LENGTH);
        };
        if !self.coins.values().any(|number| *number == key) {
            return plain(Status::ALL_FAIL);
        }
        let mut removed = Vec::new();
        for record in records::<21>(coins) {
            let coin = coin_at(record, 0).filter(|coin| self.coins.get(coin) == Some(&key));
            removed.push(coin.is_some());
            self.coins.extend(coin.zip(number_at(record, 5)));
        }
        let mut bits = vec![0; removed.len() / 8 + 1];
        bitfield::write(removed.iter().copied(), &mut bits);
        (passes(removed).0, bits)
    }

    fn change(&mut self, payload: &[u8]) -> Word {
        let (Some(session), Some(operation), Some(denomination)) = (
            u32_at(payload, 0),
            payload.get(4),
            payload.get(5).and_then(|octet| Denomination::new(octet.cast_signed())),
        ) else {
            return plain(Status::INVALID_PACKET_LENGTH);
        };
        let neighbour = if *operation == 1 { denomination.lower() } else { denomination.higher() };
        let Some(neighbour) = neighbour else { return plain(Status::INVALID_SN_OR_DENOMINATION) };
        let free: Vec<_> = self.free_coins(neighbour, session).take(64).collect();
        self.reserved.extend(free.iter().map(|coin| (*coin, session)));
        let numbers = free.iter().flat_map(|coin| coin.serial_number.get().to_be_bytes());
        (Status::SUCCESS, [neighbour.octet()].into_iter().chain(numbers).collect())
    }

    fn break_coin(&mut self, payload: &[u8]) -> Word {
        self.exchange(payload, |one, ten| (one, ten))
    }

    fn join(&mut self, payload: &[u8]) -> Word {
        self.exchange(payload, |one, ten| (ten, one))
    }

    /// `cut` says which of the one and the ten is given and which is wanted.
    fn exchange(&mut self, payload: &[u8], cut: fn(Records, Records) -> (Records, Records)) -> Word {
        let (Some(session), Some(rest), 235) = (u32_at(payload, 0), payload.get(4..), payload.len()) else {
            return plain(Status::INVALID_PACKET_LENGTH);
        };
        let mut one: Records = records::<21>(rest).copied().collect();
        let ten = one.split_off(1);
        let (given, wanted) = cut(one, ten);
        if given.iter().any(|record| !self.is_owned(record)) {
            return plain(Status::ALL_FAIL);
        }
        let is_had = |record: &[u8; 21]| {
            let coin = coin_at(record, 0);
            coin.is_some_and(|coin| !self.coins.contains_key(&coin) && self.reserved.get(&coin) == Some(&session))
        };
        if !wanted.iter().all(is_had) {
            return plain(Status::PAGE_IS_NOT_RESERVED);
        }
        given.iter().filter_map(|record| coin_at(record, 0)).for_each(|coin| drop(self.coins.remove(&coin)));
        self.coins.extend(wanted.iter().filter_map(|record| coin_at(record, 0).zip(number_at(record, 5))));
        plain(Status::SUCCESS)
    }
}

/// Coins with a number each.
type Records = Vec<[u8; 21]>;

fn plain(status: Status) -> Word {
    (status, Vec::new())
}

fn passes(results: impl IntoIterator<Item = bool>) -> Word {
    let results: Vec<bool> = results.into_iter().collect();
    if results.iter().all(|passed| *passed) {
        return plain(Status::ALL_PASS);
    }
    if results.iter().all(|passed| !passed) {
        return plain(Status::ALL_FAIL);
    }
    let mut bits = vec![0; bitfield::len(results.len())];
    bitfield::write(results, &mut bits);
    (Status::MIXED, bits)
}

fn records<const N: usize>(payload: &[u8]) -> impl Iterator<Item = &[u8; N]> {
    payload.as_chunks::<N>().0.iter()
}

fn octets_at<const N: usize>(octets: &[u8], place: usize) -> Option<[u8; N]> {
    octets.get(place..)?.first_chunk().copied()
}

fn coin_at(octets: &[u8], place: usize) -> Option<CoinId> {
    RawCoinId(octets_at(octets, place)?).judge()
}

fn number_at(octets: &[u8], place: usize) -> Option<AuthenticityNumber> {
    octets_at(octets, place).map(AuthenticityNumber::new)
}

fn u32_at(octets: &[u8], place: usize) -> Option<u32> {
    octets_at(octets, place).map(u32::from_be_bytes)
}

fn xor(sum: [u8; 16], number: &AuthenticityNumber) -> [u8; 16] {
    *number.xor(&sum).octets()
}
