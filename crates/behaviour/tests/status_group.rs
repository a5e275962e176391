//! The status group and the vote, octet for octet.
//!
//! Source: protocol §5.3, §6.1

#![expect(clippy::indexing_slicing, reason = "a test may panic, also in its shared parts")]

use std::net::SocketAddr;
use std::time::Instant;

use raida_behaviour::request::{answer, bodyless, plain, refusal, with_payload, without_time};
use raida_behaviour::{Node, Shared, ask, request, vectors};

static NODE: Shared = Shared::new(Node::start);

/// Over TCP, execution time left out.
fn tcp(node: &Node, request: &[u8]) -> Vec<u8> {
    without_time(ask::tcp(node.address(), request))
}

/// Over UDP, execution time left out.
fn udp(node: &Node, request: &[u8]) -> Vec<u8> {
    without_time(ask::udp(node.address(), request))
}

#[test]
fn echo_succeeds_whatever_its_payload() {
    let node = NODE.hold();
    for payload in [&[][..], &[0x3E], &[0x3E, 0x3E], &[7; 29], &[0; 1390]] {
        let request = plain(0, 0, payload, 20);
        assert_eq!(tcp(&node, &request), answer(250, 0, 20));
        assert_eq!(udp(&node, &request), answer(250, 0, 20));
    }
}

#[test]
fn version_is_a_date_of_eight_digits_whatever_the_payload() {
    let node = NODE.hold();
    for payload in [&[][..], &[9; 20]] {
        let request = plain(0, 1, payload, 21);
        let version = tcp(&node, &request);
        assert_eq!(version.len(), 42);
        let date = &version[32..40];
        assert!(date.iter().all(u8::is_ascii_digit) && date.starts_with(b"20"), "{date:?}");
        assert_eq!(version, with_payload(answer(250, 0, 21), date));
        assert_eq!(udp(&node, &request), version);
    }
}

#[test]
fn audit_lists_every_denomination_and_no_coin() {
    let node = NODE.hold();
    let records: Vec<u8> = (-8_i8..=6).flat_map(|denomination| [denomination.cast_unsigned(), 0, 0, 0, 0]).collect();
    assert_eq!(records.len(), 75);
    let expected = with_payload(answer(250, 0, 22), &records);
    assert_eq!(tcp(&node, &plain(0, 3, &[], 22)), expected);
    assert_eq!(tcp(&node, &plain(0, 3, &[1; 20], 22)), expected);
    assert_eq!(udp(&node, &plain(0, 3, &[1; 59], 22)), expected);
}

#[test]
fn what_needs_no_body_is_answered_without_a_signature() {
    let node = NODE.hold();
    let unsigned = |status| refusal(status, 0, request::echo(23));
    assert_eq!(tcp(&node, &bodyless(0, 0, 23)), unsigned(250));
    assert_eq!(udp(&node, &bodyless(0, 0, 23)), unsigned(250));
    assert_eq!(tcp(&node, &bodyless(0, 1, 23)), with_payload(unsigned(250), &raida_node::version::BUILD_DATE));
    let audit = tcp(&node, &bodyless(0, 3, 23));
    assert_eq!(audit, with_payload(unsigned(250), &audit[32..107]));
}

#[test]
fn the_execution_time_is_in_microseconds_and_part_of_what_the_client_waits() {
    let node = NODE.hold();
    let mut long = plain(0, 0, &[0; 40], 23);
    long[16] = 4;
    for (request, place) in [(plain(0, 0, &[], 23), 12..16), (bodyless(0, 9, 23), 12..16), (long, 4..8)] {
        for ask in [ask::tcp, ask::udp] {
            let start = Instant::now();
            let answer = ask(node.address(), &request);
            let waited = start.elapsed().as_micros();
            let told = answer[place.clone()].iter().fold(0, |sum, octet| sum << 8 | u128::from(*octet));
            assert!(told <= waited, "{told} us of {waited} us");
        }
    }
}

#[test]
fn stats_need_the_admin_key() {
    let node = NODE.hold();
    let key = node.admin_key();
    assert_eq!(key.len(), 16);
    for ask in [tcp, udp] {
        for short in 0..16 {
            assert_eq!(ask(&node, &plain(0, 2, &key[..short], 24)), answer(16, 0, 24), "{short} octets");
        }
        for wrong in 0..16 {
            let mut other = key.clone();
            other[wrong] ^= 1;
            assert_eq!(ask(&node, &plain(0, 2, &other, 25)), answer(38, 0, 25), "octet {wrong} is wrong");
        }
        let mut longer = key.clone();
        longer.push(0);
        assert_eq!(ask(&node, &plain(0, 2, &key, 26))[..12], with_payload(answer(250, 0, 26), &[0; 32])[..12]);
        assert_eq!(ask(&node, &plain(0, 2, &longer, 26))[..12], with_payload(answer(250, 0, 26), &[0; 32])[..12]);
    }
}

