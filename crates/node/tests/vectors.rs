//! The public vectors, taken through the whole service: every request case and every exchange.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a step that fails is a test that fails")]

use raida_node::testing::{Coins, ask, surroundings};
use raida_node::{AdminKey, Node, Settings};
use raida_reactor::service::Transport;
use raida_store::Record;
use raida_wire::{AuthenticityNumber, CoinId, Month};
use serde_json::Value;

fn vectors() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/protocol/vectors.json");
    serde_json::from_str(&std::fs::read_to_string(path).expect("the vectors are here")).expect("they are JSON")
}

fn cases<'v>(vectors: &'v Value, kind: &'v str) -> impl Iterator<Item = &'v Value> {
    vectors["vectors"].as_array().expect("cases").iter().filter(move |case| case["kind"] == kind)
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

fn coin(value: &Value) -> CoinId {
    let denomination = i8::try_from(value["den"].as_i64().expect("a denomination")).expect("a small one");
    let serial_number = u32::try_from(number(&value["sn"])).expect("a serial number");
    CoinId::new(denomination, serial_number).expect("in range")
}

/// A node in the state that every case assumes.
fn node_of(profile: &Value) -> Node {
    let mut coins = Coins::new();
    for value in profile["coins"].as_array().expect("coins").iter().filter(|coin| coin["mfs"] != 0) {
        let month = Month(u8::try_from(number(&value["mfs"])).expect("a month"));
        coins = coins.with_record(coin(value), Record { an: secret(&value["an"]).into(), month });
    }
    assert_eq!(profile["coin_id"], u64::from(raida_node::testing::COIN_ID));
    let raida_id = u8::try_from(number(&profile["raida_id"])).expect("a node");
    let node = Node::new(Settings::new(raida_id, AdminKey::new(secret(&profile["admin_key"]))), surroundings(&coins));
    for locker in profile["lockers"].as_array().expect("lockers") {
        let stored = node.store().locker(&secret(&locker["key"]).into(), 100).expect("a good disk");
        assert_eq!(stored.len(), locker["coins"].as_array().expect("coins").len());
    }
    node
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
    let node = node_of(&vectors["profile"]);
    for case in cases(&vectors, "request") {
        let (octets, expect, name) = (hex(&case["bytes"]), &case["expect"], &case["name"]);
        for transport in transports(case, &octets, limit) {
            let answer = ask(&node, &octets, transport);
            match expect["result"].as_str() {
                Some("accept") => {
                    let answer = answer.expect("an accepted request is answered");
                    let of_the_envelope = [2, 3, 4, 5, 6, 7, 25, 27, 33, 34, 36, 37, 204, 252, 255];
                    assert!(!of_the_envelope.contains(&answer[2]), "{name}: status {}", answer[2]);
                    if expect["signature"].is_string() {
                        assert_eq!(answer[16..32], hex(&expect["signature"]), "{name}");
                    }
                    accepted += 1;
                }
                Some("reject") => {
                    let mut answer = answer.expect("a rejected request is answered");
                    assert_eq!(answer.len(), number(&expect["response_header_len"]), "{name}");
                    assert_eq!(usize::from(answer[2]), number(&expect["status"]), "{name}");
                    if expect["response"].is_string() {
                        answer[12..16].fill(0);
                        assert_eq!(answer, hex(&expect["response"]), "{name}");
                    }
                    rejected += 1;
                }
                Some("drop" | "incomplete") => {
                    assert_eq!(answer, None, "{name}");
                    silent += 1;
                }
                other => panic!("{name}: result {other:?}"),
            }
        }
    }
    assert!(accepted > 0 && rejected > 0 && silent > 0, "{accepted} {rejected} {silent}");
}

#[test]
fn every_exchange_is_answered_as_written_over_tcp_and_in_datagrams() {
    let vectors = vectors();
    let limit = number(&vectors["profile"]["udp_payload_limit"]);
    for is_tcp in [true, false] {
        let node = node_of(&vectors["profile"]);
        let (mut played, mut changed) = (0, 0);
        for case in cases(&vectors, "exchange") {
            let (octets, expect, name) = (hex(&case["bytes"]), &case["expect"], &case["name"]);
            assert_eq!(case["given"]["transport"], "any", "{name}");
            let transport = if is_tcp { Transport::Tcp } else { Transport::Udp { datagram: octets.len(), limit } };
            let mut answer = ask(&node, &octets, transport).expect("an answer");
            answer[12..16].fill(0);
            assert_eq!(answer, hex(&expect["response"]), "{name}");
            for after in expect["records_after"].as_array().into_iter().flatten() {
                let record = node.store().read(coin(after)).expect("a good disk").expect("an issued coin");
                assert_eq!(record.an, AuthenticityNumber::new(secret(&after["an"])), "{name}");
                assert_eq!(record.month, raida_node::testing::MONTH, "{name}");
                changed += 1;
            }
            played += 1;
        }
        assert_eq!((played, changed), (44, 7));
    }
}
