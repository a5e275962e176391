//! The public vectors, taken through the whole service: every request case, and the exchanges of group 0.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a step that fails is a test that fails")]

use raida_node::testing::{MemoryCoins, ask};
use raida_node::{AdminKey, Node, Settings};
use raida_reactor::service::{Place, Transport};
use raida_wire::audit::Counts;
use raida_wire::{AuthenticityNumber, Challenge, CoinId, Command, Recipient, Request, Sender, Status};
use serde_json::Value;

fn vectors() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/protocol/vectors.json");
    serde_json::from_str(&std::fs::read_to_string(path).expect("the vectors are here")).expect("they are JSON")
}

fn hex(value: &Value) -> Vec<u8> {
    let digits = value.as_str().expect("hexadecimal digits");
    (0..digits.len()).step_by(2).map(|i| u8::from_str_radix(&digits[i..i + 2], 16).expect("a digit")).collect()
}

fn secret(value: &Value) -> [u8; 16] {
    hex(value).try_into().expect("sixteen octets")
}

fn number(value: &Value) -> usize {
    usize::try_from(value.as_u64().expect("a number")).expect("a small one")
}

/// A node in the state that every case assumes.
fn node_of(profile: &Value) -> Node<MemoryCoins> {
    let mut coins = MemoryCoins::new();
    for coin in profile["coins"].as_array().expect("coins") {
        if coin["mfs"] != 0 {
            let denomination = i8::try_from(coin["den"].as_i64().expect("a denomination")).expect("a small one");
            let serial_number = u32::try_from(number(&coin["sn"])).expect("a serial number");
            let id = CoinId::new(denomination, serial_number).expect("in range");
            coins = coins.with_coin(id, AuthenticityNumber::new(secret(&coin["an"])));
        }
    }
    for locker in profile["lockers"].as_array().expect("lockers") {
        coins = coins.with_locker(secret(&locker["key"]));
    }
    let raida_id = u8::try_from(number(&profile["raida_id"])).expect("a node");
    assert_eq!(profile["coin_id"], u64::from(raida_node::testing::COIN_ID));
    Node::new(Settings { raida_id, admin_key: AdminKey::new(secret(&profile["admin_key"])), reactors: vec![] }, coins)
}

/// The transports that a case is for.
fn transports(case: &Value, octets: &[u8], limit: usize) -> Vec<Transport> {
    let udp = Transport::Udp { datagram: octets.len(), limit };
    match case["given"]["transport"].as_str() {
        Some("tcp") => vec![Transport::Tcp],
        Some("udp") => vec![udp],
        _ => vec![Transport::Tcp, udp],
    }
}

#[test]
fn every_request_case_is_answered_as_written() {
    let vectors = vectors();
    let limit = number(&vectors["profile"]["udp_payload_limit"]);
    let (mut accepted, mut rejected, mut silent) = (0, 0, 0);
    let cases = vectors["vectors"].as_array().expect("cases").iter().filter(|case| case["kind"] == "request");
    for case in cases {
        let (octets, expect) = (hex(&case["bytes"]), &case["expect"]);
        for transport in transports(case, &octets, limit) {
            let node = node_of(&vectors["profile"]);
            let answer = ask(&node, &octets, transport, Place::Reactor);
            match expect["result"].as_str() {
                Some("accept") => {
                    let answer = answer.expect("an accepted request is answered");
                    let may_refuse = [16, 38, 89, 250, 15].contains(&answer[2]);
                    assert!(may_refuse, "{}: a status of the envelope: {}", case["name"], answer[2]);
                    if expect["signature"].is_string() {
                        assert_eq!(answer[16..32], hex(&expect["signature"]), "{}", case["name"]);
                    }
                    accepted += 1;
                }
                Some("reject") => {
                    let mut answer = answer.expect("a rejected request is answered");
                    assert_eq!(answer.len(), number(&expect["response_header_len"]), "{}", case["name"]);
                    assert_eq!(usize::from(answer[2]), number(&expect["status"]), "{}", case["name"]);
                    if expect["response"].is_string() {
                        answer[12..16].fill(0);
                        assert_eq!(answer, hex(&expect["response"]), "{}", case["name"]);
                    }
                    rejected += 1;
                }
                Some("drop" | "incomplete") => {
                    assert_eq!(answer, None, "{}", case["name"]);
                    silent += 1;
                }
                other => panic!("{}: result {other:?}", case["name"]),
            }
        }
    }
    assert!(accepted > 0 && rejected > 0 && silent > 0, "{accepted} {rejected} {silent}");
}

#[test]
fn the_exchanges_of_the_status_group_are_answered_as_written() {
    let vectors = vectors();
    let node = node_of(&vectors["profile"]);
    let cases = vectors["vectors"].as_array().expect("cases").iter().filter(|case| case["kind"] == "exchange");
    let mut played = 0;
    for case in cases {
        let octets = hex(&case["bytes"]);
        if octets[4] == 0 {
            let mut answer = ask(&node, &octets, Transport::Tcp, Place::Reactor).expect("an answer");
            answer[12..16].fill(0);
            assert_eq!(answer, hex(&case["expect"]["response"]), "{}", case["name"]);
            played += 1;
        }
    }
    assert!(played >= 2, "{played}");
}

#[test]
fn the_audit_payload_is_as_written() {
    let vectors = vectors();
    let all = vectors["vectors"].as_array().expect("cases");
    let case = all.iter().find(|case| case["name"] == "body/audit-reply").expect("the case");
    let counts = &case["given"]["counts"];
    let counts = Counts(std::array::from_fn(|i| {
        let denomination = i64::try_from(i).expect("a small number") - 8;
        u32::try_from(number(&counts[denomination.to_string()])).expect("a count")
    }));
    let node = raida_node::testing::node_of(14, MemoryCoins::new().with_counts(counts));
    let sender = Sender::Nobody { echo: [0; 2], challenge: Challenge::new([1; 12]) };
    let recipient = Recipient { raida_id: 14, coin_id: 6, shard: 0 };
    let mut octets = [0; 50];
    let (_, pending) = Request::new(recipient, Command::AUDIT, sender).build(&mut octets, b"").expect("it fits");
    let mut answer = ask(&node, &octets, Transport::Tcp, Place::Reactor).expect("an answer");
    let response = pending.read(&mut answer).expect("a good answer");
    assert_eq!((response.status, &*response.payload), (Status::SUCCESS, &*hex(&case["bytes"])));
}
