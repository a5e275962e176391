//! Datagrams that take away the very key they are encrypted under, and come again (protocol §1.11 item 9).

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a step that fails is a test that fails")]

use std::net::SocketAddr;

use raida_node::testing::{ADMIN_KEY, Coins, PEER, ask, ask_from, exchange, in_clear, node_of, settings, surroundings};
use raida_node::{Node, Settings};
use raida_reactor::service::Transport;
use raida_wire::{AuthenticityNumber, Challenge, CoinId, Command, Pending, Recipient, Request, Sender, Status};

/// The number of the coin that is changed: it is a locker's key as well, and the coin is alone in there.
static KEY: AuthenticityNumber = AuthenticityNumber::new([9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 1, 2, 255, 255, 255, 255]);
/// The number of all others.
static OTHER: AuthenticityNumber = AuthenticityNumber::new([0x22; 16]);
const NEW: [u8; 16] = [7, 7, 7, 7, 7, 4, 3, 2, 1, 0, 1, 2, 255, 255, 255, 255];
const SESSION: [u8; 4] = [0, 0, 0, 7];
const ANOTHER_PEER: SocketAddr =
    SocketAddr::V4(std::net::SocketAddrV4::new(std::net::Ipv4Addr::LOCALHOST, PEER.port() + 1));

fn coin(serial_number: u32) -> CoinId {
    CoinId::new(1, serial_number).expect("in range")
}

/// Coin 0 is the one that is changed.
fn node() -> Node {
    let coins = Coins::new().with_coin(coin(0), KEY.clone());
    node_of(14, &(1..20).fold(coins, |coins, number| coins.with_coin(coin(number), OTHER.clone())))
}

/// Every encryption type under which coin 0 is a key.
fn senders() -> [Sender<'static>; 5] {
    let (changed, other) = ((coin(0), &KEY), (coin(19), &OTHER));
    let challenge = Challenge::new([7; 12]);
    [
        Sender::Coin { coin: coin(0), number: &KEY, nonce: [3; 8], challenge },
        Sender::Locker { key: &KEY, nonce: [4; 8], challenge },
        Sender::Coin256 { coin: coin(0), number: &KEY, nonce: [5; 24] },
        Sender::TwoCoins { first: changed, second: other, nonce: [6; 19] },
        Sender::TwoCoins { first: other, second: changed, nonce: [6; 19] },
    ]
}

fn claim(coin: CoinId, number: &[u8]) -> Vec<u8> {
    [&coin.raw().0[..], number].concat()
}

/// The first numbers that the node offers for a change of coin 0.
fn offered(node: &Node, operation: u8, count: usize) -> Vec<CoinId> {
    let wanted = [&SESSION[..], &[operation, 1]].concat();
    let (_, free) = exchange(node, Command::GET_AVAILABLE_CHANGE_SNS, &wanted);
    let (denomination, numbers) = free.split_first().unwrap();
    let id = |octets: &[u8; 4]| CoinId::new(denomination.cast_signed(), u32::from_be_bytes(*octets)).unwrap();
    numbers.as_chunks().0.iter().take(count).map(id).collect()
}

fn claims(coins: impl IntoIterator<Item = CoinId>, number: &[u8]) -> Vec<u8> {
    coins.into_iter().flat_map(|coin| claim(coin, number)).collect()
}

/// What a command is told on this node.
type Payload = fn(&Node) -> Vec<u8>;

/// Every command that changes or withdraws coin 0, and how.
const COMMANDS: [(Command, Payload); 8] = [
    (Command::POWN, |_| [claim(coin(0), KEY.octets()), NEW.to_vec()].concat()),
    (Command::POWN_SUM, |_| [claim(coin(0), KEY.octets()), NEW.to_vec()].concat()),
    (Command::STORE, |_| [claim(coin(0), KEY.octets()), NEW.to_vec()].concat()),
    (Command::REMOVE, |_| [KEY.octets().to_vec(), claim(coin(0), &NEW)].concat()),
    (Command::DELETE_COINS, |_| [ADMIN_KEY.to_vec(), claim(coin(0), KEY.octets())].concat()),
    (Command::FREE_COINS, |_| [&SESSION[..], &ADMIN_KEY, &coin(0).raw().0].concat()),
    (Command::BREAK, |node| {
        let parts = claims(offered(node, 1, 10), &NEW);
        [SESSION.to_vec(), claim(coin(0), KEY.octets()), parts].concat()
    }),
    (Command::JOIN, |node| {
        let (whole, others) = (claims(offered(node, 2, 1), &NEW), claims((1..10).map(coin), OTHER.octets()));
        [SESSION.to_vec(), whole, claim(coin(0), KEY.octets()), others].concat()
    }),
];

