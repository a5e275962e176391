//! Money comes from Create alone and goes by Delete and Free alone, whatever eight threads do to each other.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::thread;

use proptest::prelude::any;
use proptest::test_runner::{Config, TestRunner};
use raida_node::Node;
use raida_node::testing::{Coins, PEER, ask_together, exchange, in_clear, node_of};
use raida_reactor::service::Transport;
use raida_wire::{Command, Denomination, Status};

use crate::dice::Dice;
use crate::payload::{self, Number, coin, raw, u32_at, xor};

const THREADS: u32 = 8;
/// Few, so that guesses are often right.
const NUMBERS: [Number; 4] = [
    [1; 16],
    [2; 16],
    [3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 255, 255, 255, 255],
    [3, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4, 255, 255, 255, 255],
];

/// What all thieves know: parts that somebody broke a coin into, all under one number.
#[derive(Default)]
struct Loot(Mutex<Vec<(Vec<[u8; 5]>, Number)>>);

impl Loot {
    fn share(&self, parts: Vec<[u8; 5]>, number: Number) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((parts, number));
    }

    /// Not taken away: the next thief finds the same.
    fn find(&self, dice: &mut Dice) -> Option<(Vec<[u8; 5]>, Number)> {
        let loot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (!loot.is_empty()).then(|| loot[loot.len() - 1 - dice.below(loot.len().min(4))].clone())
    }
}

struct Thief<'n> {
    node: &'n Node,
    loot: &'n Loot,
    dice: Dice,
    /// What this thief has issued, less what it has withdrawn, in units of 10^-8.
    issued: i128,
    /// The commands that have succeeded.
    done: BTreeSet<Command>,
    /// To send it once more.
    last: Option<(Command, Vec<u8>)>,
}

impl Thief<'_> {
    fn coin(&mut self) -> [u8; 5] {
        raw(self.dice.pick(&[0, 0, 0, 1, -1]), u32::try_from(self.dice.below(12)).unwrap())
    }

    fn number(&mut self) -> Number {
        self.dice.pick(&NUMBERS)
    }

    fn session(&mut self) -> u32 {
        self.dice.pick(&[0, 7, 7, 8])
    }

    /// Serial numbers that the node offers now.
    fn reserve(&mut self, session: u32, operation: u8, denomination: i8) -> Vec<u32> {
        let payload = payload::change(session, operation, denomination);
        let (status, answer) = exchange(self.node, Command::GET_AVAILABLE_CHANGE_SNS, &payload);
        assert_eq!(status, Status::SUCCESS);
        answer[1..].chunks(4).map(|number| u32_at(number, 0)).collect()
    }

    fn sum(&mut self) -> Vec<u8> {
        let coins: Vec<_> = (0..=self.dice.below(3)).map(|_| self.coin()).collect();
        let numbers: Vec<_> = coins.iter().map(|_| self.number()).collect();
        let shift = if self.dice.once_in(2) { xor(&[NUMBERS[0], NUMBERS[1]]) } else { self.number() };
        payload::sum(&coins, xor(&numbers), Some(shift))
    }

    fn split(&mut self) -> (Command, Vec<u8>) {
        let session = self.session();
        let coin = raw(self.dice.pick(&[0, 1]), u32::try_from(self.dice.below(12)).unwrap());
        let denomination = coin[0].cast_signed() - 1;
        let mut targets = self.reserve(session, 1, coin[0].cast_signed());
        targets.truncate(10);
        if self.dice.once_in(4) {
            targets[3] = targets[self.dice.below(2)];
        }
        let number = self.number();
        let parts: Vec<_> = targets.iter().map(|target| (raw(denomination, *target), number)).collect();
        self.loot.share(parts.iter().map(|(part, _)| *part).collect(), number);
        (Command::BREAK, payload::whole(session, coin, self.number(), &parts))
    }

    fn join(&mut self) -> (Command, Vec<u8>) {
        let Some((mut parts, number)) = self.loot.find(&mut self.dice) else { return self.split() };
        let (session, lower) = (self.session(), parts[0][0].cast_signed());
        if self.dice.once_in(4) {
            parts[4] = parts[self.dice.below(9)];
        }
        let target = self.reserve(session, 2, lower)[self.dice.below(2)];
        let sources: Vec<_> = parts.into_iter().map(|part| (part, number)).collect();
        (Command::JOIN, payload::whole(session, raw(lower + 1, target), self.number(), &sources))
    }

    fn request(&mut self) -> (Command, Vec<u8>) {
        if self.dice.once_in(6)
            && let Some(last) = self.last.clone()
        {
            return last;
        }
        let request = match self.dice.below(8) {
            0 => {
                let exchange = |thief: &mut Self| (thief.coin(), thief.number(), thief.number());
                let list: Vec<_> = (0..=self.dice.below(4)).map(|_| exchange(self)).collect();
                (Command::POWN, payload::exchanges(&list))
            }
            1 => (Command::POWN_SUM, self.sum()),
            2 => (Command::STORE, self.sum()),
            3 => {
                let list: Vec<_> = (0..=self.dice.below(4)).map(|_| (self.coin(), self.number())).collect();
                (Command::REMOVE, payload::remove(self.number(), &list))
            }
            4 | 5 => self.split(),
            _ => self.join(),
        };
        self.last = Some(request.clone());
        request
    }

    /// Sends several requests as one batch, or one alone.
    fn steal(&mut self) {
        let requests: Vec<_> = (0..=self.dice.below(4)).map(|_| self.request()).collect();
        let built: Vec<_> = requests.iter().map(|(command, payload)| in_clear(self.node, *command, payload)).collect();
        let transport =
            if self.dice.once_in(3) { Transport::Udp { datagram: 1440, limit: 1440 } } else { Transport::Tcp };
        let calls: Vec<_> = built.iter().map(|(octets, _)| (&octets[..], transport, PEER)).collect();
        let answers = ask_together(self.node, &calls);
        for (((command, _), (_, pending)), answer) in requests.iter().zip(&built).zip(answers) {
            let status = pending.read(&mut answer.unwrap()).unwrap().status;
            assert_ne!(status, Status::INTERNAL);
            let is_success = [Status::SUCCESS, Status::ALL_PASS, Status::MIXED].contains(&status);
            self.done.extend(is_success.then_some(*command));
        }
    }

    /// Issues or withdraws coins of denomination 3, which nobody else touches, or deletes one that all fight for.
    fn govern(&mut self, own: u32) {
        let listed = [own, own, own + 1].map(|number| raw(3, number));
        let value = i128::from(Denomination::new(3).unwrap().value());
        let ask = |command, payload: &[u8]| exchange(self.node, command, payload).0;
        match self.dice.below(3) {
            0 if ask(Command::CREATE_COINS, &payload::create(0xEEEE_EEEE, &listed[1..])) == Status::SUCCESS => {
                self.issued += 2 * value;
            }
            0 => assert_ne!(ask(Command::CREATE_COINS, &payload::create(0xEEEE_EEEE, &listed)), Status::SUCCESS),
            1 => {
                let before = [own, own + 1].map(|number| self.node.store().read(coin(3, number)).unwrap().is_some());
                assert_eq!(ask(Command::FREE_COINS, &payload::create(0, &listed)), Status::SUCCESS);
                self.issued -= value * i128::from(before[0]) + value * i128::from(before[1]);
            }
            _ => {
                let claim = (self.coin(), self.number());
                if exchange(self.node, Command::DELETE_COINS, &payload::delete(&[claim])).0 == Status::ALL_PASS {
                    let denomination = Denomination::new(claim.0[0].cast_signed()).unwrap();
                    self.issued -= i128::from(denomination.value());
                }
            }
        }
    }
}

