//! The defects of protocol §9 that a node in this language and shape could have, one test each.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use raida_node::testing::{
    ADMIN_KEY, Coins, HandClock, MONTH, ask, ask_from, exchange, in_clear, node_of, settings, surroundings,
};
use raida_node::{BreakLimit, Node, Settings, Surroundings};
use raida_reactor::service::Transport;
use raida_store::testing::Disk;
use raida_store::{PageId, Record, pages};
use raida_wire::audit::Counts;
use raida_wire::{AuthenticityNumber, CoinId, Command, Denomination, Recipient, Request, Sender, Status, registry};

use crate::payload::{self, Number, coin, id, raw, u32_at, xor};

const A: Number = [0xA1; 16];
const B: Number = [0xB2; 16];
const C: Number = [0xC3; 16];
const LOCKER: Number = [7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 255, 255, 255, 255];
const ANYWHERE: u32 = 0xEEEE_EEEE;
const UDP: Transport = Transport::Udp { datagram: 1440, limit: 1440 };

/// Coins 0:1 with A and 0:2 with B; ten of denomination -1, each with C.
fn coins() -> Coins {
    let two = Coins::new().with_coin(coin(0, 1), A.into()).with_coin(coin(0, 2), B.into());
    (0..10).fold(two, |coins, number| coins.with_coin(coin(-1, number), C.into()))
}

fn node() -> Node {
    node_of(14, &coins())
}

fn number(node: &Node, coin: CoinId) -> Option<Number> {
    node.store().read(coin).unwrap().map(|record| *record.an.octets())
}

fn list(denomination: i8, numbers: impl IntoIterator<Item = u32>, number: Number) -> Vec<([u8; 5], Number)> {
    numbers.into_iter().map(|serial_number| (raw(denomination, serial_number), number)).collect()
}

fn is_authentic(node: &Node, coin: CoinId, number: Number) -> bool {
    exchange(node, Command::DETECT, &payload::claims(&[(id(coin), number)])).0 == Status::ALL_PASS
}

/// Free serial numbers that are kept for this session now.
fn reserve(node: &Node, session: u32, operation: u8, denomination: i8) -> Vec<u32> {
    let payload = payload::change(session, operation, denomination);
    let (status, answer) = exchange(node, Command::GET_AVAILABLE_CHANGE_SNS, &payload);
    assert_eq!(status, Status::SUCCESS);
    answer[1..].chunks(4).map(|number| u32_at(number, 0)).collect()
}

#[test]
fn defect_01_store_refuses_a_coin_listed_twice_whose_xor_is_zero() {
    let node = node();
    let twice = payload::sum(&[raw(0, 1), raw(0, 1)], [0; 16], Some(LOCKER));
    assert_eq!(exchange(&node, Command::STORE, &twice).0, Status::INVALID_SN_OR_DENOMINATION);
    assert_eq!(number(&node, coin(0, 1)), Some(A));
}

#[test]
fn defect_02_sums_refuse_a_coin_listed_twice() {
    let node = node();
    for coins in [vec![raw(0, 1), raw(0, 1)], vec![raw(0, 1), raw(0, 2), raw(0, 1)]] {
        let sum = if coins.len() == 2 { [0; 16] } else { B };
        let (detect, pown) = (payload::sum(&coins, sum, None), payload::sum(&coins, sum, Some(C)));
        assert_eq!(exchange(&node, Command::DETECT_SUM, &detect).0, Status::INVALID_SN_OR_DENOMINATION);
        assert_eq!(exchange(&node, Command::POWN_SUM, &pown).0, Status::INVALID_SN_OR_DENOMINATION);
    }
    assert_eq!((number(&node, coin(0, 1)), number(&node, coin(0, 2))), (Some(A), Some(B)));
}

