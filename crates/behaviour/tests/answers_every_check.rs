//! Every check of a request is answered with its own status, in its own header, alike over TCP and UDP.
//!
//! Source: protocol §3

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic, also in its shared parts"
)]

use std::io::Write;

use raida_behaviour::vectors::{self, Case};
use raida_behaviour::{Node, Shared, ask, request};

/// The node that the vectors are meant for. It keeps no coins, so it knows no key.
static NODE: Shared = Shared::new(|| Node::builder().flag("--raida-id", ID).start());

const ID: u8 = 14;

#[test]
fn every_request_of_the_vectors_is_answered_over_tcp() {
    let node = NODE.hold();
    for case in requests_over("tcp") {
        let mut sent = case.octets.clone();
        sent.extend(vectors::octets(case.given["trailing"].as_str().unwrap_or_default()));
        if let Verdict::Answer(expected) = verdict(&case) {
            assert_eq!(comparable(ask::tcp(node.address(), &sent)), expected, "{}", case.name);
        }
    }
}

#[test]
fn every_request_of_the_vectors_is_answered_over_udp() {
    let node = NODE.hold();
    for case in requests_over("udp") {
        if let Verdict::Answer(expected) = verdict(&case) {
            assert_eq!(comparable(ask::udp(node.address(), &case.octets)), expected, "{}", case.name);
        }
    }
}

#[test]
fn a_datagram_that_holds_no_header_or_went_astray_is_dropped() {
    let node = NODE.hold();
    let dropped: Vec<Case> =
        requests_over("udp").into_iter().filter(|case| verdict(case) == Verdict::Silence).collect();
    assert!(dropped.len() >= 6, "the vectors have fewer such cases: {}", dropped.len());
    for case in dropped {
        let first = ask::udp_then_probe(node.address(), &case.octets, &for_this_node(request::echo_request(1)));
        assert_eq!(comparable(first), from_this_node(request::answer(250, 0, 1)), "{}", case.name);
    }
}

#[test]
fn a_request_that_is_not_complete_is_waited_for() {
    let node = NODE.hold();
    let cases = requests_over("tcp");
    let cut: Vec<&Case> = cases.iter().filter(|case| verdict(case) == Verdict::Waiting).collect();
    assert!(cut.len() >= 8, "the vectors have fewer such cases: {}", cut.len());
    for case in cut {
        let whole = cases.iter().find(|other| other.octets.starts_with(&case.octets) && is_answered(other)).unwrap();
        let mut stream = ask::connect(node.address());
        stream.write_all(&case.octets).unwrap();
        ask::round_trip(node.address());
        ask::nothing_yet(&stream);
        stream.write_all(&whole.octets[case.octets.len()..]).unwrap();
        let Verdict::Answer(expected) = verdict(whole) else { panic!("{} is answered", whole.name) };
        assert_eq!(comparable(ask::read_to_close(&mut stream)), expected, "{}", case.name);
    }
}

#[test]
fn a_request_that_ends_before_it_is_complete_gets_no_answer() {
    let node = NODE.hold();
    for case in requests_over("tcp").iter().filter(|case| verdict(case) == Verdict::Waiting) {
        let mut stream = ask::connect(node.address());
        stream.write_all(&case.octets).unwrap();
        ask::half_close(&stream);
        assert_eq!(ask::read_to_close(&mut stream), ask::NOTHING, "{}", case.name);
    }
}

#[test]
fn every_wrong_value_of_a_header_field_has_its_status() {
    let node = NODE.hold();
    let wrong = |at: usize, values: std::ops::RangeInclusive<u8>, status: u8, group: u8| {
        for value in values {
            let mut request = for_this_node(request::plain(1, 10, &[0; 21], 7));
            request[at] = value;
            assert_answer(&node, &request, &from_this_node(request::refusal(status, group, [0, 0])));
        }
    };
    wrong(0, 0..=0, 255, 0);
    wrong(0, 2..=255, 255, 0);
    wrong(1, 1..=255, 2, 0);
    wrong(2, 0..=13, 3, 0);
    wrong(2, 15..=255, 3, 0);
    wrong(3, 4..=255, 4, 0);
    wrong(4, 16..=255, 5, 0);
    wrong(5, 0..=9, 6, 0);
    wrong(5, 12..=19, 6, 0);
    wrong(5, 22..=255, 6, 0);
    wrong(6, 1..=255, 7, 1);
    wrong(7, 0..=5, 7, 1);
    wrong(7, 7..=255, 7, 1);
}

