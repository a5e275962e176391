//! The rulings of protocol §1.11 and §5 that no defect and no vector covers.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use raida_node::testing::{
    Coins, HandClock, PEER, ask, ask_at, ask_from, exchange, in_clear, node_of, settings, surroundings,
};
use raida_node::{Hear, Node, Peers, ReservationLimit, Settings, Surroundings};
use raida_reactor::service::{Place, Transport};
use raida_wire::{Command, Recipient, Request, Sender, Status};

use crate::payload::{self, Number, coin, raw, u32_at};

const A: Number = [0xA1; 16];
const B: Number = [0xB2; 16];
const UDP: Transport = Transport::Udp { datagram: 1440, limit: 1440 };

fn coins() -> Coins {
    (0..20).fold(Coins::new(), |coins, n| coins.with_coin(coin(0, n), A.into()))
}

/// A node that sees what time it is.
fn node_and_clock() -> (Node, HandClock) {
    let clock = HandClock::default();
    (Node::new(settings(14), Surroundings { clock: Arc::new(clock.clone()), ..surroundings(&coins()) }), clock)
}

#[test]
fn detect_on_shards_1_and_2_is_48() {
    let (node, claim) = (node_of(14, &coins()), payload::claims(&[(raw(0, 1), A)]));
    for (shard, expected) in [(0, 241), (1, 48), (2, 48), (3, 241)] {
        let (mut octets, _) = in_clear(&node, Command::DETECT, &claim);
        octets[3] = shard;
        assert_eq!(ask(&node, &octets, Transport::Tcp).unwrap()[2], expected);
    }
}

#[test]
fn a_coin_powned_twice_in_one_request_needs_the_first_pan_the_second_time() {
    let node = node_of(14, &coins());
    let in_turn = payload::exchanges(&[(raw(0, 1), A, B), (raw(0, 1), B, A), (raw(0, 1), B, A)]);
    assert_eq!(exchange(&node, Command::POWN, &in_turn), (Status::MIXED, vec![0b011]));
}

#[test]
fn removed_coins_are_told_in_one_octet_more_where_eight_divides_their_number() {
    const KEY: Number = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 255, 255, 255, 255];
    let locked = (0..8).fold(Coins::new(), |coins, n| coins.with_coin(coin(0, n), KEY.into()));
    let node = node_of(14, &locked.with_coin(coin(0, 9), KEY.into()));
    let remove = |numbers: std::ops::Range<u32>| {
        let list: Vec<_> = numbers.map(|n| (raw(0, n), A)).collect();
        exchange(&node, Command::REMOVE, &payload::remove(KEY, &list))
    };
    assert_eq!(remove(0..8), (Status::ALL_PASS, vec![0xFF, 0]));
    assert_eq!(remove(0..8), (Status::ALL_FAIL, vec![0, 0]));
    assert_eq!(remove(8..10), (Status::MIXED, vec![0b10]));
    assert_eq!(remove(8..10), (Status::ALL_FAIL, vec![]), "the locker is empty: there is none");
}

#[test]
fn a_coin_named_twice_is_judged_twice_and_stands_on_its_ticket_once() {
    let node = node_of(14, &coins());
    let [one, two] = [(raw(0, 1), A), (raw(0, 2), A)];
    for (named, expected) in [(vec![two, one, two, one], vec![]), (vec![two, (raw(0, 3), B), one, two], vec![0b1101])] {
        let (_, answer) = exchange(&node, Command::GET_TICKET, &payload::claims(&named));
        let (bits, number) = answer.split_at(answer.len() - 4);
        assert_eq!(bits, expected);
        let redeemed = exchange(&node, Command::VALIDATE_TICKET, &payload::ticket(3, u32_at(number, 0)));
        assert_eq!(redeemed, (Status::SUCCESS, [raw(0, 2), raw(0, 1)].concat()));
    }
}