#[test]
fn defect_03_break_takes_only_numbers_that_are_free_and_reserved() {
    let node = node();
    let break_into = |session, numbers: Vec<u32>| {
        exchange(&node, Command::BREAK, &payload::whole(session, raw(0, 1), A, &list(-1, numbers, B))).0
    };
    let offered = reserve(&node, 7, 1, 0);
    assert_eq!(offered, (10..74).collect::<Vec<_>>());
    assert_eq!(break_into(0, offered[..10].to_vec()), Status::PAGE_IS_NOT_RESERVED, "session 0 owns nothing");
    assert_eq!(break_into(8, offered[..10].to_vec()), Status::PAGE_IS_NOT_RESERVED, "another's reservation");
    assert_eq!(break_into(7, (5..15).collect()), Status::PAGE_IS_NOT_RESERVED, "five belong to somebody");
    // Reserved, but issued since.
    let create = payload::create(ANYWHERE, &[raw(-1, 12)]);
    assert_eq!(exchange(&node, Command::CREATE_COINS, &create).0, Status::SUCCESS);
    assert_eq!(break_into(7, offered[..10].to_vec()), Status::PAGE_IS_NOT_RESERVED, "12 is not free any more");
    assert_eq!(number(&node, coin(0, 1)), Some(A));
    assert!((0..10).all(|n| number(&node, coin(-1, n)) == Some(C)));
    assert_eq!(break_into(7, offered[10..20].to_vec()), Status::SUCCESS);
    assert_eq!(number(&node, coin(-1, 20)), Some(B));
}

#[test]
fn defect_04_join_wants_ten_different_coins_and_spends_them() {
    let node = node();
    let target = reserve(&node, 7, 2, -1)[0];
    let join = |sources: &[_]| exchange(&node, Command::JOIN, &payload::whole(7, raw(0, target), A, sources)).0;
    assert_eq!(join(&list(-1, [3; 10], C)), Status::INVALID_SN_OR_DENOMINATION);
    assert_eq!(join(&list(-1, [0, 1, 2, 3, 4, 5, 6, 7, 8, 8], C)), Status::INVALID_SN_OR_DENOMINATION);
    assert_eq!(node.store().issued().0[7..9], [10, 2]);
    assert_eq!(join(&list(-1, 0..10, C)), Status::SUCCESS);
    assert_eq!(node.store().issued().0[7..9], [0, 3], "ten are gone, one is there");
    assert!((0..10).all(|n| !is_authentic(&node, coin(-1, n), C)));
    let made = node.store().read(coin(0, target)).unwrap();
    assert_eq!(made, Some(Record { an: A.into(), month: MONTH }), "issued, with the month");
}

#[test]
fn defect_05_a_broken_coin_has_no_number_that_could_be_guessed() {
    let node = node();
    let targets = reserve(&node, 7, 1, 0);
    let payload = payload::whole(7, raw(0, 1), A, &list(-1, targets[..10].to_vec(), B));
    assert_eq!(exchange(&node, Command::BREAK, &payload).0, Status::SUCCESS);
    assert_eq!(number(&node, coin(0, 1)), None);
    let stand_in = *node.store().unissued_number(coin(0, 1)).octets();
    assert!(!is_authentic(&node, coin(0, 1), A) && !is_authentic(&node, coin(0, 1), stand_in));
}

#[test]
fn defect_06_unissued_coins_are_not_authentic_under_any_number_that_anybody_knows() {
    let node = node();
    let free = coin(0, 9);
    for known in [pages::initial_number(free), *node.store().unissued_number(free).octets(), [0; 16]] {
        let pown = payload::exchanges(&[(id(free), known, A)]);
        assert_eq!(exchange(&node, Command::POWN, &pown).0, Status::ALL_FAIL);
        let store = payload::sum(&[id(free)], known, Some(LOCKER));
        assert_eq!(exchange(&node, Command::STORE, &store).0, Status::ALL_FAIL);
        let shift = payload::sum(&[id(free), raw(0, 1)], xor(&[known, A]), Some(C));
        assert_eq!(exchange(&node, Command::POWN_SUM, &shift).0, Status::ALL_FAIL);
        let sum = payload::sum(&[id(free)], known, None);
        assert_eq!(exchange(&node, Command::DETECT_SUM, &sum).0, Status::ALL_FAIL);
        assert!(!is_authentic(&node, free, known));
        assert_eq!(exchange(&node, Command::GET_TICKET, &payload::claims(&[(id(free), known)])).0, Status::ALL_FAIL);
    }
    assert_eq!(number(&node, coin(0, 1)), Some(A));
}

