//! Random commands, right ones and hostile ones: the node answers as the plain model does, and keeps the same coins.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::any;
use proptest::prop_assert_eq;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use raida_node::testing::{ADMIN_KEY, Coins, HandClock, exchange, settings, surroundings};
use raida_node::{Node, Surroundings};
use raida_wire::registry::{self, Class};
use raida_wire::stats::Stats;
use raida_wire::{CoinId, Command, Status};

use crate::bank::{Bank, Expected};
use crate::dice::Dice;
use crate::payload::{self, Number, coin, id, raw, xor};

const SESSIONS: [u32; 4] = [0, 7, 8, 0xEEEE_EEEE];
const DENOMINATIONS: [i8; 5] = [-8, -1, 0, 1, 6];
/// The last three are locker keys.
const NUMBERS: [Number; 6] = [
    [1; 16],
    [2; 16],
    [3; 16],
    [4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 255, 255, 255, 255],
    [4, 4, 4, 4, 4, 5, 5, 5, 5, 5, 5, 5, 255, 255, 255, 255],
    [255; 16],
];

/// Makes requests that often succeed: it knows what the model knows.
struct Client<'b> {
    bank: &'b Bank,
    dice: Dice,
}

impl Client<'_> {
    /// A coin: mostly an issued one, at times a free one or one that can not exist.
    fn coin(&mut self) -> [u8; 5] {
        let odd = [raw(0, 1_024_000), raw(7, 1), raw(-9, 1), raw(0, u32::MAX)];
        match self.dice.below(20) {
            0 => self.dice.pick(&odd),
            1..4 => raw(self.dice.pick(&DENOMINATIONS), u32::try_from(self.dice.below(30)).unwrap()),
            _ if self.bank.coins.is_empty() => raw(0, 0),
            _ => id(*self.bank.coins.keys().nth(self.dice.below(self.bank.coins.len())).unwrap()),
        }
    }

    /// Its number, mostly.
    fn number_of(&mut self, coin: [u8; 5]) -> Number {
        let known = raida_wire::RawCoinId(coin).judge().and_then(|coin| self.bank.coins.get(&coin));
        known.copied().filter(|_| !self.dice.once_in(8)).unwrap_or_else(|| self.number())
    }

    fn number(&mut self) -> Number {
        self.dice.pick(&NUMBERS)
    }

    fn session(&mut self) -> u32 {
        self.dice.pick(&SESSIONS)
    }

    fn coins(&mut self) -> Vec<[u8; 5]> {
        let most = self.dice.pick(&[1, 3, 20]);
        (0..=self.dice.below(most)).map(|_| self.coin()).collect()
    }

    fn claims(&mut self) -> Vec<([u8; 5], Number)> {
        self.coins().into_iter().map(|coin| (coin, self.number_of(coin))).collect()
    }

    fn exchanges(&mut self) -> Vec<([u8; 5], Number, Number)> {
        self.claims().into_iter().map(|(coin, an)| (coin, an, self.number())).collect()
    }

    /// Mostly distinct coins with the right sum.
    fn sum(&mut self, second: bool) -> Vec<u8> {
        let mut coins = self.coins();
        if !self.dice.once_in(6) {
            coins.sort_unstable();
            coins.dedup();
        }
        let numbers: Vec<_> = coins.iter().map(|coin| self.number_of(*coin)).collect();
        let second = second.then(|| self.number());
        payload::sum(&coins, xor(&numbers), second)
    }

    fn remove(&mut self) -> Vec<u8> {
        let key = self.number();
        let list: Vec<_> = self.coins().into_iter().map(|coin| (coin, self.number())).collect();
        payload::remove(key, &list)
    }

    /// A session and up to ten free numbers of one denomination that it keeps; anything, where nobody keeps any.
    fn targets(&mut self) -> (u32, i8, Vec<[u8; 5]>) {
        let kept = self.bank.numbers.keys().filter_map(|coin| Some((*coin, self.bank.keeper(*coin)?)));
        let kept: BTreeMap<CoinId, u32> = kept.collect();
        let any = (coin(0, 3), 7);
        let (one, session) = kept.iter().nth(self.dice.below(kept.len().max(1))).map_or(any, |(coin, s)| (*coin, *s));
        let same = |(coin, keeper): &(&CoinId, &u32)| coin.denomination == one.denomination && **keeper == session;
        let mut targets: Vec<_> = kept.iter().filter(same).map(|(coin, _)| id(*coin)).take(10).collect();
        targets.resize(10, id(one));
        if self.dice.once_in(6) {
            let place = self.dice.below(10);
            targets[place] = self.coin();
        }
        let session = if self.dice.once_in(6) { self.session() } else { session };
        (session, one.denomination.exponent(), targets)
    }

    fn issued(&self, denomination: i8) -> Vec<[u8; 5]> {
        let own = self.bank.coins.keys().filter(|coin| coin.denomination.exponent() == denomination);
        own.map(|coin| id(*coin)).collect()
    }

    fn split(&mut self) -> Vec<u8> {
        let (session, denomination, targets) = self.targets();
        let coin = self.issued(denomination + 1).first().copied().unwrap_or_else(|| self.coin());
        let parts: Vec<_> = targets.into_iter().map(|target| (target, self.number())).collect();
        payload::whole(session, coin, self.number_of(coin), &parts)
    }

    fn join(&mut self) -> Vec<u8> {
        let (session, denomination, targets) = self.targets();
        let mut sources = self.issued(denomination - 1);
        sources.resize_with(10, || self.coin());
        let is_honest = self.dice.once_in(2);
        let number_of = |source: [u8; 5]| {
            let known = raida_wire::RawCoinId(source).judge().and_then(|coin| self.bank.coins.get(&coin)).copied();
            known.filter(|_| is_honest).unwrap_or_else(|| self.number_of(source))
        };
        let sources: Vec<_> = sources.iter().copied().zip(sources.iter().copied().map(number_of)).collect();
        payload::whole(session, targets[0], self.number(), &sources)
    }

    fn ticket(&mut self) -> Vec<u8> {
        let known = self.bank.tickets.keys().nth(self.dice.below(self.bank.tickets.len().max(1)));
        let (raida_id, number) = (self.dice.pick(&[0, 1, 24, 25]), known.copied().unwrap_or(9));
        payload::ticket(raida_id, number)
    }

    fn request(&mut self) -> (Command, Vec<u8>) {
        let (command, mut payload) = match self.dice.below(20) {
            0 => (Command::DETECT, payload::claims(&self.claims())),
            1 => (Command::DETECT_SUM, self.sum(false)),
            2 | 3 => (Command::POWN, payload::exchanges(&self.exchanges())),
            4 => (Command::POWN_SUM, self.sum(true)),
            5 => (Command::GET_TICKET, payload::claims(&self.claims())),
            6 => (Command::VALIDATE_TICKET, self.ticket()),
            7 => (Command::FIND, payload::exchanges(&self.exchanges())),
            8 => (Command::GET_AVAILABLE_SNS, payload::available(self.session(), &[self.dice.pick(&DENOMINATIONS)])),
            9 | 10 => (Command::CREATE_COINS, payload::create(self.session(), &self.fresh())),
            11 => (Command::DELETE_COINS, payload::delete(&self.claims())),
            12 if self.dice.once_in(2) => (Command::FREE_COINS, payload::create(0, &self.coins())),
            12 | 13 => (Command::STORE, self.sum(true)),
            14 => (Command::PEEK, self.number().to_vec()),
            15 => (Command::REMOVE, self.remove()),
            16 | 17 => {
                let operation = self.dice.pick(&[1, 1, 2, 2, 2, 3]);
                let payload = payload::change(self.session(), operation, self.dice.pick(&DENOMINATIONS));
                (Command::GET_AVAILABLE_CHANGE_SNS, payload)
            }
            18 if self.dice.once_in(2) => (Command::BREAK, self.split()),
            _ => (Command::JOIN, self.join()),
        };
        match self.dice.below(40) {
            0 => drop(payload.pop()),
            1 => payload.push(0),
            _ => {}
        }
        (command, payload)
    }

    fn fresh(&mut self) -> Vec<[u8; 5]> {
        let denomination = self.dice.pick(&DENOMINATIONS);
        let first = u32::try_from(self.dice.below(40)).unwrap();
        (first..=first + u32::try_from(self.dice.below(12)).unwrap()).map(|n| raw(denomination, n)).collect()
    }
}

