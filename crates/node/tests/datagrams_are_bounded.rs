//! No answer to a datagram is longer than the limit, and none to a stranger longer than what he sent.
//!
//! Source: protocol §1.11

#![expect(clippy::expect_used, reason = "a step that fails is a test that fails")]

use std::sync::LazyLock;

use raida_node::testing::{ADMIN_KEY, Coins, ask, node_of, settings, surroundings};
use raida_node::{Node, Settings};
use raida_reactor::service::Transport;
use raida_wire::{AuthenticityNumber, Challenge, CoinId, Command, Pending, Recipient, Request, Sender, Status, vote};

static NUMBER: AuthenticityNumber = AuthenticityNumber::new([0x11; 16]);

fn nobody() -> Sender<'static> {
    Sender::Nobody { echo: [1, 2], challenge: Challenge::new([7; 12]) }
}

fn coin() -> CoinId {
    CoinId::new(0, 5).expect("in range")
}

fn request(command: Command, sender: Sender<'_>, payload: &[u8]) -> (Vec<u8>, Pending) {
    let request = Request::new(Recipient { raida_id: 14, coin_id: 6, shard: 0 }, command, sender);
    let mut octets = vec![0; request.built_len(payload.len())];
    let (_, pending) = request.build(&mut octets, payload).expect("it fits");
    (octets, pending)
}

/// The status and length of the answer to this datagram.
fn answered(octets: &[u8], pending: &Pending, limit: usize) -> (Status, usize) {
    static NODE: LazyLock<Node> = LazyLock::new(|| node_of(14, &Coins::new().with_coin(coin(), NUMBER.clone())));
    let transport = Transport::Udp { datagram: octets.len(), limit };
    let mut answer = ask(&NODE, octets, transport).expect("an answer");
    let response = pending.read(&mut answer).expect("the client accepts it");
    (response.status, answer.len())
}

#[test]
fn a_stranger_gets_no_more_than_he_sent_and_pads_to_get_it() {
    for (command, answer_len) in [(Command::VERSION, 42), (Command::AUDIT, 109)] {
        let recipient = Recipient { raida_id: 14, coin_id: 6, shard: 0 };
        let mut header = [0; 48];
        let (len, bodyless) = Request::new(recipient, command, nobody()).build_bodyless(&mut header);
        let (whole, signed) = request(command, nobody(), b"");
        for (mut octets, pending) in [(header[..len].to_vec(), bodyless), (whole, signed)] {
            for datagram in octets.len()..=answer_len + 1 {
                octets.resize(datagram, 0xEE);
                let fits = datagram >= answer_len;
                let expected = if fits { (Status::SUCCESS, answer_len) } else { (Status::INVALID_UDP_FRAME_COUNT, 32) };
                assert_eq!(answered(&octets, &pending, 1440), expected, "{command} in {datagram} octets");
            }
        }
    }
}

#[test]
fn whoever_proves_a_secret_gets_more_than_he_sent() {
    let sender = Sender::Coin { coin: coin(), number: &NUMBER, nonce: [3; 8], challenge: Challenge::new([7; 12]) };
    let (octets, pending) = request(Command::AUDIT, sender, b"");
    assert_eq!(answered(&octets, &pending, 1440), (Status::SUCCESS, 109));
    let (octets, pending) = request(Command::SHOW_STATS, nobody(), &ADMIN_KEY);
    assert_eq!(octets.len(), 66);
    assert_eq!(answered(&octets, &pending, 1440), (Status::SUCCESS, 66));
}

#[test]
fn nobody_gets_more_than_the_limit() {
    let sender = Sender::Coin { coin: coin(), number: &NUMBER, nonce: [3; 8], challenge: Challenge::new([7; 12]) };
    let (octets, pending) = request(Command::AUDIT, sender, b"");
    assert_eq!(answered(&octets, &pending, 109), (Status::SUCCESS, 109));
    assert_eq!(answered(&octets, &pending, 108), (Status::INVALID_UDP_FRAME_COUNT, 32));
}

#[test]
fn a_locker_is_told_whole_or_not_at_all() {
    const COINS: u32 = 60;
    let (locker, key) = (AuthenticityNumber::new([0xFF; 16]), coin());
    let in_it = (100..100 + COINS).map(|number| CoinId::new(0, number).expect("in range"));
    let coins = Coins::new().with_coin(key, NUMBER.clone());
    let node = node_of(14, &in_it.fold(coins, |coins, coin| coins.with_coin(coin, locker.clone())));
    let long = Sender::Coin256 { coin: key, number: &NUMBER, nonce: [3; 24] };
    for (sender, header, overhead) in [(nobody(), 32, 34), (long, 48, 82)] {
        let (octets, pending) = request(Command::PEEK, sender, locker.octets());
        let whole = overhead + 5 * COINS as usize;
        for limit in octets.len()..=whole + 20 {
            let transport = Transport::Udp { datagram: octets.len(), limit };
            let mut answer = ask(&node, &octets, transport).expect("an answer");
            let status = pending.read(&mut answer).expect("the client accepts it").status;
            let fits = whole <= limit;
            let expected = if fits { (Status::ALL_PASS, whole) } else { (Status::INVALID_UDP_FRAME_COUNT, header) };
            assert_eq!((status, answer.len()), expected, "{limit} octets");
        }
    }
}

#[test]
fn a_vote_is_answered_with_less_than_it_brought() {
    let node = node_of(14, &Coins::new());
    let agrees = |node: &Node, roots: &[u8; vote::ROOTS_LEN]| {
        let mut packet = [0; vote::REQUEST_LEN];
        vote::ask(roots, &[9; 16], &mut packet);
        let answer = ask(node, &packet, Transport::Udp { datagram: packet.len(), limit: 1440 }).expect("an answer");
        assert!(answer.len() < packet.len());
        vote::read(&answer, &[9; 16]).expect("an answer to a vote")
    };
    assert!(agrees(&node, &node.roots()) && !agrees(&node, &[0; vote::ROOTS_LEN]));
    let without = Node::new(Settings { integrity: false, ..settings(14) }, surroundings(&Coins::new()));
    assert!(agrees(&without, &[0; vote::ROOTS_LEN]) && !agrees(&without, &node.roots()));
}