#[test]
fn defect_07_created_coins_have_random_numbers_and_issued_ones_are_left_alone() {
    let node = node();
    for listed in [vec![raw(0, 5), raw(0, 1)], vec![raw(0, 5), raw(0, 6), raw(0, 5)]] {
        let create = payload::create(ANYWHERE, &listed);
        assert_eq!(exchange(&node, Command::CREATE_COINS, &create), (Status::INVALID_SN_OR_DENOMINATION, vec![]));
        assert_eq!((number(&node, coin(0, 1)), number(&node, coin(0, 5))), (Some(A), None), "all or nothing");
    }
    let create = payload::create(ANYWHERE, &[raw(0, 5), raw(0, 6)]);
    let mut seen = BTreeSet::new();
    for _ in 0..3 {
        let (status, numbers) = exchange(&node, Command::CREATE_COINS, &create);
        assert_eq!((status, numbers.len()), (Status::SUCCESS, 32));
        assert_eq!(numbers, [5, 6].map(|n| number(&node, coin(0, n)).unwrap()).concat(), "what is stored now");
        seen.extend(numbers.chunks(16).map(<[u8]>::to_vec));
        assert_eq!(exchange(&node, Command::FREE_COINS, &create).0, Status::SUCCESS);
    }
    assert_eq!(seen.len(), 6);
}

#[test]
fn defect_08_an_old_locker_key_takes_nothing_that_has_left_the_locker() {
    let node = node();
    let store = payload::sum(&[raw(0, 1), raw(0, 2)], xor(&[A, B]), Some(LOCKER));
    assert_eq!(exchange(&node, Command::STORE, &store).0, Status::ALL_PASS);
    assert_eq!(exchange(&node, Command::POWN, &payload::exchanges(&[(raw(0, 1), LOCKER, C)])).0, Status::ALL_PASS);
    let both = [(raw(0, 1), A), (raw(0, 2), A)];
    assert_eq!(exchange(&node, Command::REMOVE, &payload::remove(LOCKER, &both)), (Status::MIXED, vec![0b10]));
    assert_eq!((number(&node, coin(0, 1)), number(&node, coin(0, 2))), (Some(C), Some(A)));
    assert_eq!(exchange(&node, Command::REMOVE, &payload::remove(LOCKER, &both)), (Status::ALL_FAIL, vec![]));
}

#[test]
fn defect_09_page_data_is_for_listed_mirrors_alone() {
    let listed = Settings { mirror_keys: vec![coin(0, 1)], ..settings(14) };
    let node = Node::new(listed, surroundings(&coins()));
    let (first, second) = (A.into(), B.into());
    let nonce = [3; 24];
    let cases = [
        (Sender::Coin256 { coin: coin(0, 1), number: &first, nonce }, Status::SUCCESS),
        (Sender::Coin256 { coin: coin(0, 2), number: &second, nonce }, Status::ADMIN_AUTH),
        (
            Sender::TwoCoins { first: (coin(0, 2), &second), second: (coin(0, 1), &first), nonce: [1; 19] },
            Status::SUCCESS,
        ),
    ];
    let recipient = Recipient { raida_id: 14, coin_id: 6, shard: 0 };
    for (sender, expected) in cases {
        let request = Request::new(recipient, Command::GET_PAGE_DATA, sender);
        let mut octets = vec![0; request.built_len(5)];
        let (_, pending) = request.build(&mut octets, &raw(0, 0)).unwrap();
        let mut answer = ask(&node, &octets, Transport::Tcp).unwrap();
        let response = pending.read(&mut answer).unwrap();
        assert_eq!(response.status, expected);
        if expected == Status::SUCCESS {
            assert_eq!((response.payload.len(), &response.payload[17..33]), (17_408, &A[..]));
        } else {
            assert!(response.payload.is_empty());
        }
        let over_udp = pending.read(&mut ask(&node, &octets, UDP).unwrap()).unwrap().status;
        assert_eq!(over_udp, if expected == Status::SUCCESS { Status::INVALID_UDP_FRAME_COUNT } else { expected });
    }
    assert_eq!(exchange(&node, Command::GET_PAGE_DATA, &raw(0, 0)), (Status::ADMIN_AUTH, vec![]));
}

#[test]
fn defect_10_a_wrong_challenge_gets_no_signature_whatever_came_before() {
    let node = node();
    let (octets, _) = in_clear(&node, Command::DETECT, &payload::claims(&[(raw(0, 1), A)]));
    assert!(ask(&node, &octets, UDP).unwrap()[16..32].iter().any(|octet| *octet != 0));
    let mut spoilt = octets;
    spoilt[40] ^= 1;
    let answer = ask(&node, &spoilt, UDP).unwrap();
    assert_eq!((answer[2], &answer[16..32]), (Status::INVALID_CRC.0, &[0; 16][..]));
}

