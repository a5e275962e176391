//! A refusal arrives although the peer is still sending: no reset destroys it (protocol §1.10 item 4).

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic, also in its shared parts")]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use raida_behaviour::request::{answer, echo_request, plain, refusal, without_time};
use raida_behaviour::{Node, Shared, ask, process, request, wait_until};

/// A node whose farewell ends by octets or by the peer, not by time.
static PATIENT: Shared = Shared::new(|| Node::builder().config("[timeouts]\nlinger_ms = 60000").start());

/// A node whose farewell takes this long at most.
fn node_with_farewell(longest: Duration) -> Node {
    Node::builder()
        .config(&format!("[timeouts]\nlinger_ms = {}\n[limits]\nlinger_bytes_max = 16777216", longest.as_millis()))
        .start()
}

/// A request to another node, announcing the longest body: refused by its header, which is 32 octets.
fn misdirected_header() -> Vec<u8> {
    let mut header = plain(0, 0, &vec![0; 65_535 - 18], 1);
    header.truncate(32);
    header[2] = 1;
    header
}

fn misdirected() -> Vec<u8> {
    refusal(3, 0, [0, 0])
}

#[test]
fn a_refusal_arrives_although_64_kib_came_behind_the_header() {
    let node = PATIENT.hold();
    for _ in 0..20 {
        let request = [misdirected_header(), vec![0xAA; 64 << 10]].concat();
        assert_eq!(without_time(ask::tcp(node.address(), &request)), misdirected());
    }
}

#[test]
fn a_refusal_arrives_although_its_body_comes_in_pieces() {
    let node = PATIENT.hold();
    let address = node.address();
    let mut stream = ask::connect(address);
    stream.write_all(&misdirected_header()).unwrap();
    for piece in vec![0xAA; 60_000].chunks(3000) {
        ask::round_trip(address);
        stream.write_all(piece).unwrap();
    }
    assert_eq!(without_time(ask::read_to_close(&mut stream)), misdirected());
}

#[test]
fn a_body_that_comes_after_the_refusal_was_read_meets_no_reset() {
    let node = PATIENT.hold();
    let address = node.address();
    let mut stream = ask::connect(address);
    stream.write_all(&misdirected_header()).unwrap();
    assert_eq!(without_time(ask::read_to_close(&mut stream)), misdirected());
    for piece in vec![0xAA; 60_000].chunks(3000) {
        stream.write_all(piece).unwrap();
        ask::round_trip(address);
    }
    assert!(stream.take_error().unwrap().is_none());
}

#[test]
fn an_answer_arrives_although_64_kib_came_behind_the_request() {
    let node = PATIENT.hold();
    let address = node.address();
    let request = [echo_request(2), vec![0xBB; 64 << 10]].concat();
    assert_eq!(without_time(ask::tcp(address, &request)), answer(250, 0, 2));
    let mut wrong_challenge = request;
    wrong_challenge[40] ^= 1;
    let expected = refusal(37, 0, request::echo(2));
    assert_eq!(without_time(ask::tcp(address, &wrong_challenge)), expected);
}

#[test]
fn an_answer_arrives_although_stray_octets_follow_in_a_segment_of_their_own() {
    let node = PATIENT.hold();
    for number in 0..200 {
        let mut stream = ask::connect(node.address());
        stream.write_all(&echo_request(number)).unwrap();
        // The node may be done and gone already; then nothing takes them.
        let _ = stream.write_all(&[0xCC; 16]);
        assert_eq!(without_time(read_answer(&mut stream)), answer(250, 0, number));
    }
}

#[test]
fn a_peer_that_sends_without_end_gets_its_refusal_and_is_cut_off() {
    let node = PATIENT.hold();
    let mut stream = ask::connect(node.address());
    stream.write_all(&misdirected_header()).unwrap();
    let mut sender = stream.try_clone().unwrap();
    let sending = thread::spawn(move || send_until_cut_off(&mut sender, 64 << 10));
    assert_eq!(without_time(read_answer(&mut stream)), misdirected());
    let taken = sending.join().unwrap();
    assert!(taken < 64 << 20, "{taken} octets were taken of a refused request");
}

#[test]
fn a_farewell_to_a_silent_peer_ends_in_time_and_not_before() {
    let longest = Duration::from_millis(500);
    let node = node_with_farewell(longest);
    let before = process::descriptors_at_rest(node.pid());
    let start = Instant::now();
    let mut stream = ask::connect(node.address());
    stream.write_all(&misdirected_header()).unwrap();
    assert_eq!(without_time(ask::read_to_close(&mut stream)), misdirected());
    wait_until("the node closes", || process::descriptors(node.pid()) == before);
    assert!(start.elapsed() >= longest, "closed after {:?}", start.elapsed());
}

#[test]
fn a_farewell_to_a_peer_that_trickles_ends_in_time_and_not_before() {
    let longest = Duration::from_millis(500);
    let node = node_with_farewell(longest);
    let start = Instant::now();
    let mut stream = ask::connect(node.address());
    stream.write_all(&misdirected_header()).unwrap();
    assert_eq!(without_time(ask::read_to_close(&mut stream)), misdirected());
    wait_until("the node closes", || stream.write_all(&[0xDD]).is_err());
    assert!(start.elapsed() >= longest, "closed after {:?}", start.elapsed());
}

#[test]
fn a_farewell_ends_when_the_peer_closes() {
    let node = node_with_farewell(Duration::from_secs(60));
    let before = process::descriptors_at_rest(node.pid());
    for _ in 0..20 {
        let mut stream = ask::connect(node.address());
        stream.write_all(&misdirected_header()).unwrap();
        assert_eq!(without_time(ask::read_to_close(&mut stream)), misdirected());
    }
    wait_until("the node closes", || process::descriptors(node.pid()) <= before);
}

/// The answer, whatever becomes of the connection behind it.
fn read_answer(stream: &mut TcpStream) -> Vec<u8> {
    let mut answer = vec![0; 32];
    stream.read_exact(&mut answer).unwrap();
    answer
}

/// Returns how many octets were taken before the connection broke.
fn send_until_cut_off(stream: &mut TcpStream, at_once: usize) -> usize {
    let octets = vec![0xEE; at_once];
    let mut taken = 0;
    while let Ok(count) = stream.write(&octets) {
        taken += count;
    }
    taken
}
