//! Coins on a real node: every way they change hands, over both transports, and what survives its end.

#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

use std::net::SocketAddr;
use std::num::NonZeroU32;

use raida_behaviour::{Node, ask};
use raida_client::wire::{
    AuthenticityNumber, Challenge, CoinId, Command, Denomination, Recipient, Request, Sender, Status,
};
use raida_client::{self as client, AdminKey, Change, Envelope, KeyCoin, Options, Renewal, Target, Transport};
use rustix::process::Signal;

const BOTH: [Transport; 2] = [Transport::Tcp, Transport::Udp];
const SESSION: NonZeroU32 = NonZeroU32::MIN;

/// The session in which coins are issued without a reservation.
const ANYWHERE: u32 = 0xEEEE_EEEE;

fn over(transport: Transport) -> Options {
    Options { transport, ..Options::default() }
}

fn target(address: SocketAddr) -> Target {
    Target { raida_id: 0, ..Target::new(address.to_string().parse().unwrap()) }
}

fn admin_key(node: &Node) -> AdminKey {
    AdminKey::new(node.admin_key().try_into().unwrap())
}

fn coin(denomination: i8, number: u32) -> CoinId {
    CoinId::new(denomination, number).unwrap()
}

fn number(octet: u8) -> AuthenticityNumber {
    [octet; 16].into()
}

/// Issues these coins.
fn issue(node: &Node, coins: &[CoinId], options: &Options) -> Vec<KeyCoin> {
    let created = client::create(&target(node.address()), ANYWHERE, &admin_key(node), coins, options).unwrap().value;
    coins.iter().zip(created).map(|(coin, number)| KeyCoin { coin: *coin, number }).collect()
}

/// Makes `octet` the number of these coins.
fn pown(node: &Node, coins: &[KeyCoin], octet: u8, options: &Options) -> Vec<KeyCoin> {
    let renewal =
        |KeyCoin { coin, number: old }: &KeyCoin| Renewal { coin: *coin, number: old.clone(), proposed: number(octet) };
    let renewals: Vec<_> = coins.iter().map(renewal).collect();
    let passed = client::pown(&target(node.address()), &renewals, options).unwrap().value;
    assert!(passed.iter().all(|passed| *passed), "{passed:?}");
    owned(coins.iter().map(|owned| owned.coin), octet)
}

fn owned(coins: impl IntoIterator<Item = CoinId>, octet: u8) -> Vec<KeyCoin> {
    coins.into_iter().map(|coin| KeyCoin { coin, number: number(octet) }).collect()
}

fn detect(node: &Node, coins: &[KeyCoin], options: &Options) -> Vec<bool> {
    client::detect(&target(node.address()), coins, options).unwrap().value
}

#[test]
fn coins_are_issued_and_change_hands_over_both_transports() {
    let node = Node::start();
    for (transport, first) in BOTH.into_iter().zip([0, 500_000]) {
        let options = over(transport);
        let coins = issue(&node, &[coin(0, first), coin(6, first), coin(-8, first)], &options);
        assert_eq!(detect(&node, &coins, &options), [true; 3]);
        let powned = pown(&node, &coins, 9, &options);
        assert_eq!(detect(&node, &powned, &options), [true; 3]);
        assert_eq!(detect(&node, &coins, &options), [false; 3], "the old owner");
        let never_issued = owned([coin(0, first + 1)], 0);
        assert_eq!(detect(&node, &never_issued, &options), [false]);
    }
}

#[test]
fn a_coin_is_broken_and_joined_again_over_both_transports() {
    let node = Node::start();
    let target = target(node.address());
    let mut denomination = 0;
    for transport in BOTH {
        denomination += 2;
        let options = over(transport);
        let whole = issue(&node, &[coin(denomination, 77)], &options).remove(0);
        let from = Denomination::new(denomination).unwrap();
        let free = client::available_change(&target, SESSION, Change::Break, from, &options).unwrap().value;
        let pieces: [KeyCoin; 10] = owned(free.into_iter().take(10), 3).try_into().unwrap();
        client::break_coin(&target, SESSION, &whole, &pieces, &options).unwrap();
        assert_eq!(detect(&node, std::slice::from_ref(&whole), &options), [false]);
        assert_eq!(detect(&node, &pieces, &options), [true; 10]);
        assert!(client::break_coin(&target, SESSION, &whole, &pieces, &options).is_err(), "it is gone");

        let lower = from.lower().unwrap();
        let free = client::available_change(&target, SESSION, Change::Join, lower, &options).unwrap().value;
        let joined = owned(free.into_iter().take(1), 4).remove(0);
        client::join_coins(&target, SESSION, &joined, &pieces, &options).unwrap();
        assert_eq!(detect(&node, &pieces, &options), [false; 10]);
        assert_eq!(detect(&node, &[joined], &options), [true]);
    }
}