/// Plays one request per seed and compares every answer. Gives the commands that succeeded.
fn play(seeds: &[u64]) -> Result<BTreeSet<Command>, TestCaseError> {
    let clock = HandClock::default();
    let stock = (0..12).flat_map(|number| [coin(-1, number), coin(0, number)]);
    let mut bank = Bank { coins: stock.map(|coin| (coin, NUMBERS[0])).collect(), ..Bank::default() };
    let coins = bank.coins.iter().fold(Coins::new(), |coins, (coin, number)| coins.with_coin(*coin, (*number).into()));
    let surroundings = Surroundings { clock: Arc::new(clock.clone()), ..surroundings(&coins) };
    let node = Node::new(settings(14), surroundings);
    let mut done = BTreeSet::new();
    for seed in seeds {
        let mut client = Client { bank: &bank, dice: Dice::new(*seed) };
        let wait = if client.dice.once_in(8) { client.dice.pick(&[1, 8, 15, 16, 299, 300]) } else { 0 };
        let (command, payload) = client.request();
        clock.advance(Duration::from_secs(wait));
        bank.second += wait;
        let expected = bank.serve(command, &payload);
        let (status, answer) = exchange(&node, command, &payload);
        let (expected_status, expected_answer) = match &expected {
            Expected::Is(status, answer) => (*status, answer.clone()),
            Expected::Ticket(status, bits, _) => {
                (*status, bits.iter().chain(answer.iter().skip(bits.len()).take(4)).copied().collect())
            }
            Expected::Created(coins) => {
                prop_assert_eq!(answer.len(), 16 * coins.len());
                (Status::SUCCESS, answer.clone())
            }
        };
        prop_assert_eq!((status, &answer), (expected_status, &expected_answer), "{} {:02x?}", command, payload);
        bank.learn(expected, &answer);
        let is_success = status.is_result() && ![Status::ALL_FAIL, Status::FIND_NEITHER].contains(&status);
        done.extend(is_success.then_some(command));
    }
    check_state(&node, &bank);
    Ok(done)
}