fn build(command: Command, sender: Sender<'_>, payload: &[u8]) -> (Vec<u8>, Pending) {
    let request = Request::new(Recipient { raida_id: 14, coin_id: 6, shard: 0 }, command, sender);
    let mut octets = vec![0; request.built_len(payload.len())];
    let (_, pending) = request.build(&mut octets, payload).expect("it fits");
    (octets, pending)
}

#[test]
fn whatever_takes_its_own_key_away_is_answered_again_with_the_same_octets() {
    for (command, payload) in COMMANDS {
        for sender in senders() {
            let node = node();
            let (datagram, pending) = build(command, sender, &payload(&node));
            let udp = Transport::Udp { datagram: datagram.len(), limit: 1440 };
            let first = ask(&node, &datagram, udp).unwrap();
            let status = pending.read(&mut first.clone()).expect("sealed under the former key").status;
            assert!(status == Status::ALL_PASS || status == Status::SUCCESS, "{command} {sender:?}: {status}");
            for _ in 0..2 {
                assert_eq!(ask(&node, &datagram, udp), Some(first.clone()), "{command} {sender:?}");
            }
            for (transport, peer) in [(udp, ANOTHER_PEER), (Transport::Tcp, PEER)] {
                let refused = Status(ask_from(&node, &datagram, transport, peer).unwrap()[2]);
                assert!([25, 34, 37, 204].contains(&refused.0), "{command} {sender:?}: {refused}, the key is gone");
            }
        }
    }
}

/// A node that keeps a hundred answers, and a Pown of coin 0 from this peer, with its answer.
fn powned(peer: SocketAddr) -> (Node, Vec<u8>, Vec<u8>) {
    let coins = (0..2).fold(Coins::new(), |coins, number| coins.with_coin(coin(number), OTHER.clone()));
    let node = Node::new(Settings { resends_max: 100, ..settings(14) }, surroundings(&coins));
    let (datagram, answer) = pown(&node, 0, OTHER.octets(), &NEW, peer);
    assert_eq!(answer.get(2), Some(&Status::ALL_PASS.0));
    (node, datagram, answer)
}

/// Powns a coin by a datagram in clear: what was asked and what was answered.
fn pown(node: &Node, number: u32, old: &[u8; 16], new: &[u8; 16], peer: SocketAddr) -> (Vec<u8>, Vec<u8>) {
    let (datagram, _) = in_clear(node, Command::POWN, &[claim(coin(number), old), new.to_vec()].concat());
    let answer = ask_from(node, &datagram, udp(&datagram), peer).unwrap();
    (datagram, answer)
}

fn udp(datagram: &[u8]) -> Transport {
    Transport::Udp { datagram: datagram.len(), limit: 1440 }
}

#[test]
fn strangers_who_fail_push_no_answer_out_to_one_who_has_changed_a_coin() {
    let (node, datagram, answer) = powned(PEER);
    for network in 0..=255 {
        let from = SocketAddr::from(([10, 0, network, 1], 50_000));
        let (failed, told) = pown(&node, 0, &[9; 16], &[8; 16], from);
        assert_eq!(Status(told[2]), Status::ALL_FAIL);
        assert_eq!(ask_from(&node, &failed, udp(&failed), from), Some(told), "he is answered again as well");
    }
    assert_eq!(ask_from(&node, &datagram, udp(&datagram), PEER), Some(answer));
    assert!(node.observer().figures().resends_kept <= 100);
}

#[test]
fn one_source_pushes_out_answers_of_its_own_however_many_addresses_it_has() {
    let here = SocketAddr::from(([192, 0, 2, 7], 50_000));
    let (node, datagram, answer) = powned(here);
    let mut number = *OTHER.octets();
    for host in 0..=255_u8 {
        let new = [host; 16];
        let (_, told) = pown(&node, 1, &number, &new, SocketAddr::from(([198, 51, 100, host], 50_000)));
        assert_eq!(Status(told[2]), Status::ALL_PASS, "he has a coin");
        number = new;
    }
    assert!(node.observer().figures().resends_evicted > 0);
    assert_eq!(ask_from(&node, &datagram, udp(&datagram), here), Some(answer));
}

#[test]
fn a_datagram_under_a_key_that_never_was_is_refused_however_often_it_comes() {
    let node = node();
    for (sender, expected) in [
        (Sender::Coin { coin: coin(99), number: &KEY, nonce: [3; 8], challenge: Challenge::new([7; 12]) }, 34),
        (Sender::Coin256 { coin: coin(99), number: &KEY, nonce: [5; 24] }, 25),
    ] {
        let (datagram, _) = build(Command::POWN, sender, &[claim(coin(0), KEY.octets()), NEW.to_vec()].concat());
        // Also where it is cut: the key is looked for first.
        for len in [datagram.len(), datagram.len() - 1] {
            let udp = Transport::Udp { datagram: len, limit: 1440 };
            for _ in 0..3 {
                assert_eq!(ask(&node, &datagram[..len], udp).unwrap()[2], expected);
            }
        }
    }
}