#[test]
fn defect_11_freed_deleted_and_joined_coins_are_not_authentic_any_more() {
    let node = node();
    assert_eq!(
        exchange(&node, Command::FREE_COINS, &payload::create(0, &[raw(0, 1), raw(9, 9)])),
        (Status::SUCCESS, vec![])
    );
    let deleted = exchange(&node, Command::DELETE_COINS, &payload::delete(&[(raw(0, 2), B), (raw(-1, 0), A)]));
    assert_eq!(deleted, (Status::MIXED, vec![1]));
    assert!(!is_authentic(&node, coin(0, 1), A) && !is_authentic(&node, coin(0, 2), B));
    assert!(is_authentic(&node, coin(-1, 0), C));
    assert_eq!(exchange(&node, Command::POWN, &payload::exchanges(&[(raw(0, 1), A, B)])).0, Status::ALL_FAIL);
}

#[test]
fn defect_12_free_and_issued_numbers_never_mix() {
    let node = node();
    let check = |issued: &[u32]| {
        let (_, bits) = exchange(&node, Command::GET_ALL_SNS, &payload::all_numbers(0));
        assert_eq!((bits.len(), &bits[..5]), (128_005, &[0, 0, 1, 0xF4, 0][..]));
        let set = (0..1_024_000).filter(|sn| bits[5 + sn / 8] >> (sn % 8) & 1 == 1);
        assert_eq!(set.map(|sn| u32::try_from(sn).unwrap()).collect::<Vec<_>>(), issued);
        let offered = reserve(&node, 0, 2, -1);
        let free: Vec<_> = (0..).filter(|sn| !issued.contains(sn)).take(64).collect();
        assert_eq!(offered, free);
    };
    check(&[1, 2]);
    assert_eq!(exchange(&node, Command::CREATE_COINS, &payload::create(ANYWHERE, &[raw(0, 9)])).0, Status::SUCCESS);
    check(&[1, 2, 9]);
    assert_eq!(exchange(&node, Command::FREE_COINS, &payload::create(0, &[raw(0, 2)])).0, Status::SUCCESS);
    check(&[1, 9]);
}

#[test]
fn defect_13_admin_keys_in_clear_count_from_loopback_only() {
    let abroad = ([192, 0, 2, 7], 9).into();
    let in_disguise = (std::net::Ipv4Addr::LOCALHOST.to_ipv6_mapped(), 9).into();
    let number = AuthenticityNumber::new(A);
    let requests = [
        (Command::GET_AVAILABLE_SNS, payload::available(1, &[0])),
        (Command::CREATE_COINS, payload::create(ANYWHERE, &[raw(0, 50)])),
        (Command::DELETE_COINS, payload::delete(&[(raw(-1, 3), C)])),
        (Command::FREE_COINS, payload::create(0, &[raw(-1, 4)])),
        (Command::GET_ALL_SNS, payload::all_numbers(0)),
    ];
    for admin_in_clear in [false, true] {
        let node = Node::new(Settings { admin_in_clear, ..settings(14) }, surroundings(&coins()));
        for (command, payload) in &requests {
            let (octets, _) = in_clear(&node, *command, payload);
            let expected = if admin_in_clear { Status::SUCCESS } else { Status::ADMIN_AUTH };
            let expected =
                if admin_in_clear && *command == Command::DELETE_COINS { Status::ALL_PASS } else { expected };
            let status = |octets: &[u8], peer| Status(ask_from(&node, octets, Transport::Tcp, peer).unwrap()[2]);
            assert_eq!(status(&octets, abroad), expected, "{command}");
            if !admin_in_clear {
                let sender = Sender::Coin256 { coin: coin(0, 1), number: &number, nonce: [3; 24] };
                let request = Request::new(Recipient { raida_id: 14, coin_id: 6, shard: 0 }, *command, sender);
                let mut sealed = vec![0; request.built_len(payload.len())];
                request.build(&mut sealed, payload).unwrap();
                assert_ne!(status(&sealed, abroad), Status::ADMIN_AUTH, "{command}");
                assert_ne!(status(&octets, in_disguise), Status::ADMIN_AUTH, "{command}");
            }
        }
    }
    let node = node();
    for place in 0..16 {
        let mut wrong = payload::all_numbers(0);
        wrong[place] ^= 1;
        assert_eq!(exchange(&node, Command::GET_ALL_SNS, &wrong), (Status::ADMIN_AUTH, vec![]));
    }
}

