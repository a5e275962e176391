//! Every status of the status group, asked under all five encryption types and read by the client's side.

#![expect(clippy::expect_used, reason = "a step that fails is a test that fails")]

use std::sync::Arc;

use raida_node::testing::{ADMIN_KEY, Coins, ask, ask_at, node_of, settings, surroundings};
use raida_node::{Node, Surroundings};
use raida_reactor::service::{Place, Transport};
use raida_store::testing::Disk;
use raida_wire::audit::Counts;
use raida_wire::registry::Class;
use raida_wire::stats::Stats;
use raida_wire::{AuthenticityNumber, Challenge, CoinId, Command, Pending, Recipient, Request, Sender, Status};

static FIRST: AuthenticityNumber = AuthenticityNumber::new([0x11; 16]);
static SECOND: AuthenticityNumber = AuthenticityNumber::new([0x22; 16]);
static STRANGE: AuthenticityNumber = AuthenticityNumber::new([0x33; 16]);
static LOCKER: AuthenticityNumber = AuthenticityNumber::new([9, 9, 9, 9, 9, 1, 1, 1, 1, 1, 1, 1, 255, 255, 255, 255]);
static TWIN: AuthenticityNumber = AuthenticityNumber::new([9, 9, 9, 9, 9, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255]);

fn coin(serial_number: u32) -> CoinId {
    CoinId::new(-3, serial_number).expect("in range")
}

fn coins() -> Coins {
    Coins::new()
        .with_coin(coin(1), FIRST.clone())
        .with_coin(coin(2), SECOND.clone())
        .with_locker(*LOCKER.octets())
        .with_locker(*TWIN.octets())
}

/// One sender of each type, under keys that the node has.
fn senders() -> [Sender<'static>; 5] {
    let challenge = Challenge::new([7; 12]);
    [
        Sender::Nobody { echo: [1, 2], challenge },
        Sender::Coin { coin: coin(1), number: &FIRST, nonce: [3; 8], challenge },
        Sender::Locker { key: &LOCKER, nonce: [4; 8], challenge },
        Sender::Coin256 { coin: coin(2), number: &SECOND, nonce: [5; 24] },
        Sender::TwoCoins { first: (coin(1), &FIRST), second: (coin(2), &SECOND), nonce: [6; 19] },
    ]
}

fn build(command: Command, sender: Sender<'_>, payload: &[u8]) -> (Vec<u8>, Pending) {
    let recipient = Recipient { raida_id: 14, coin_id: 6, shard: 0 };
    let request = Request::new(recipient, command, sender);
    let mut octets = vec![0; request.built_len(payload.len())];
    let (_, pending) = request.build(&mut octets, payload).expect("it fits");
    (octets, pending)
}

/// Status, payload, and whether the client could verify who answered.
fn answered(node: &Node, octets: &[u8], pending: &Pending) -> (Status, Vec<u8>, bool) {
    let mut answer = ask_at(node, octets, Transport::Tcp, Place::Worker).expect("a worker always answers");
    let response = pending.read(&mut answer).expect("the client accepts it");
    (response.status, response.payload.to_vec(), response.is_verified)
}

fn exchange(node: &Node, command: Command, sender: Sender<'_>, payload: &[u8]) -> (Status, Vec<u8>) {
    let (octets, pending) = build(command, sender, payload);
    let is_short = matches!(sender, Sender::Nobody { .. } | Sender::Coin { .. } | Sender::Locker { .. });
    let (status, payload, is_verified) = answered(node, &octets, &pending);
    assert!(is_verified || !is_short, "a status behind the envelope carries a valid signature");
    (status, payload)
}

#[test]
fn echo_and_version_and_audit_ignore_their_payload() {
    // Two coins of denomination -3, and one of 6 in each of the lockers.
    let counts = Counts(std::array::from_fn(|place| if place == 5 || place == 14 { 2 } else { 0 }));
    for sender in senders() {
        let node = node_of(14, &coins());
        for payload in [&b""[..], b"x", &[0x3E; 300]] {
            assert_eq!(exchange(&node, Command::ECHO, sender, payload), (Status::SUCCESS, vec![]));
            let version = exchange(&node, Command::VERSION, sender, payload);
            assert_eq!(version, (Status::SUCCESS, raida_node::version::BUILD_DATE.to_vec()));
            let (status, audit) = exchange(&node, Command::AUDIT, sender, payload);
            assert_eq!((status, Counts::parse(&audit)), (Status::SUCCESS, Ok(counts)));
        }
        assert_eq!(node.statistics().read().echoes, 3);
    }
}