#[test]
fn a_locker_is_filled_seen_and_emptied_over_both_transports() {
    let node = Node::start();
    let target = target(node.address());
    for (transport, first) in BOTH.into_iter().zip([10, 20]) {
        let options = over(transport);
        let key = client::locker_key(0, &format!("kites over the harbour {first}"));
        assert!(client::peek(&target, &key, &options).unwrap().value.is_empty());
        let coins = issue(&node, &[coin(1, first), coin(2, first)], &options);
        assert!(client::store(&target, &coins, &key, &options).unwrap().value);
        let seen = client::peek(&target, &key, &options).unwrap().value;
        assert_eq!(seen, [coin(1, first), coin(2, first)]);
        assert_eq!(client::remove(&target, &key, &owned(seen, 8), &options).unwrap().value, [true; 2]);
        assert!(client::peek(&target, &key, &options).unwrap().value.is_empty());
        assert_eq!(detect(&node, &owned([coin(1, first), coin(2, first)], 8), &options), [true; 2]);
    }
}

#[test]
fn an_issued_coin_encrypts_requests_and_its_former_number_does_not() {
    let node = Node::start();
    let clear = over(Transport::Tcp);
    let key = issue(&node, &[coin(3, 3)], &clear).remove(0);
    let renewed = pown(&node, std::slice::from_ref(&key), 6, &clear).remove(0);
    for transport in BOTH {
        let options = over(transport);
        let encrypted = Target { envelope: Envelope::Coin(renewed.clone()), ..target(node.address()) };
        let answer = client::detect(&encrypted, std::slice::from_ref(&renewed), &options).unwrap();
        assert_eq!(answer.value, [true]);
        let stale = Target { envelope: Envelope::Coin(key.clone()), ..target(node.address()) };
        assert!(client::detect(&stale, std::slice::from_ref(&renewed), &options).is_err());
    }
}

#[test]
fn a_datagram_that_takes_its_own_key_away_gets_the_same_answer_when_it_comes_again() {
    let node = Node::start();
    let clear = over(Transport::Tcp);
    for (denomination, is_long) in [(2, false), (4, true)] {
        let [powned, broken] = [1, 2].map(|number| issue(&node, &[coin(denomination, number)], &clear).remove(0));
        let from = Denomination::new(denomination).unwrap();
        let free = client::available_change(&target(node.address()), SESSION, Change::Break, from, &clear);
        let pieces = owned(free.unwrap().value.into_iter().take(10), 3);
        let claims = |coins: &[KeyCoin]| -> Vec<u8> {
            coins.iter().flat_map(|owned| [&owned.coin.raw().0[..], owned.number.octets()].concat()).collect()
        };
        let pown = [claims(std::slice::from_ref(&powned)), vec![5; 16]].concat();
        let session = SESSION.get().to_be_bytes();
        let break_up = [&session[..], &claims(std::slice::from_ref(&broken)), &claims(&pieces)].concat();
        for (command, key, payload, expected) in
            [(Command::POWN, &powned, pown, Status::ALL_PASS), (Command::BREAK, &broken, break_up, Status::SUCCESS)]
        {
            let KeyCoin { coin, number } = key;
            let sender = if is_long {
                Sender::Coin256 { coin: *coin, number, nonce: [8; 24] }
            } else {
                Sender::Coin { coin: *coin, number, nonce: [8; 8], challenge: Challenge::new([7; 12]) }
            };
            let request = Request::new(Recipient { raida_id: 0, coin_id: 6, shard: 0 }, command, sender);
            let mut datagram = vec![0; request.built_len(payload.len())];
            let (_, pending) = request.build(&mut datagram, &payload).unwrap();
            let socket = ask::udp_socket(node.address());
            let [first, again] = [(); 2].map(|()| {
                socket.send(&datagram).unwrap();
                ask::receive(&socket).unwrap()
            });
            assert_eq!(pending.read(&mut first.clone()).unwrap().status, expected, "{command}");
            assert_eq!(again, first, "{command}");
        }
        assert_eq!(detect(&node, &[powned, broken], &clear), [false; 2]);
        assert_eq!(detect(&node, &pieces, &clear), [true; 10]);
    }
}