#[test]
fn defect_16_audit_is_75_octets_and_counts_every_denomination() {
    let all = Denomination::all().zip(1..).fold(Coins::new(), |coins, (denomination, count)| {
        (0..count).fold(coins, |coins, n| coins.with_coin(coin(denomination.exponent(), n), A.into()))
    });
    let (status, answer) = exchange(&node_of(14, &all), Command::AUDIT, b"");
    let expected = Counts(std::array::from_fn(|place| u32::try_from(place + 1).unwrap()));
    assert_eq!((status, answer.len(), Counts::parse(&answer)), (Status::SUCCESS, 75, Ok(expected)));
}

#[test]
fn defect_17_hostile_levels_and_indexes_of_trees_are_202() {
    let node = node();
    let ask = |denomination: i8, level: u32, index: u32| {
        let payload = [&denomination.to_be_bytes()[..], &level.to_be_bytes(), &index.to_be_bytes()].concat();
        exchange(&node, Command::GET_MERKLE_BRANCH, &payload)
    };
    let root = node.roots()[8 * 32..9 * 32].to_vec();
    assert_eq!(ask(0, 10, 0), (Status::SUCCESS, root));
    assert_eq!(ask(0, 0, 999).0, Status::SUCCESS);
    for (denomination, level, index) in [
        (0, 0, 1000),
        (0, 0, 0x8000_0000),
        (0, 11, 0),
        (0, u32::MAX, u32::MAX),
        (7, 0, 0),
        (-9, 0, 0),
        (-128, 0x8000_0000, 0),
        (127, 0, 0),
    ] {
        assert_eq!(ask(denomination, level, index), (Status::FILE_NOT_EXIST, vec![]));
    }
}

#[test]
fn defect_19_no_handler_reads_past_its_payload_whatever_its_length() {
    let node = node();
    for entry in registry::all() {
        for len in 0..=400 {
            for fill in [0, 1, 0xFF] {
                let mut payload = vec![fill; len];
                // With the key where admin commands look for it, they get further.
                for from in [0, 4] {
                    if let Some(place) = payload.get_mut(from..from + 16).filter(|_| len % 2 == 0) {
                        place.copy_from_slice(&ADMIN_KEY);
                    }
                }
                let (status, _) = exchange(&node, entry.command, &payload);
                assert_ne!(status, Status::INTERNAL, "{} with {len} octets", entry.name);
            }
        }
    }
}

#[test]
fn defect_30_a_change_whose_answer_does_not_fit_a_datagram_does_not_happen() {
    let node = node();
    let many: Vec<_> = (100..200).map(|n| raw(0, n)).collect();
    let (octets, pending) = in_clear(&node, Command::CREATE_COINS, &payload::create(ANYWHERE, &many));
    let status = |answer: Option<Vec<u8>>| pending.read(&mut answer.unwrap()).unwrap().status;
    assert_eq!(status(ask(&node, &octets, UDP)), Status::INVALID_UDP_FRAME_COUNT);
    assert_eq!(number(&node, coin(0, 100)), None);
    assert_eq!(status(ask(&node, &octets, Transport::Tcp)), Status::SUCCESS);

    // A ticket for more coins than a stranger's small datagram may get back stays unredeemed for whoever uses TCP.
    let many = list(0, 0..400, A);
    let node = node_of(14, &(0..400).fold(Coins::new(), |coins, n| coins.with_coin(coin(0, n), A.into())));
    let (status, answer) = exchange(&node, Command::GET_TICKET, &payload::claims(&many));
    assert_eq!(status, Status::ALL_PASS);
    let (octets, pending) = in_clear(&node, Command::VALIDATE_TICKET, &payload::ticket(3, u32_at(&answer, 0)));
    let status = |transport| pending.read(&mut ask(&node, &octets, transport).unwrap()).unwrap().status;
    assert_eq!(status(UDP), Status::INVALID_UDP_FRAME_COUNT);
    assert_eq!(status(Transport::Tcp), Status::SUCCESS);
    assert_eq!(status(Transport::Tcp), Status::TICKET_CLAIMED_ALREADY);

    // So do serial numbers that a stranger may not be told.
    let (octets, _) = in_clear(&node, Command::GET_AVAILABLE_CHANGE_SNS, &payload::change(7, 1, 1));
    let udp = Transport::Udp { datagram: octets.len(), limit: 1440 };
    assert_eq!(Status(ask(&node, &octets, udp).unwrap()[2]), Status::INVALID_UDP_FRAME_COUNT);
    assert_eq!(reserve(&node, 8, 1, 1).len(), 64);
}