#[test]
fn every_encryption_type_that_is_not_supported_is_refused_with_a_long_header() {
    let node = NODE.hold();
    for unsupported in [3].into_iter().chain(6..=255) {
        let mut request = for_this_node(request::plain(1, 10, &[0; 21], 7));
        request[16] = unsupported;
        assert_answer(&node, &request, &request::long_refusal(27, &request));
    }
}

#[test]
fn the_random_octets_of_a_long_header_are_fresh_each_time() {
    let node = NODE.hold();
    let mut request = for_this_node(request::plain(0, 0, &[0; 40], 7));
    request[16] = 4;
    let nonces = [(); 4].map(|()| ask::udp(node.address(), &request)[24..46].to_vec());
    for (place, nonce) in nonces.iter().enumerate() {
        assert!(!nonces[..place].contains(nonce), "{nonces:?}");
    }
}

#[test]
fn every_command_that_the_protocol_does_not_know_is_refused_by_number() {
    let node = NODE.hold();
    let address = node.address();
    for (group, command) in (0..16).flat_map(|group| (0..=255).map(move |command| (group, command))) {
        if !CORE.iter().chain(OPTIONAL).any(|known| *known == (group, command)) {
            let answer = ask::udp(address, &for_this_node(request::plain(group, command, &[], 3)));
            let expected = from_this_node(request::refusal(6, 0, [0, 0]));
            assert_eq!(request::without_time(answer), expected, "{group}/{command}");
        }
    }
}

#[test]
fn every_optional_command_is_answered_as_not_offered_and_signed() {
    let node = NODE.hold();
    for &(group, command) in OPTIONAL {
        let request = for_this_node(request::plain(group, command, &[0; 21], 9));
        assert_answer(&node, &request, &from_this_node(request::answer(89, group, 9)));
    }
}

#[test]
fn every_core_command_judges_its_payload_and_signs_what_it_says() {
    let node = NODE.hold();
    for &(group, command) in CORE.iter().filter(|named| ![(0, 0), (0, 1), (0, 3)].contains(named)) {
        let answer = ask::tcp(node.address(), &for_this_node(request::plain(group, command, &[0; 3], 10)));
        let status = answer[2];
        assert!(![6, 89, 250].contains(&status), "{group}/{command}: three octets are no payload, {status}");
        assert_eq!(request::without_time(answer), from_this_node(request::answer(status, group, 10)));
    }
}

#[test]
fn only_three_commands_work_without_a_body() {
    let node = NODE.hold();
    for &(group, command) in CORE.iter().chain(OPTIONAL).filter(|named| ![(0, 0), (0, 1), (0, 3)].contains(named)) {
        let request = for_this_node(request::bodyless(group, command, 11));
        assert_answer(&node, &request, &from_this_node(request::refusal(36, group, request::echo(11))));
    }
}