fn in_circulation(node: &Node) -> i128 {
    let counts = node.store().issued();
    Denomination::all()
        .zip(counts.0)
        .map(|(denomination, count)| i128::from(denomination.value() * u64::from(count)))
        .sum()
}

/// Lets eight thieves loose on one node, and checks its books when all are gone. Gives the commands that succeeded.
fn one_night(seed: u64) -> BTreeSet<Command> {
    let numbers = (0..12).flat_map(|number| [(-1, number), (0, number), (1, number)]);
    let coins = numbers.fold(Coins::new(), |coins, (denomination, number)| {
        coins.with_coin(coin(denomination, number), NUMBERS[usize::try_from(number).unwrap() % 4].into())
    });
    let (node, loot) = (node_of(14, &coins), Loot::default());
    let before = in_circulation(&node);
    let prowl = |thread: u32| {
        let dice = Dice::new(seed.wrapping_add(thread.into()));
        let mut thief = Thief { node: &node, loot: &loot, dice, issued: 0, done: BTreeSet::new(), last: None };
        for _ in 0..60 {
            if thief.dice.once_in(5) {
                thief.govern(2 * thread);
            } else {
                thief.steal();
            }
        }
        (thief.issued, thief.done)
    };
    let (issued, done): (Vec<i128>, Vec<_>) = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|thread| scope.spawn(move || prowl(thread))).collect();
        threads.into_iter().map(|thread| thread.join().expect("no thief panics")).unzip()
    });
    assert_eq!(in_circulation(&node), before + issued.iter().sum::<i128>());
    node.store().verify().expect("indexes and trees agree with the records");
    done.into_iter().flatten().collect()
}

#[test]
fn value_in_circulation_changes_by_create_delete_and_free_alone() {
    let done = RefCell::new(BTreeSet::new());
    let config = Config { cases: 6, max_shrink_iters: 0, failure_persistence: None, ..Config::default() };
    let nights = TestRunner::new(config).run(&any::<u64>(), |seed| {
        done.borrow_mut().extend(one_night(seed));
        Ok(())
    });
    nights.unwrap();
    // Thieves that never succeed would prove nothing.
    let all = [Command::POWN, Command::POWN_SUM, Command::STORE, Command::REMOVE, Command::BREAK, Command::JOIN];
    assert_eq!(done.into_inner(), BTreeSet::from(all));
}