#[test]
fn defect_34_what_was_acknowledged_is_there_after_power_was_lost() {
    for seed in [3, 7] {
        let disk = Disk::new();
        let store = Arc::new(coins().store_on(&disk).unwrap());
        let node = Node::new(settings(14), Surroundings { store, ..surroundings(&Coins::new()) });
        let pown = payload::exchanges(&[(raw(0, 1), A, C)]);
        assert_eq!(exchange(&node, Command::POWN, &pown).0, Status::ALL_PASS);
        disk.lose_power(seed);
        drop(node);
        let store = Coins::new().store_on(&disk).unwrap();
        let record = Record { an: C.into(), month: MONTH };
        assert_eq!(store.read(coin(0, 1)).unwrap(), Some(record));
    }
}

#[test]
fn defect_35_lockers_are_full_after_a_restart() {
    let disk = Disk::new();
    let open = |coins: &Coins| {
        let store = Arc::new(coins.store_on(&disk).unwrap());
        Node::new(settings(14), Surroundings { store, ..surroundings(&Coins::new()) })
    };
    let node = open(&coins());
    let store = payload::sum(&[raw(0, 1), raw(0, 2)], xor(&[A, B]), Some(LOCKER));
    assert_eq!(exchange(&node, Command::STORE, &store).0, Status::ALL_PASS);
    drop(node);
    let (status, listed) = exchange(&open(&Coins::new()), Command::PEEK, &LOCKER);
    assert_eq!((status, listed), (Status::ALL_PASS, [raw(0, 1), raw(0, 2)].concat()));
}

#[test]
fn defect_36_tickets_expire_failures_leak_no_slot_and_a_claim_counts_once() {
    let clock = HandClock::default();
    let node = Node::new(settings(14), Surroundings { clock: Arc::new(clock.clone()), ..surroundings(&coins()) });
    let good = payload::claims(&[(raw(0, 1), A)]);
    let odd = payload::claims(&[(raw(0, 1), A), (raw(0, 1_024_000), A)]);
    for _ in 0..600 {
        assert_eq!(exchange(&node, Command::GET_TICKET, &odd), (Status::INVALID_SN_OR_DENOMINATION, vec![]));
    }
    let tickets: BTreeSet<_> = (0..512).map(|_| exchange(&node, Command::GET_TICKET, &good)).collect();
    assert!(tickets.len() == 512 && tickets.iter().all(|(status, _)| *status == Status::ALL_PASS));
    assert_eq!(exchange(&node, Command::GET_TICKET, &good), (Status::NO_TICKET_SLOT, vec![]));
    let ticket = u32_at(&tickets.first().unwrap().1, 0);
    let claim = |raida_id| exchange(&node, Command::VALIDATE_TICKET, &payload::ticket(raida_id, ticket));
    let claims = thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| claim(9))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    let granted = claims.iter().filter(|answer| **answer == (Status::SUCCESS, raw(0, 1).to_vec())).count();
    let refused = claims.iter().filter(|(status, _)| *status == Status::TICKET_CLAIMED_ALREADY).count();
    assert_eq!((granted, refused), (1, 7));
    clock.advance(Duration::from_secs(300));
    assert_eq!(claim(10), (Status::NO_TICKET_FOUND, vec![]));
    assert_eq!(exchange(&node, Command::GET_TICKET, &good).0, Status::ALL_PASS);
}