#[test]
fn stats_are_for_whoever_has_the_admin_key() {
    for sender in senders() {
        let node = node_of(14, &coins());
        exchange(&node, Command::ECHO, sender, b"");
        let pown = [&coin(2).raw().0[..], SECOND.octets(), SECOND.octets()].concat();
        assert_eq!(exchange(&node, Command::POWN, sender, &pown), (Status::ALL_PASS, vec![]));
        assert_eq!(exchange(&node, Command::POWN, sender, &[0; 37]), (Status::ALL_FAIL, vec![]));
        let expected = Stats { echoes: 1, coins_powned: 1, value_powned: 100_000, udp_datagrams: 0 };
        for payload in [&ADMIN_KEY[..], &[&ADMIN_KEY[..], b"what follows is ignored"].concat()] {
            let (status, stats) = exchange(&node, Command::SHOW_STATS, sender, payload);
            assert_eq!((status, Stats::parse(&stats)), (Status::SUCCESS, Ok(expected)));
        }
        for len in 0..16 {
            let short = exchange(&node, Command::SHOW_STATS, sender, &ADMIN_KEY[..len]);
            assert_eq!(short, (Status::INVALID_PACKET_LENGTH, vec![]));
        }
        for place in 0..16 {
            let mut wrong = ADMIN_KEY;
            wrong[place] ^= 0x80;
            assert_eq!(exchange(&node, Command::SHOW_STATS, sender, &wrong), (Status::ADMIN_AUTH, vec![]));
        }
    }
}

#[test]
fn what_only_the_registry_knows_is_89_behind_a_right_envelope_and_what_it_does_not_know_is_6() {
    let node = node_of(14, &coins());
    for sender in senders() {
        for entry in raida_wire::registry::all().iter().filter(|entry| entry.class == Class::Optional) {
            assert_eq!(exchange(&node, entry.command, sender, &[0; 64]), (Status::NOT_IMPLEMENTED, vec![]));
        }
        let (mut octets, pending) = build(Command::POWN, sender, &[0; 64]);
        if let Some(last) = octets.last_mut() {
            *last = 0;
        }
        assert_eq!(answered(&node, &octets, &pending), (Status::INVALID_EOF, vec![], false));
        let (octets, pending) = build(Command::new(0, 4), sender, b"");
        assert_eq!(answered(&node, &octets, &pending), (Status::INVALID_COMMAND, vec![], false));
    }
}

#[test]
fn a_wrong_key_is_37_or_204_and_a_key_that_does_not_exist_34_or_25() {
    let node = node_of(14, &coins());
    let challenge = Challenge::new([7; 12]);
    let stranger = AuthenticityNumber::new([8; 16]);
    let wrong_locker = AuthenticityNumber::new([9; 16]);
    let (nonce, wide, wider) = ([3; 8], [5; 24], [6; 19]);
    let cases = [
        (Sender::Coin { coin: coin(1), number: &STRANGE, nonce, challenge }, Status::INVALID_CRC),
        (Sender::Locker { key: &wrong_locker, nonce, challenge }, Status::INVALID_CRC),
        (Sender::Coin256 { coin: coin(1), number: &STRANGE, nonce: wide }, Status::INVALID_HMAC),
        (
            Sender::TwoCoins { first: (coin(2), &SECOND), second: (coin(1), &STRANGE), nonce: wider },
            Status::INVALID_HMAC,
        ),
        (Sender::Coin { coin: coin(3), number: &FIRST, nonce, challenge }, Status::INVALID_ENCRYPTION),
        (Sender::Locker { key: &stranger, nonce, challenge }, Status::INVALID_ENCRYPTION),
        (Sender::Coin256 { coin: coin(3), number: &FIRST, nonce: wide }, Status::ENCRYPTION_COIN_NOT_FOUND),
        (
            Sender::TwoCoins { first: (coin(3), &FIRST), second: (coin(1), &FIRST), nonce: wider },
            Status::ENCRYPTION_COIN_NOT_FOUND,
        ),
        (
            Sender::TwoCoins { first: (coin(1), &FIRST), second: (coin(3), &FIRST), nonce: wider },
            Status::ENCRYPTION_COIN_NOT_FOUND,
        ),
    ];
    for (sender, expected) in cases {
        let (octets, pending) = build(Command::ECHO, sender, b"");
        assert_eq!(answered(&node, &octets, &pending), (expected, vec![], false), "{sender:?}");
    }
    assert_eq!(node.statistics().read().echoes, 0);
}

#[test]
fn a_node_without_coins_refuses_every_encrypted_request_and_serves_the_others() {
    let node = node_of(14, &Coins::new());
    let expected = [
        Status::SUCCESS,
        Status::INVALID_ENCRYPTION,
        Status::INVALID_ENCRYPTION,
        Status::ENCRYPTION_COIN_NOT_FOUND,
        Status::ENCRYPTION_COIN_NOT_FOUND,
    ];
    for (sender, expected) in senders().into_iter().zip(expected) {
        let (octets, pending) = build(Command::ECHO, sender, b"");
        let mut answer = ask(&node, &octets, Transport::Tcp).expect("it is answered");
        assert_eq!(pending.read(&mut answer).expect("the client accepts it").status, expected);
    }
}