#[test]
fn an_unknown_key_is_refused_before_anything_is_said_about_the_body() {
    let node = NODE.hold();
    for (encryption, status) in [(1, 34), (2, 34)] {
        for body in [&[][..], &[0x3E; 1], &[0; 30]] {
            let mut request = for_this_node(request::bodyless(0, 0, 12));
            request[16] = encryption;
            request[23] = u8::try_from(body.len()).unwrap();
            request.extend(body);
            assert_answer(&node, &request, &from_this_node(request::refusal(status, 0, request::echo(12))));
        }
    }
    for encryption in [4, 5] {
        for body in [&[][..], &[0x3E; 1], &[0; 50]] {
            let mut request = for_this_node(request::bodyless(1, 10, 0));
            request.extend([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
            request[16] = encryption;
            request[18] = u8::try_from(body.len()).unwrap();
            request[19..24].copy_from_slice(&[1, 0, 0, 3, 9]);
            request[24..29].copy_from_slice(&[2, 0, 0, 4, 1]);
            request.extend(body);
            assert_answer(&node, &request, &request::long_refusal(25, &request));
        }
    }
}

#[test]
fn a_body_over_the_configured_limit_is_refused_by_its_header() {
    let node = Node::builder().config("[limits]\nbody_bytes_max = 100").start();
    let fits = request::plain(0, 0, &[0; 82], 13);
    assert_eq!(request::without_time(ask::tcp(node.address(), &fits)), request::answer(250, 0, 13));
    let too_long = request::plain(0, 0, &[0; 83], 13);
    let refusal = request::refusal(16, 0, request::echo(13));
    assert_eq!(request::without_time(ask::tcp(node.address(), &too_long)), refusal);
    assert_eq!(request::without_time(ask::tcp(node.address(), &too_long[..32])), refusal);
    assert_eq!(request::without_time(ask::udp(node.address(), &too_long)), refusal);
}

/// Checks that a request is answered so over TCP and over UDP.
fn assert_answer(node: &Node, request: &[u8], expected: &[u8]) {
    let address = node.address();
    let head = &request[..request.len().min(48)];
    assert_eq!(comparable(ask::tcp(address, request)), expected, "over TCP: {head:?}");
    assert_eq!(comparable(ask::udp(address, request)), expected, "over UDP: {head:?}");
}

/// The vectors that may come over `transport`.
fn requests_over(transport: &str) -> Vec<Case> {
    let mut cases = vectors::of_kind("request");
    cases.retain(|case| case.given["transport"] == "any" || case.given["transport"] == transport);
    cases
}

/// What this node does about a request.
#[derive(Debug, PartialEq)]
enum Verdict {
    /// It sends this, time and random octets left out.
    Answer(Vec<u8>),
    /// It drops the datagram.
    Silence,
    /// It waits for more.
    Waiting,
}

fn is_answered(case: &Case) -> bool {
    matches!(verdict(case), Verdict::Answer(_))
}

/// What a vector says, or, where its node would look for a key, that there is none.
fn verdict(case: &Case) -> Verdict {
    let result = case.expect["result"].as_str().unwrap();
    let status = case.expected_octet("status");
    let is_judged_before_key = matches!(status, Some(255 | 2..=7 | 27));
    if result == "drop" {
        return Verdict::Silence;
    }
    if let (false, Some(refusal)) = (is_judged_before_key, unknown_key(&case.octets)) {
        return Verdict::Answer(refusal);
    }
    match (result, status) {
        ("incomplete", _) => Verdict::Waiting,
        ("reject", Some(27)) => Verdict::Answer(request::long_refusal(27, &case.octets)),
        ("reject", _) => Verdict::Answer(case.expected_octets("response").unwrap()),
        ("accept", _) => Verdict::Answer(success(case)),
        _ => panic!("{}: unknown result {result}", case.name),
    }
}

/// The refusal of a request with a whole header that names a key.
fn unknown_key(octets: &[u8]) -> Option<Vec<u8>> {
    match (octets.get(16)?, octets.len()) {
        (1 | 2, 32..) => Some(from_this_node(request::refusal(34, octets[4], octets[30..32].try_into().unwrap()))),
        (4 | 5, 48..) => Some(request::long_refusal(25, octets)),
        _ => None,
    }
}

/// The answer to a request of type 0 that passed all checks: Echo or Version, as the vectors have no other.
fn success(case: &Case) -> Vec<u8> {
    let echo = case.expected_octets("echo").unwrap().try_into().unwrap();
    let mut answer = from_this_node(request::refusal(250, 0, echo));
    answer[16..].copy_from_slice(&case.expected_octets("signature").unwrap());
    match case.octets[4..6] {
        [0, 0] => answer,
        [0, 1] => request::with_payload(answer, &raida_node::version::BUILD_DATE),
        _ => panic!("{}: another command", case.name),
    }
}

fn for_this_node(mut request: Vec<u8>) -> Vec<u8> {
    request[2] = ID;
    request
}

fn from_this_node(mut answer: Vec<u8>) -> Vec<u8> {
    answer[0] = ID;
    answer
}

fn comparable(answer: Vec<u8>) -> Vec<u8> {
    if answer.len() == 48 { request::without_chance(answer) } else { request::without_time(answer) }
}

/// The commands that every node must offer.
///
/// Source: protocol §5.1
const CORE: &[(u8, u8)] = &[
    (0, 0),
    (0, 1),
    (0, 2),
    (0, 3),
    (1, 10),
    (1, 11),
    (1, 20),
    (1, 21),
    (2, 40),
    (2, 50),
    (2, 60),
    (2, 80),
    (3, 120),
    (3, 130),
    (3, 140),
    (3, 150),
    (3, 160),
    (8, 82),
    (8, 83),
    (8, 84),
    (9, 91),
    (9, 92),
    (9, 93),
    (14, 2),
    (14, 4),
    (14, 5),
];

/// The commands that a node may offer.
///
/// Source: protocol §5.1
const OPTIONAL: &[(u8, u8)] = &[
    (4, 41),
    (4, 42),
    (4, 43),
    (4, 44),
    (4, 45),
    (8, 81),
    (8, 85),
    (8, 86),
    (8, 87),
    (8, 88),
    (8, 89),
    (10, 170),
    (10, 171),
    (10, 172),
    (10, 173),
    (10, 174),
    (11, 110),
    (11, 111),
    (11, 112),
    (11, 114),
    (12, 120),
    (13, 134),
    (13, 135),
    (13, 136),
];