#[test]
fn coins_change_hands_under_every_encryption_over_both_transports() {
    let node = Node::start();
    let clear = over(Transport::Tcp);
    let keys = issue(&node, &[coin(4, 1), coin(4, 2), coin(4, 3)], &clear);
    let locker = client::locker_key(0, "a locker for keys");
    assert!(client::store(&target(node.address()), &keys[2..], &locker, &clear).unwrap().value);
    let [first, second] = [0, 1].map(|place: usize| keys[place].clone());
    let envelopes = [
        Envelope::Clear,
        Envelope::Coin(first.clone()),
        Envelope::Locker(locker),
        Envelope::Coin256(first.clone()),
        Envelope::TwoCoins(second, first),
    ];
    for ((place, envelope), transport) in
        (0_u8..).zip(envelopes).flat_map(|envelope| BOTH.map(|t| (envelope.clone(), t)))
    {
        let options = over(transport);
        let encrypted = Target { envelope, ..target(node.address()) };
        let first = u32::from(place) * 10 + u32::from(transport == Transport::Udp) * 100;
        let coins = issue(&node, &[coin(5, first), coin(-5, first + 1)], &clear);
        let renewals: Vec<_> = coins
            .iter()
            .map(|KeyCoin { coin, number: old }| Renewal { coin: *coin, number: old.clone(), proposed: number(place) })
            .collect();
        assert_eq!(client::pown(&encrypted, &renewals, &options).unwrap().value, [true; 2]);
        assert_eq!(client::detect(&encrypted, &coins, &options).unwrap().value, [false; 2]);
        let renewed = owned(coins.iter().map(|owned| owned.coin), place);
        assert_eq!(client::detect(&encrypted, &renewed, &options).unwrap().value, [true; 2]);
        let key = client::locker_key(0, &format!("{place} {transport:?}"));
        assert!(client::store(&encrypted, &renewed, &key, &options).unwrap().value);
        assert_eq!(client::peek(&encrypted, &key, &options).unwrap().value.len(), 2);
        assert_eq!(client::remove(&encrypted, &key, &coins, &options).unwrap().value, [true; 2]);
        assert_eq!(detect(&node, &coins, &clear), [true; 2]);
    }
}

#[test]
fn what_was_acknowledged_is_there_after_every_end() {
    let folder = tempfile::tempdir().unwrap();
    let mut expected = Vec::new();
    let mut locker = None;
    for (round, end) in (0_u8..).zip([Signal::KILL, Signal::TERM, Signal::KILL, Signal::INT, Signal::KILL]) {
        let mut node = Node::builder().start_in(folder.path());
        let options = over(BOTH[usize::from(round % 2)]);
        if !expected.is_empty() {
            let passed = detect(&node, &expected, &options);
            assert!(passed.iter().all(|passed| *passed), "round {round}: {passed:?}");
        }
        if let Some((key, kept)) = &locker {
            let seen = client::peek(&target(node.address()), key, &options).unwrap().value;
            assert_eq!(&seen, kept, "round {round}");
        }
        let coins = issue(&node, &[coin(0, u32::from(round)), coin(1, u32::from(round))], &options);
        let key = client::locker_key(0, &round.to_string());
        let (stored, powned) = coins.split_at(1);
        assert!(client::store(&target(node.address()), stored, &key, &options).unwrap().value);
        locker = Some((key, vec![stored[0].coin]));
        expected.extend(pown(&node, powned, 100 + round, &options));
        node.signal(end);
        let status = node.wait();
        assert_eq!(status.code(), (end != Signal::KILL).then_some(0), "{end:?}");
    }
    let node = Node::builder().start_in(folder.path());
    assert_eq!(detect(&node, &expected, &over(Transport::Tcp)), [true; 5]);
}