#[test]
fn without_a_body_only_echo_version_and_audit_are_answered_and_only_in_clear() {
    let node = node_of(14, &coins());
    let recipient = Recipient { raida_id: 14, coin_id: 6, shard: 0 };
    for sender in senders() {
        for entry in raida_wire::registry::all() {
            let mut octets = [0; 48];
            let (len, pending) = Request::new(recipient, entry.command, sender).build_bodyless(&mut octets);
            let (status, _, is_verified) = answered(&node, &octets[..len], &pending);
            let in_clear = matches!(sender, Sender::Nobody { .. });
            let expected =
                if in_clear && entry.command.may_be_bodyless() { Status::SUCCESS } else { Status::EMPTY_REQUEST };
            assert_eq!((status, is_verified), (expected, false), "{}", entry.name);
        }
    }
}

#[test]
fn a_second_key_coin_that_was_never_issued_is_told_before_the_length_where_the_first_has_to_be_fetched() {
    let (one, never) = ((coin(1), &FIRST), (coin(3), &FIRST));
    for (first, second) in [(one, never), (never, one)] {
        let (octets, _) = build(Command::ECHO, Sender::TwoCoins { first, second, nonce: [6; 19] }, b"");
        let with_len = |body_len: u8| {
            let mut header = octets[..48].to_vec();
            (header[17], header[18]) = (0, body_len);
            header
        };
        // Without a body, with too short a one, with one that does not come, and with all of it.
        for octets in [with_len(0), [&with_len(1)[..], b">"].concat(), with_len(34), octets.clone()] {
            for transport in [Transport::Tcp, Transport::Udp { datagram: octets.len(), limit: 1440 }] {
                let node = node_of(14, &coins().cold());
                let answer = ask(&node, &octets, transport).expect("the header is enough");
                assert_eq!(Status(answer[2]), Status::ENCRYPTION_COIN_NOT_FOUND, "{transport:?}");
            }
        }
    }
}

#[test]
fn keys_that_are_not_at_hand_are_looked_up_on_a_worker() {
    for (place, sender) in senders().into_iter().enumerate().skip(1) {
        let (octets, pending) = build(Command::ECHO, sender, b"");
        let node = node_of(14, &coins().cold());
        let is_here = ask_at(&node, &octets, Transport::Tcp, Place::Reactor).is_some();
        assert_eq!(is_here, place == 2, "lockers are always at hand; coins are deferred");
        assert_eq!(answered(&node, &octets, &pending).0, Status::SUCCESS);
        assert!(ask_at(&node, &octets, Transport::Tcp, Place::Reactor).is_some(), "at hand from now on");
    }
}

#[test]
fn an_unknown_locker_is_34_before_the_length_counts() {
    let node = node_of(14, &coins());
    let challenge = Challenge::new([7; 12]);
    let (unknown, nonce) = (AuthenticityNumber::new([8; 16]), [3; 8]);
    for (key, expected) in [(&unknown, Status::INVALID_ENCRYPTION), (&LOCKER, Status::INVALID_PACKET_LENGTH)] {
        let (mut octets, pending) = build(Command::ECHO, Sender::Locker { key, nonce, challenge }, b"some payload");
        octets.truncate(40);
        let mut answer = ask(&node, &octets, Transport::Udp { datagram: 40, limit: 1440 }).expect("an answer");
        assert_eq!(pending.read(&mut answer).expect("the client accepts it").status, expected);
    }
}

#[test]
fn a_key_that_can_not_be_read_is_194() {
    let disk = Disk::new();
    // More than the database keeps in memory whatever one does.
    let many = (0..800).fold(coins(), |coins, i| coins.with_coin(coin(64 * i + 1), FIRST.clone()));
    drop(many.store_on(&disk).expect("a good disk"));
    let store = Coins::new().store_on(&disk).expect("a good disk");
    let unplugged = disk.plug_in();
    let node = Node::new(settings(14), Surroundings { store: Arc::new(store), ..surroundings(&Coins::new()) });
    let (octets, pending) = build(Command::ECHO, senders()[1], b"");
    assert_eq!(answered(&node, &octets, &pending).0, Status::FILESYSTEM);
    let (octets, pending) = build(Command::ECHO, senders()[0], b"");
    assert_eq!(answered(&node, &octets, &pending).0, Status::SUCCESS, "type 0 needs no key");
    drop(unplugged);
}

#[test]
fn two_answers_to_the_same_encrypted_request_have_different_nonces() {
    let node = node_of(14, &coins());
    for sender in senders().into_iter().skip(3) {
        let (octets, _) = build(Command::VERSION, sender, b"");
        let [one, other] = [(); 2].map(|()| ask(&node, &octets, Transport::Tcp).expect("an answer"));
        assert_ne!(one[29..46], other[29..46]);
        assert_ne!(one[48..56], other[48..56], "another nonce, another ciphertext");
    }
}