#[test]
fn claims_on_tickets_come_from_the_address_of_their_node() {
    struct AtTwo;
    impl Peers for AtTwo {
        fn validate(&self, _: &[(u8, u32)], _: &mut Hear<'_>) {}

        fn may_claim(&self, raida_id: u8, from: IpAddr) -> bool {
            raida_id == 2 && from == IpAddr::from([192, 0, 2, 2])
        }
    }
    for claims_by_address in [true, false] {
        let surroundings = Surroundings { peers: Arc::new(AtTwo), ..surroundings(&coins()) };
        let node = Node::new(Settings { claims_by_address, ..settings(14) }, surroundings);
        let (_, ticket) = exchange(&node, Command::GET_TICKET, &payload::claims(&[(raw(0, 1), A)]));
        let claim = |raida_id, address: &str| {
            let payload = payload::ticket(raida_id, u32_at(&ticket, 0));
            let (octets, _) = in_clear(&node, Command::VALIDATE_TICKET, &payload);
            let peer = (address.parse::<IpAddr>().unwrap(), 7).into();
            Status(ask_from(&node, &octets, Transport::Tcp, peer).unwrap()[2])
        };
        let refused = if claims_by_address { Status::ADMIN_AUTH } else { Status::SUCCESS };
        assert_eq!(claim(3, "192.0.2.2"), refused);
        assert_eq!(claim(1, "192.0.2.1"), refused);
        assert_eq!(claim(25, "192.0.2.2"), Status::WRONG_RAIDA);
        assert_eq!(claim(2, "::ffff:192.0.2.2"), Status::SUCCESS);
        assert_eq!(claim(2, "192.0.2.2"), Status::TICKET_CLAIMED_ALREADY);
    }
}

#[test]
fn a_claim_whose_answer_got_lost_is_answered_again() {
    let (node, clock) = node_and_clock();
    let (get, _) = in_clear(&node, Command::GET_TICKET, &payload::claims(&[(raw(0, 1), A), (raw(0, 1), B)]));
    let ticket = ask(&node, &get, UDP).unwrap();
    assert_eq!(ask(&node, &get, UDP).unwrap(), ticket, "the same ticket");
    let (claim, _) = in_clear(&node, Command::VALIDATE_TICKET, &payload::ticket(3, u32_at(&ticket, 33)));
    let answer = ask(&node, &claim, UDP).unwrap();
    assert_eq!(answer[2], 250);
    assert_eq!(ask(&node, &claim, UDP).unwrap(), answer);
    assert_eq!(ask_from(&node, &claim, UDP, ([127, 0, 0, 1], 1).into()).unwrap()[2], 44, "another sender");
    assert_eq!(ask(&node, &claim, Transport::Tcp).unwrap()[2], 44);
    clock.advance(Duration::from_secs(10));
    assert_eq!(ask(&node, &claim, UDP).unwrap()[2], 44);
}

#[test]
fn reservations_of_change_end_sixteen_seconds_after_the_last_call() {
    let (node, clock) = node_and_clock();
    let offered = |session| {
        let (_, answer) = exchange(&node, Command::GET_AVAILABLE_CHANGE_SNS, &payload::change(session, 1, 1));
        assert_eq!((answer[0], answer.len()), (0, 1 + 64 * 4));
        u32_at(&answer, 1)
    };
    assert_eq!((offered(7), offered(8), offered(0), offered(7)), (20, 84, 148, 20));
    clock.advance(Duration::from_secs(15));
    assert_eq!((offered(7), offered(9)), (20, 148));
    clock.advance(Duration::from_secs(1));
    assert_eq!(offered(9), 84, "8 has not called again, 7 has");
}

#[test]
fn pages_that_another_session_keeps_are_passed_over() {
    let (node, clock) = node_and_clock();
    let first = |session| {
        let (_, answer) = exchange(&node, Command::GET_AVAILABLE_SNS, &payload::available(session, &[0]));
        (answer[1], answer[2], u32_at(&answer, 3), u32_at(&answer, 7))
    };
    assert_eq!(first(7), (1, 0, 20, 1048), "1029 numbers, on pages 0 and 1");
    assert_eq!(first(8), (1, 0, 2048, 3076));
    assert_eq!(first(7), (1, 0, 20, 1048));
    let create = |session, n| exchange(&node, Command::CREATE_COINS, &payload::create(session, &[raw(0, n)])).0;
    assert_eq!(create(8, 2047), Status::PAGE_IS_NOT_RESERVED);
    assert_eq!((create(7, 2047), create(8, 2048)), (Status::SUCCESS, Status::SUCCESS));
    assert_eq!(create(0xEEEE_EEEE, 2046), Status::SUCCESS);
    clock.advance(Duration::from_secs(16));
    assert_eq!(create(7, 2045), Status::PAGE_IS_NOT_RESERVED);
    assert_eq!(first(8), (1, 0, 20, 1048));
    assert_eq!(first(0).2, 2049, "session 0 is offered what is open");
    assert_eq!(create(0, 4000), Status::PAGE_IS_NOT_RESERVED, "and owns nothing");
}

#[test]
fn no_free_number_anywhere_is_250_without_body() {
    let node = node_of(14, &coins());
    let none = payload::available(7, &[]);
    assert_eq!(exchange(&node, Command::GET_AVAILABLE_SNS, &none), (Status::SUCCESS, vec![]));
}

#[test]
fn bitmaps_and_pages_never_travel_in_datagrams() {
    let node = node_of(14, &coins());
    let (octets, _) = in_clear(&node, Command::GET_ALL_SNS, &payload::all_numbers(0));
    let udp = Transport::Udp { datagram: octets.len(), limit: 65_507 };
    assert_eq!(ask(&node, &octets, udp).unwrap()[2], 15);
}

#[test]
fn a_coin_that_is_not_in_memory_is_detected_on_a_worker_whatever_the_encryption() {
    let key = A.into();
    let (coin_of_key, challenge) = (coin(0, 0), raida_wire::Challenge::new([7; 12]));
    let senders = [
        Sender::Nobody { echo: [1, 2], challenge },
        Sender::Coin { coin: coin_of_key, number: &key, nonce: [3; 8], challenge },
        Sender::Coin256 { coin: coin_of_key, number: &key, nonce: [3; 24] },
        Sender::TwoCoins { first: (coin_of_key, &key), second: (coin_of_key, &key), nonce: [3; 19] },
    ];
    for sender in senders {
        // The key is at hand, the coin is not: the body is opened and has to be put back for the worker.
        let fresh = || {
            let node = node_of(14, &coins().with_coin(coin(5, 1_000), B.into()).cold());
            node.store().read(coin_of_key).unwrap();
            node
        };
        let request = Request::new(Recipient { raida_id: 14, coin_id: 6, shard: 0 }, Command::DETECT, sender);
        let claims = payload::claims(&[(raw(5, 1_000), B)]);
        let mut octets = vec![0; request.built_len(claims.len())];
        let (_, pending) = request.build(&mut octets, &claims).unwrap();
        assert_eq!(ask_at(&fresh(), &octets, Transport::Tcp, Place::Reactor), None);
        let node = fresh();
        let mut answer = ask_from(&node, &octets, Transport::Tcp, PEER).unwrap();
        assert_eq!(pending.read(&mut answer).unwrap().status, Status::ALL_PASS);
        assert!(ask_at(&node, &octets, Transport::Tcp, Place::Reactor).is_some(), "from now on it is at hand");
    }
}

#[test]
fn a_stranger_who_asks_for_change_without_end_leaves_numbers_to_others() {
    let reservations = ReservationLimit { numbers_max: 256, per_address_max: 160 };
    let (clock, base) = (HandClock::default(), surroundings(&coins()));
    let here = Surroundings { clock: Arc::new(clock.clone()), ..base };
    let node = Node::new(Settings { reservations, ..settings(14) }, here);
    let offered = |from: [u8; 4], session: u32| {
        let payload = [&session.to_be_bytes()[..], &[1, 1]].concat();
        let (octets, pending) = in_clear(&node, Command::GET_AVAILABLE_CHANGE_SNS, &payload);
        let mut answer = ask_from(&node, &octets, Transport::Tcp, (from, 40_000).into()).unwrap();
        (pending.read(&mut answer).unwrap().payload.len() - 1) / 4
    };
    let greedy: Vec<_> = (1..6).map(|session| offered([192, 0, 2, 1], session)).collect();
    assert_eq!(greedy, [64, 64, 32, 0, 0]);
    assert_eq!(node.statistics().refusals().reservations.get(), 3);
    assert_eq!([7, 8].map(|session| offered([192, 0, 2, 2], session)), [64, 64], "and gives to another address");
    clock.advance(Duration::from_secs(16));
    assert_eq!(offered([192, 0, 2, 1], 9), 64, "reservations end");
}