#[test]
fn defect_37_of_many_who_race_for_a_coin_one_wins() {
    let node = node();
    let statuses = thread::scope(|scope| {
        let race = |racer: u8| {
            let node = &node;
            scope.spawn(move || exchange(node, Command::POWN, &payload::exchanges(&[(raw(0, 1), A, [racer; 16])])).0)
        };
        let threads: Vec<_> = (1..=8).map(race).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    let winners: Vec<_> = (1..=8).zip(&statuses).filter(|(_, status)| **status == Status::ALL_PASS).collect();
    assert_eq!(winners.len(), 1);
    assert_eq!(number(&node, coin(0, 1)), Some([winners[0].0; 16]));
}

#[test]
fn defect_40_serial_numbers_out_of_range_are_no_other_coin() {
    let node = node();
    for alias in [1 + 67_108_864, 1 + 2 * 67_108_864, 1_024_000, 1_024_001, u32::MAX] {
        let name = raw(0, alias);
        assert_eq!(exchange(&node, Command::DETECT, &payload::claims(&[(name, A)])).0, Status::ALL_FAIL);
        assert_eq!(exchange(&node, Command::POWN, &payload::exchanges(&[(name, A, C)])).0, Status::ALL_FAIL);
        for (command, payload) in [
            (Command::DETECT_SUM, payload::sum(&[name], A, None)),
            (Command::POWN_SUM, payload::sum(&[name], A, Some(C))),
            (Command::STORE, payload::sum(&[name], A, Some(LOCKER))),
            (Command::FIND, payload::exchanges(&[(name, A, C)])),
            (Command::GET_TICKET, payload::claims(&[(name, A)])),
            (Command::CREATE_COINS, payload::create(ANYWHERE, &[name])),
            (Command::FIX, payload::fix(&[name], A, [1; 25])),
        ] {
            assert_eq!(exchange(&node, command, &payload), (Status::INVALID_SN_OR_DENOMINATION, vec![]), "{command}");
        }
    }
    assert_eq!(number(&node, coin(0, 1)), Some(A));
}

#[test]
fn defect_41_everything_that_counts_or_lists_coins_shows_the_same_state() {
    let node = node();
    let before = node.roots();
    assert_eq!(exchange(&node, Command::CREATE_COINS, &payload::create(ANYWHERE, &[raw(0, 0)])).0, Status::SUCCESS);
    let (_, audit) = exchange(&node, Command::AUDIT, b"");
    assert_eq!(Counts::parse(&audit).unwrap().0[8], 3);
    let (_, bits) = exchange(&node, Command::GET_ALL_SNS, &payload::all_numbers(0));
    assert_eq!(bits[5], 0b111);
    let mut page = [0; pages::PAGE_LEN];
    node.store().page(PageId::of(coin(0, 0)), &mut page).unwrap();
    assert_eq!(page[..16], number(&node, coin(0, 0)).unwrap());
    assert_eq!(node.store().refresh_trees().unwrap(), 1);
    assert_ne!(node.roots(), before);
    assert_eq!(exchange(&node, Command::GET_ALL_ROOTS, &[9; 480]), (Status::SUCCESS, node.roots().to_vec()));
}

#[test]
fn defect_42_free_numbers_end_at_255_ranges_and_say_as_many_as_they_send() {
    let every_third = (0..900).step_by(3).fold(Coins::new(), |coins, n| coins.with_coin(coin(0, n), A.into()));
    let (status, answer) =
        exchange(&node_of(14, &every_third), Command::GET_AVAILABLE_SNS, &payload::available(7, &[0]));
    assert_eq!((status, answer.len(), &answer[..3]), (Status::SUCCESS, 3 + 255 * 8, &[0, 255, 0][..]));
    assert_eq!((u32_at(&answer, 3), u32_at(&answer, 7)), (1, 2));
}

#[test]
fn defect_43_addresses_that_share_sixteen_bits_share_no_limit() {
    let breaks = BreakLimit { calls: 2, ..BreakLimit::default() };
    let node = Node::new(Settings { breaks, ..settings(14) }, surroundings(&coins()));
    let payload = payload::whole(7, raw(0, 1), B, &list(-1, 20..30, A));
    let (octets, _) = in_clear(&node, Command::BREAK, &payload);
    let call = |address: [u8; 4]| Status(ask_from(&node, &octets, Transport::Tcp, (address, 5).into()).unwrap()[2]);
    for expected in [Status::ALL_FAIL, Status::ALL_FAIL, Status::REQUEST_RATE, Status::REQUEST_RATE] {
        assert_eq!(call([192, 0, 2, 1]), expected);
        assert_eq!(call([198, 51, 2, 1]), expected, "with a count of its own");
        assert_eq!(call([127, 0, 0, 1]), Status::ALL_FAIL, "loopback is exempt");
    }
}
