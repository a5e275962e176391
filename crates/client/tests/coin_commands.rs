//! Every command on coins, against a node that has some, over both transports.

#![expect(clippy::unwrap_used, reason = "a test whose stage cannot be set fails")]

use std::num::NonZeroU32;

use raida_client::testing::{ADMIN_KEY, Bank, FakeNode, Honest};
use raida_client::wire::{AuthenticityNumber, CoinId, Denomination, Status};
use raida_client::{
    AdminKey, AskError, Change, Found, KeyCoin, NODES, Options, Renewal, Target, Transport, Trouble, all_numbers,
    available_change, available_numbers, break_coin, create, delete, detect, detect_sum, find, fix, free, get_ticket,
    join_coins, locker_key, peek, pown, pown_sum, remove, store, validate_ticket,
};

const BOTH: [Transport; 2] = [Transport::Tcp, Transport::Udp];

/// RAIDA 0 with ten coins of denomination 0; coin n has the number of sixteen octets n.
fn node() -> (Bank, FakeNode, Target) {
    let bank = Bank::network(1).first().unwrap().clone();
    bank.books().coins.extend((0..10).map(|n| (id(n), number(n))));
    let fake = FakeNode::start(&Honest { bank: Some(bank.clone()), ..Honest::new(0) }).unwrap();
    let target = fake.target(0);
    (bank, fake, target)
}

fn options(transport: Transport) -> Options {
    Options { transport, ..Options::default() }
}

fn id(n: u8) -> CoinId {
    CoinId::new(0, n.into()).unwrap()
}

fn number(n: u8) -> AuthenticityNumber {
    AuthenticityNumber::new([n; 16])
}

fn owned(n: u8) -> KeyCoin {
    KeyCoin { coin: id(n), number: number(n) }
}

fn renewal(n: u8, to: u8) -> Renewal {
    Renewal { coin: id(n), number: number(n), proposed: number(to) }
}

fn status<T>(result: Result<T, AskError>) -> Option<Status> {
    let error = result.err()?;
    if let Trouble::Refused(status) = error.trouble() { Some(*status) } else { None }
}

#[test]
fn detect_tells_coin_by_coin() {
    let (_bank, _fake, target) = node();
    for transport in BOTH {
        let mut coins: Vec<_> = (0..10).map(owned).collect();
        assert_eq!(detect(&target, &coins, &options(transport)).unwrap().value, [true; 10]);
        coins[9].number = number(0);
        let passed = detect(&target, &coins, &options(transport)).unwrap().value;
        assert_eq!(passed.iter().position(|passed| !passed), Some(9));
        assert_eq!(detect(&target, &coins[9..], &options(transport)).unwrap().value, [false]);
    }
}

#[test]
fn pown_changes_what_passed_and_find_tells_so() {
    for transport in BOTH {
        let (bank, _fake, target) = node();
        let mut coins = vec![renewal(0, 100), renewal(1, 101), renewal(2, 102)];
        coins[1].number = number(77);
        assert_eq!(pown(&target, &coins, &options(transport)).unwrap().value, [true, false, true]);
        assert_eq!(bank.books().coins[&id(0)], number(100));
        assert_eq!(bank.books().coins[&id(1)], number(1));
        let found = find(&target, &[renewal(0, 100), renewal(1, 101), renewal(2, 9)], &options(transport));
        assert_eq!(found.unwrap().value, [Found::Proposed, Found::Number, Found::Neither]);
        let found = find(&target, &[renewal(0, 100), renewal(2, 102)], &options(transport));
        assert_eq!(found.unwrap().value, [Found::Proposed; 2]);
    }
}

#[test]
fn sums_pass_for_all_coins_or_none_and_refuse_doubles() {
    let (bank, _fake, target) = node();
    let options = options(Transport::Tcp);
    let coins = [owned(3), owned(4)];
    assert!(detect_sum(&target, &coins, &options).unwrap().value);
    assert_eq!(status(detect_sum(&target, &[owned(3), owned(3)], &options)), Some(Status::INVALID_SN_OR_DENOMINATION));
    assert!(pown_sum(&target, &coins, &number(0xF0), &options).unwrap().value);
    assert_eq!(bank.books().coins[&id(3)], number(0xF3));
    assert!(!pown_sum(&target, &coins[..1], &number(0xF0), &options).unwrap().value);
}

#[test]
fn locker_is_filled_listed_and_emptied() {
    let (bank, _fake, target) = node();
    let (options, key) = (options(Transport::Tcp), locker_key(0, "words"));
    assert!(peek(&target, &key, &options).unwrap().value.is_empty());
    assert!(store(&target, &(0..8).map(owned).collect::<Vec<_>>(), &key, &options).unwrap().value);
    assert!(!store(&target, &[owned(0)], &key, &options).unwrap().value);
    assert_eq!(peek(&target, &key, &options).unwrap().value, (0..8).map(id).collect::<Vec<_>>());
    let taken: Vec<_> = (0..8).map(|n| KeyCoin { coin: id(n), number: number(n + 100) }).collect();
    assert_eq!(remove(&target, &key, &taken, &options).unwrap().value, [true; 8]);
    assert_eq!(bank.books().coins[&id(7)], number(107));
    assert_eq!(remove(&target, &key, &taken, &options).unwrap().value, [false; 8]);
}