#[test]
fn stats_take_the_admin_key_from_the_configuration_where_it_stands_there() {
    let digits = "000102030405060708090a0b0c0d0e0f";
    let node = Node::builder().config(&format!("[server]\nadmin_key = \"{digits}\"")).start();
    assert_eq!(stats(node.address(), &vectors::octets(digits)), [0, 0, 0, 0]);
    let own = ask::tcp(node.address(), &plain(0, 2, &node.admin_key(), 27));
    assert_eq!(without_time(own), answer(38, 0, 27));
}

#[test]
fn stats_count_echoes_on_both_transports_and_every_datagram() {
    let node = Node::start();
    let (address, key) = (node.address(), node.admin_key());
    assert_eq!(stats(address, &key), [0, 0, 0, 0]);
    for number in 0..300 {
        assert_eq!(ask::tcp(address, &request::echo_request(number)).len(), 32);
    }
    assert_eq!(stats(address, &key), [300, 0, 0, 0]);
    for number in 0..20 {
        assert_eq!(ask::udp(address, &request::echo_request(number)).len(), 32);
    }
    assert_eq!(ask::udp(address, &plain(0, 1, &[], 1)).len(), 42);
    assert_eq!(ask::udp(address, &zero_vote()).len(), 17);
    assert_eq!(ask::udp_then_probe(address, b"junk", &request::echo_request(1)).len(), 32);
    assert_eq!(stats(address, &key), [321, 0, 0, 24]);
}

/// Asks over TCP. The four counters: echoes, coins powned, their value, datagrams.
fn stats(node: SocketAddr, key: &[u8]) -> [u64; 4] {
    let body = ask::tcp(node, &plain(0, 2, key, 28)).split_off(32);
    assert_eq!((body.len(), &body[32..]), (34, &[0x3E, 0x3E][..]));
    [0, 8, 16, 24].map(|at| body[at..at + 8].iter().rev().fold(0, |sum, octet| sum << 8 | u64::from(*octet)))
}

#[test]
fn a_vote_with_the_roots_of_this_node_agrees() {
    let node = NODE.hold();
    assert_eq!(ask::udp(node.address(), &vote_with(&roots(&node))), with_nonce(1));
}

#[test]
fn a_vote_with_one_differing_bit_in_any_root_does_not_agree() {
    let node = NODE.hold();
    let vote = vote_with(&roots(&node));
    for root in 0..15 {
        for at in [1 + 32 * root, 1 + 32 * root + 31] {
            let mut vote = vote.clone();
            vote[at] ^= 0x80;
            assert_eq!(ask::udp(node.address(), &vote), with_nonce(0), "octet {at}");
        }
    }
}

#[test]
fn the_votes_of_the_vectors_are_answered_as_by_a_node_with_other_trees() {
    let node = NODE.hold();
    let votes = vectors::of_kind("vote");
    for case in votes.iter().filter(|case| case.expect["result"] == "reply") {
        let mut expected = vec![0];
        expected.extend(&case.octets[481..]);
        assert_eq!(ask::udp(node.address(), &case.octets), expected, "{}", case.name);
    }
}

#[test]
fn what_only_resembles_a_vote_is_an_ordinary_request() {
    let node = NODE.hold();
    let vote = zero_vote();
    for other in [vote[..496].to_vec(), [&vote[..], &[0]].concat()] {
        assert_eq!(udp(&node, &other), refusal(255, 0, [0, 0]), "{} octets", other.len());
    }
    for case in vectors::of_kind("vote").iter().filter(|case| case.expect["result"] == "not_a_vote") {
        let status = case.expected_octet("status").expect("the vector has a status");
        assert_eq!(udp(&node, &case.octets), refusal(status, 0, [0, 0]), "{}", case.name);
    }
    assert_eq!(tcp(&node, &vote), refusal(255, 0, [0, 0]), "there are no votes over TCP");
}

/// The roots of the 15 trees, as the node tells them.
fn roots(node: &Node) -> Vec<u8> {
    let answer = ask::tcp(node.address(), &plain(14, 5, &[0; 480], 30));
    assert_eq!(answer.len(), 32 + 480 + 2);
    answer[32..512].to_vec()
}

/// 497 octets: no denomination has a tree.
fn zero_vote() -> Vec<u8> {
    vote_with(&[0; 480])
}

fn vote_with(roots: &[u8]) -> Vec<u8> {
    let mut vote = vec![7];
    vote.extend(roots);
    vote.extend(NONCE);
    vote
}

fn with_nonce(verdict: u8) -> Vec<u8> {
    [&[verdict], &NONCE[..]].concat()
}

const NONCE: &[u8; 16] = b"nonce of a vote!";
