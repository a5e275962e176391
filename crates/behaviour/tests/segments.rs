//! How a request is cut into segments makes no difference (protocol §1.10).

#![expect(clippy::unwrap_used, reason = "a test may panic, also in its shared parts")]

use std::io::Write;
use std::net::TcpStream;

use raida_behaviour::request::{answer, echo_request, plain, refusal, without_time};
use raida_behaviour::{Fault, Node, Shared, ask, fault, request, wait_until};

/// Shared: no test here depends on a time limit, or leaves the node other than it was.
static NODE: Shared =
    Shared::new(|| Node::builder().config("[timeouts]\nprogress_ms = 60000\nrequest_ms = 60000").start());

/// Sends each part when the node has seen the one before it.
fn send_in_parts<'p>(node: &Node, parts: impl IntoIterator<Item = &'p [u8]>) -> TcpStream {
    let mut stream = ask::connect(node.address());
    for (place, part) in parts.into_iter().enumerate() {
        if place > 0 {
            ask::round_trip(node.address());
            ask::nothing_yet(&stream);
        }
        stream.write_all(part).unwrap();
    }
    stream
}

/// What comes back until the node closes, execution time left out.
fn answer_to(mut stream: TcpStream) -> Vec<u8> {
    without_time(ask::read_to_close(&mut stream))
}

#[test]
fn a_request_that_comes_octet_by_octet_is_answered() {
    let node = NODE.hold();
    let request = plain(0, 0, &[1; 20], 1);
    assert_eq!(answer_to(send_in_parts(&node, request.chunks(1))), answer(250, 0, 1));
}

#[test]
fn a_request_that_is_cut_in_two_anywhere_is_answered() {
    let node = NODE.hold();
    let request = plain(0, 0, &[1; 20], 2);
    for at in 1..request.len() {
        let (front, back) = request.split_at(at);
        assert_eq!(answer_to(send_in_parts(&node, [front, back])), answer(250, 0, 2), "cut at {at}");
    }
}

#[test]
fn a_body_that_will_not_do_is_refused_alike_wherever_it_is_cut() {
    let node = NODE.hold();
    let mut request = plain(0, 0, &[], 3);
    request[40] ^= 1;
    for at in 1..request.len() {
        let (front, back) = request.split_at(at);
        assert_eq!(answer_to(send_in_parts(&node, [front, back])), refusal(37, 0, request::echo(3)), "cut at {at}");
    }
}

#[test]
fn a_long_header_that_is_cut_in_two_anywhere_is_judged_when_it_is_whole() {
    let node = NODE.hold();
    let mut request = plain(0, 0, &[0; 14], 4);
    request.truncate(48);
    request[16] = 9;
    for at in 1..request.len() {
        let (front, back) = request.split_at(at);
        let answer = ask::read_to_close(&mut send_in_parts(&node, [front, back]));
        assert_eq!(request::without_chance(answer), request::long_refusal(27, &request), "cut at {at}");
    }
}

#[test]
fn a_header_is_refused_before_its_body_has_come() {
    let node = NODE.hold();
    let mut request = plain(0, 0, &[0; 500], 5);
    request[2] = 1;
    assert_eq!(answer_to(send_in_parts(&node, [&request[..32]])), refusal(3, 0, [0, 0]));
}

#[test]
fn two_requests_in_one_segment_get_one_answer() {
    let node = NODE.hold();
    let both = [echo_request(6), echo_request(7)].concat();
    assert_eq!(answer_to(send_in_parts(&node, [&both[..]])), answer(250, 0, 6));
}

#[test]
fn two_requests_cut_anywhere_get_one_answer() {
    let node = NODE.hold();
    let (first, second) = (echo_request(8), echo_request(9));
    for at in 0..second.len() {
        let front = [&first[..30], &[]].concat();
        let back = [&first[30..], &second[..at]].concat();
        assert_eq!(
            answer_to(send_in_parts(&node, [&front[..], &back[..]])),
            answer(250, 0, 8),
            "{at} octets of the second"
        );
    }
}

