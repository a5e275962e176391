//! A connection is closed after its answer, unless the operator lets it stay open (protocol §1.10 item 3).

#![expect(clippy::unwrap_used, reason = "a test may panic, also in its shared parts")]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use raida_behaviour::request::{answer, echo, echo_request, plain, refusal, without_time};
use raida_behaviour::{Node, Shared, ask};

/// Answers five requests on a connection.
static FIVE: Shared = Shared::new(|| node_that_answers(5, Duration::from_secs(60)));

fn node_that_answers(requests: u32, idle: Duration) -> Node {
    let idle = idle.as_millis();
    Node::builder()
        .config(&format!("[limits]\nrequests_per_connection_max = {requests}\n[timeouts]\nidle_ms = {idle}"))
        .start()
}

/// The next answer of 32 octets, execution time left out.
fn next_answer(stream: &mut TcpStream) -> Vec<u8> {
    let mut octets = vec![0; 32];
    stream.read_exact(&mut octets).unwrap();
    without_time(octets)
}

/// What comes back to `octets` until the node closes, in answers of 32 octets.
fn answers_to(stream: &mut TcpStream, octets: &[u8]) -> Vec<Vec<u8>> {
    stream.write_all(octets).unwrap();
    let answers = ask::read_to_close(stream);
    assert_eq!(answers.len() % 32, 0, "{} octets", answers.len());
    answers.chunks(32).map(|answer| without_time(answer.to_vec())).collect()
}

fn echoes(numbers: impl Iterator<Item = u32>) -> Vec<u8> {
    numbers.flat_map(echo_request).collect()
}

fn answers(numbers: impl Iterator<Item = u32>) -> Vec<Vec<u8>> {
    numbers.map(|number| answer(250, 0, number)).collect()
}

#[test]
fn a_connection_is_closed_after_one_answer_by_default() {
    let node = Node::start();
    let mut stream = ask::connect(node.address());
    stream.write_all(&echo_request(1)).unwrap();
    assert_eq!(without_time(ask::read_to_close(&mut stream)), answer(250, 0, 1));
    let mut stream = ask::connect(node.address());
    assert_eq!(answers_to(&mut stream, &echoes(1..9)), answers(1..2));
}

#[test]
fn a_connection_that_may_stay_open_answers_one_request_after_the_other() {
    let node = FIVE.hold();
    let mut stream = ask::connect(node.address());
    for number in 0..4 {
        stream.write_all(&echo_request(number)).unwrap();
        assert_eq!(next_answer(&mut stream), answer(250, 0, number));
        ask::round_trip(node.address());
        ask::nothing_yet(&stream);
    }
    assert_eq!(answers_to(&mut stream, &echo_request(4)), answers(4..5), "the last one closes");
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let node = FIVE.hold();
    let mut stream = ask::connect(node.address());
    assert_eq!(answers_to(&mut stream, &echoes(10..15)), answers(10..15));
}

#[test]
fn pipelined_requests_over_the_number_are_not_answered_and_destroy_nothing() {
    let node = FIVE.hold();
    for _ in 0..20 {
        let mut stream = ask::connect(node.address());
        assert_eq!(answers_to(&mut stream, &echoes(20..60)), answers(20..25));
    }
}

#[test]
fn pipelined_requests_may_be_cut_anywhere() {
    let node = FIVE.hold();
    let requests = echoes(30..35);
    for at in 0..requests.len() {
        let mut stream = ask::connect(node.address());
        stream.write_all(&requests[..at]).unwrap();
        ask::round_trip(node.address());
        assert_eq!(answers_to(&mut stream, &requests[at..]), answers(30..35), "cut at {at}");
    }
}

#[test]
fn a_long_row_of_pipelined_requests_is_answered_to_the_last() {
    // So little memory that a buffer lost with each request would be missed soon.
    let limits = "[limits]\nrequests_per_connection_max = 100000\nbuffers_bytes_max = 1048576";
    let node = Node::builder().config(limits).start();
    let mut stream = ask::connect(node.address());
    let mut sender = stream.try_clone().unwrap();
    let sending = thread::spawn(move || sender.write_all(&echoes(0..3000)).unwrap());
    for number in 0..3000 {
        assert_eq!(next_answer(&mut stream), answer(250, 0, number));
    }
    sending.join().unwrap();
    ask::half_close(&stream);
    assert_eq!(ask::read_to_close(&mut stream), ask::NOTHING);
}

#[test]
fn requests_of_very_different_length_follow_each_other() {
    let node = FIVE.hold();
    let longest = plain(0, 0, &vec![0x3E; 65_535 - 18], 41);
    let requests = [echo_request(40), longest.clone(), echo_request(42), plain(0, 0, &[1; 3000], 43), longest];
    let mut stream = ask::connect(node.address());
    let expected = [40, 41, 42, 43, 41].map(|number| answer(250, 0, number));
    assert_eq!(answers_to(&mut stream, &requests.concat()), expected);
}

#[test]
fn a_body_that_will_not_do_leaves_the_requests_behind_it_in_place() {
    let node = FIVE.hold();
    let mut wrong = echo_request(51);
    wrong[40] ^= 1;
    let requests = [echo_request(50), wrong, echo_request(52), echo_request(53), echo_request(54)].concat();
    let mut expected = answers(50..55);
    expected[1] = refusal(37, 0, echo(51));
    assert_eq!(answers_to(&mut ask::connect(node.address()), &requests), expected);
}

#[test]
fn a_header_that_will_not_do_ends_the_connection_with_its_answer() {
    let node = FIVE.hold();
    let mut wrong = echo_request(61);
    wrong[2] = 1;
    let requests = [echo_request(60), wrong, echo_request(62)].concat();
    let expected = [answer(250, 0, 60), refusal(3, 0, [0, 0])];
    assert_eq!(answers_to(&mut ask::connect(node.address()), &requests), expected);
}

#[test]
fn a_half_closed_peer_gets_all_its_answers() {
    let node = FIVE.hold();
    let requests = echoes(70..73);
    for cut in [0, 1, 20, 40] {
        let mut stream = ask::connect(node.address());
        stream.write_all(&requests[..requests.len() - cut]).unwrap();
        ask::half_close(&stream);
        let whole = if cut == 0 { 70..73 } else { 70..72 };
        assert_eq!(answers_to(&mut stream, &[]), answers(whole), "{cut} octets are missing");
    }
}

#[test]
fn a_connection_without_further_requests_is_closed_in_time_and_not_before() {
    let idle = Duration::from_millis(400);
    let node = node_that_answers(5, idle);
    let mut stream = ask::connect(node.address());
    let start = Instant::now();
    assert_eq!(answers_to(&mut stream, &echo_request(80)), answers(80..81));
    assert!(start.elapsed() >= idle, "closed after {:?}", start.elapsed());
}