#[test]
fn coin_is_broken_into_ten_and_joined_again() {
    let (bank, _fake, target) = node();
    let (options, session) = (options(Transport::Tcp), NonZeroU32::new(7).unwrap());
    let one = Denomination::new(0).unwrap();
    let free = available_change(&target, session, Change::Break, one, &options).unwrap().value;
    assert_eq!((free.len(), free[0]), (64, CoinId::new(-1, 0).unwrap()));
    let pieces: [KeyCoin; 10] = std::array::from_fn(|place| KeyCoin { coin: free[place], number: number(50) });
    break_coin(&target, session, &owned(5), &pieces, &options).unwrap();
    assert_eq!(bank.books().coins.len(), 19);
    assert_eq!(status(break_coin(&target, session, &owned(5), &pieces, &options)), Some(Status::ALL_FAIL));
    let tenth = one.lower().unwrap();
    let whole = available_change(&target, session, Change::Join, tenth, &options).unwrap().value[0];
    join_coins(&target, session, &KeyCoin { coin: whole, number: number(60) }, &pieces, &options).unwrap();
    let books = bank.books();
    assert_eq!((books.coins.len(), &books.coins[&whole]), (10, &number(60)));
}

#[test]
fn issued_coins_are_listed_and_withdrawn_with_the_admin_key_only() {
    let (bank, _fake, target) = node();
    let (options, key, one) = (options(Transport::Tcp), AdminKey::new(ADMIN_KEY), Denomination::new(0).unwrap());
    let free_numbers = available_numbers(&target, 9, &key, [one], &options).unwrap().value;
    assert_eq!((free_numbers.len(), free_numbers[0].ranges.as_slice()), (1, &[10..=1038][..]));
    let coins = [CoinId::new(0, 10).unwrap(), CoinId::new(0, 11).unwrap()];
    let numbers = create(&target, 9, &key, &coins, &options).unwrap().value;
    assert_eq!(numbers[1], bank.books().coins[&coins[1]]);
    assert_eq!(status(create(&target, 9, &key, &coins, &options)), Some(Status::INVALID_SN_OR_DENOMINATION));
    let issued = all_numbers(&target, &key, one, &options).unwrap().value;
    assert!(issued.count() == 12 && issued.contains(11) && !issued.contains(12));
    assert_eq!(delete(&target, &key, &[owned(0), owned(0)], &options).unwrap().value, [true, false]);
    free(&target, &key, &coins, &options).unwrap();
    assert_eq!(bank.books().coins.len(), 9);
    let wrong = AdminKey::new([0; 16]);
    assert_eq!(status(free(&target, &wrong, &coins, &options)), Some(Status::ADMIN_AUTH));
}

#[test]
fn tickets_of_thirteen_nodes_repair_a_coin_and_are_redeemed_once() {
    let banks = Bank::network(25);
    let fakes: Vec<_> = (0..25)
        .map(|n| FakeNode::start(&Honest { bank: Some(banks[usize::from(n)].clone()), ..Honest::new(n) }).unwrap())
        .collect();
    let targets: Vec<_> = (0..25).zip(&fakes).map(|(n, fake)| fake.target(n)).collect();
    let options = options(Transport::Tcp);
    for bank in &banks[1..15] {
        bank.books().coins.insert(id(1), number(1));
    }
    let mut tickets = [None; NODES];
    for n in 1..14 {
        let ticket = get_ticket(&targets[n], &[owned(2), owned(1)], &options).unwrap().value;
        assert_eq!(ticket.passed, [false, true]);
        tickets[n] = ticket.number;
    }
    assert_eq!(get_ticket(&targets[0], &[owned(1)], &options).unwrap().value.number, None);
    let mut twelve = tickets;
    twelve[13] = None;
    assert_eq!(fix(&targets[20], &[id(1)], &[9; 16], &twelve, &options).unwrap().value, [false]);
    assert_eq!(fix(&targets[0], &[id(2), id(1)], &[9; 16], &tickets, &options).unwrap().value, [false, true]);
    assert_eq!(banks[0].books().coins[&id(1)], AuthenticityNumber::fixed(0, id(1), &[9; 16]));
    let again = validate_ticket(&targets[1], 0, tickets[1].unwrap(), &options);
    assert_eq!(status(again), Some(Status::TICKET_CLAIMED_ALREADY));
    assert_eq!(validate_ticket(&targets[1], 5, tickets[1].unwrap(), &options).unwrap().value, [id(1)]);
}