#[test]
fn stray_octets_behind_a_request_do_not_harm_its_answer() {
    let node = NODE.hold();
    for stray in [1, 16, 1000, 60_000] {
        let request = [echo_request(10), vec![0xEE; stray]].concat();
        assert_eq!(answer_to(send_in_parts(&node, [&request[..]])), answer(250, 0, 10), "{stray} octets at once");
    }
}

#[test]
fn a_half_closed_peer_still_gets_its_answer() {
    let node = NODE.hold();
    for request in [echo_request(11), [echo_request(11), vec![0xEE; 16]].concat()] {
        let stream = send_in_parts(&node, [&request[..]]);
        ask::half_close(&stream);
        assert_eq!(answer_to(stream), answer(250, 0, 11));
    }
    let request = echo_request(12);
    let stream = send_in_parts(&node, [&request[..20], &request[20..]]);
    ask::half_close(&stream);
    assert_eq!(answer_to(stream), answer(250, 0, 12));
}

#[test]
fn whatever_a_peer_does_behind_its_request_leaves_the_answer_that_a_worker_makes_alone() {
    let node = Node::faulty(env!("CARGO_BIN_EXE_faulty-node")).flag("--threads", 3).start();
    let request = Fault::Hold.request(13);
    let mut streams = [(); 3].map(|()| send_in_parts(&node, [&request[..]]));
    wait_until("workers have all three", || fault::tally(node.address()).held == 3);
    let [half_closed, chatty, both] = &mut streams;
    ask::half_close(half_closed);
    chatty.write_all(&[0xEE; 16]).unwrap();
    both.write_all(&[0xEE; 60_000]).unwrap();
    ask::half_close(both);
    ask::round_trip(node.address());
    streams.iter().for_each(ask::nothing_yet);
    assert_eq!(ask::tcp(node.address(), &Fault::Release.request(14)).len(), 32);
    for stream in streams {
        assert_eq!(answer_to(stream), answer(250, 0, 13));
    }
}

#[test]
fn a_request_that_ends_anywhere_in_its_middle_is_closed_without_an_answer() {
    let node = NODE.hold();
    let request = echo_request(13);
    for at in 0..request.len() {
        let stream = send_in_parts(&node, [&request[..at]]);
        ask::half_close(&stream);
        assert_eq!(answer_to(stream), ask::NOTHING, "{at} octets at once");
    }
    let stream = send_in_parts(&node, [&request[..20], &request[20..40]]);
    ask::round_trip(node.address());
    ask::half_close(&stream);
    assert_eq!(answer_to(stream), ask::NOTHING);
}

#[test]
fn the_longest_body_is_answered_whole_and_in_pieces() {
    let node = NODE.hold();
    let request = plain(0, 0, &vec![0xAB; 65_535 - 18], 14);
    assert_eq!(request.len(), 32 + 65_535);
    assert_eq!(answer_to(send_in_parts(&node, [&request[..]])), answer(250, 0, 14));
    assert_eq!(answer_to(send_in_parts(&node, request.chunks(1000))), answer(250, 0, 14));
    let (header, body) = request.split_at(32);
    assert_eq!(answer_to(send_in_parts(&node, [header, body])), answer(250, 0, 14));
}

#[test]
fn a_missing_terminator_of_the_longest_body_is_found() {
    let node = NODE.hold();
    let mut request = plain(0, 0, &vec![0xAB; 65_535 - 18], 15);
    *request.last_mut().unwrap() = 0;
    assert_eq!(answer_to(send_in_parts(&node, request.chunks(20_000))), refusal(33, 0, request::echo(15)));
}

#[test]
fn requests_that_come_in_pieces_on_many_connections_at_once_do_not_mix() {
    let node = NODE.hold();
    let address = node.address();
    let requests: Vec<Vec<u8>> = (100..200).map(|number| plain(0, 0, &[7; 60], number)).collect();
    let mut streams: Vec<TcpStream> = requests.iter().map(|_| ask::connect(address)).collect();
    for part in 0..11 {
        for (stream, request) in streams.iter_mut().zip(&requests) {
            stream.write_all(&request[part * 10..part * 10 + 10]).unwrap();
        }
        ask::round_trip(address);
    }
    for (stream, number) in streams.into_iter().zip(100..) {
        assert_eq!(answer_to(stream), answer(250, 0, number));
    }
}
