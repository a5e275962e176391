//! Nonces that come again under encryption types 1 and 2: as often as anybody likes, or once, as the operator says.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a step that fails is a test that fails")]

use raida_behaviour::request::{refusal, without_time};
use raida_behaviour::{Node, ask};
use raida_client::wire::{AuthenticityNumber, Challenge, CoinId, Command, Pending, Recipient, Request, Sender, Status};
use raida_client::{self as client, AdminKey, KeyCoin, Options, Renewal, Target, Transport};

const BOTH: [Transport; 2] = [Transport::Tcp, Transport::Udp];
const ON: &str = "commands.nonces_max = 1000";

/// The session in which coins are issued without a reservation.
const ANYWHERE: u32 = 0xEEEE_EEEE;

fn target(node: &Node) -> Target {
    Target { raida_id: 0, ..Target::new(node.address().to_string().parse().unwrap()) }
}

/// Issues a coin of this denomination.
fn issue(node: &Node, denomination: i8, number: u32) -> KeyCoin {
    let coin = CoinId::new(denomination, number).unwrap();
    let admin_key = AdminKey::new(node.admin_key().try_into().unwrap());
    let created = client::create(&target(node), ANYWHERE, &admin_key, &[coin], &Options::default()).unwrap().value;
    KeyCoin { coin, number: created.into_iter().next().unwrap() }
}

/// A request of type 1.
fn sealed(key: &KeyCoin, nonce: u8, command: Command, payload: &[u8]) -> (Vec<u8>, Pending) {
    let sender =
        Sender::Coin { coin: key.coin, number: &key.number, nonce: [nonce; 8], challenge: Challenge::new([7; 12]) };
    let request = Request::new(Recipient { raida_id: 0, coin_id: 6, shard: 0 }, command, sender);
    let mut octets = vec![0; request.built_len(payload.len())];
    let (_, pending) = request.build(&mut octets, payload).unwrap();
    (octets, pending)
}

/// What comes back.
fn exchange(node: &Node, transport: Transport, octets: &[u8]) -> Vec<u8> {
    match transport {
        Transport::Tcp => ask::tcp(node.address(), octets),
        Transport::Udp => ask::udp(node.address(), octets),
    }
}

fn status(pending: &Pending, answer: &[u8]) -> Status {
    pending.read(&mut answer.to_vec()).unwrap().status
}

fn pown_payload(KeyCoin { coin, number }: &KeyCoin, proposed: &AuthenticityNumber) -> Vec<u8> {
    [&coin.raw().0[..], number.octets(), proposed.octets()].concat()
}

/// Gives a coin another number, in clear.
fn renew(node: &Node, owned: &KeyCoin, proposed: &AuthenticityNumber) -> bool {
    let renewal = Renewal { coin: owned.coin, number: owned.number.clone(), proposed: proposed.clone() };
    client::pown(&target(node), &[renewal], &Options::default()).unwrap().value == [true]
}

/// The first sixteen octets of a recorded ciphertext under a command whose answer is known, and the answer.
fn attack(recorded: &[u8], command: Command) -> Vec<u8> {
    let mut octets = recorded[..48].to_vec();
    (octets[4], octets[5]) = (command.group, command.code);
    octets[22..24].copy_from_slice(&18_u16.to_be_bytes());
    octets.extend([0x3E, 0x3E]);
    octets
}

#[test]
fn a_client_with_one_nonce_for_everything_is_served_unless_the_node_minds() {
    for (config, second) in [("", Status::SUCCESS), (ON, Status::INVALID_ENCRYPTION)] {
        let node = Node::builder().config(config).start();
        let key = issue(&node, 1, 1);
        for transport in BOTH {
            let nonce = u8::from(transport == Transport::Udp);
            let (echo, pending) = sealed(&key, nonce, Command::ECHO, b"");
            assert_eq!(status(&pending, &exchange(&node, transport, &echo)), Status::SUCCESS);
            let (version, pending) = sealed(&key, nonce, Command::VERSION, b"");
            assert_eq!(status(&pending, &exchange(&node, transport, &version)), second);
        }
    }
}

#[test]
fn whoever_has_recorded_an_exchange_gets_nothing_that_he_has_not() {
    let node = Node::builder().config(ON).start();
    let key = issue(&node, 1, 1);
    for (first, again) in BOTH.into_iter().flat_map(|first| BOTH.map(|again| (first, again))) {
        let nonce = 10 + u8::from(first == Transport::Udp) + 2 * u8::from(again == Transport::Udp);
        let owned = issue(&node, 2, u32::from(nonce));
        let claim = [&owned.coin.raw().0[..], owned.number.octets()].concat();
        for (nonce, command) in [(nonce, Command::GET_TICKET), (100 + nonce, Command::DETECT_SUM)] {
            let (recorded, pending) = sealed(&key, nonce, command, &claim);
            let answer = exchange(&node, first, &recorded);
            assert_eq!(status(&pending, &answer), Status::ALL_PASS);
            assert_eq!(exchange(&node, again, &recorded), answer, "the same request, the same answer");
            for command in [Command::VERSION, Command::AUDIT, Command::GET_ALL_ROOTS] {
                let expected = refusal(Status::INVALID_ENCRYPTION.0, command.group, [nonce, nonce]);
                assert_eq!(without_time(exchange(&node, again, &attack(&recorded, command))), expected, "{command}");
            }
        }
    }
}

#[test]
fn a_replayed_pown_steals_no_coin_where_nonces_are_remembered() {
    for (config, is_stolen) in [("", true), (ON, false)] {
        let node = Node::builder().config(config).start();
        let key = issue(&node, 1, 1);
        for transport in BOTH {
            let mine = issue(&node, 3, 1 + u32::from(transport == Transport::Udp));
            let other = AuthenticityNumber::new([9; 16]);
            let nonce = 1 + u8::from(transport == Transport::Udp);
            let (recorded, pending) = sealed(&key, nonce, Command::POWN, &pown_payload(&mine, &other));
            let answer = exchange(&node, transport, &recorded);
            assert_eq!(status(&pending, &answer), Status::ALL_PASS);
            // The coin comes back to its former number, as between owners who use one number again.
            assert!(renew(&node, &KeyCoin { coin: mine.coin, number: other.clone() }, &mine.number));
            // From another socket, so that no datagram looks like one that came again.
            let replayed = exchange(&node, transport, &recorded);
            assert_eq!(without_time(replayed), without_time(answer), "{transport:?}");
            assert_eq!(renew(&node, &mine, &other), !is_stolen, "{transport:?}");
        }
    }
}