#[test]
fn the_node_answers_as_the_plain_model_does() {
    let done = RefCell::new(BTreeSet::new());
    let config = Config { cases: 40, failure_persistence: None, ..Config::default() };
    let plays = TestRunner::new(config).run(&vec(any::<u64>(), 100..200), |seeds| {
        done.borrow_mut().extend(play(&seeds)?);
        Ok(())
    });
    plays.unwrap();
    // Nothing is proved where nothing ever succeeds.
    let core =
        registry::all().iter().filter(|entry| entry.class == Class::Core && ![0, 14].contains(&entry.command.group));
    let without = [Command::FIX, Command::GET_ALL_SNS];
    let all = core.map(|entry| entry.command).filter(|command| !without.contains(command));
    assert_eq!(done.into_inner(), all.collect());
}

/// The same coins, no others, and the same counters.
fn check_state(node: &Node, bank: &Bank) {
    let issued: u32 = node.store().issued().0.iter().sum();
    assert_eq!(usize::try_from(issued).unwrap(), bank.coins.len());
    for (coin, number) in &bank.coins {
        assert_eq!(node.store().read(*coin).unwrap().map(|record| *record.an.octets()), Some(*number), "{coin}");
    }
    let (_, stats) = exchange(node, Command::SHOW_STATS, &ADMIN_KEY);
    let stats = Stats::parse(&stats).unwrap();
    assert_eq!((stats.coins_powned, stats.value_powned), (bank.coins_powned, bank.value_powned));
}
