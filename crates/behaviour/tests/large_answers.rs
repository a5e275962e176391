//! Answers of megabytes: whole to whoever reads, however slowly, and not for ever to whoever does not.

#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use raida_behaviour::fault::long_payload;
use raida_behaviour::request::{echo, echo_answer, echo_request, refusal, with_payload, without_time};
use raida_behaviour::{Fault, Node, PATIENCE, ask, process, wait_until};
use socket2::{Domain, Socket, Type};

const FAULTY: &str = env!("CARGO_BIN_EXE_faulty-node");

/// More than the kernel keeps for a client who does not read.
const LONG: usize = 8 << 20;

/// "The response is too large for UDP, use TCP".
const INVALID_UDP_FRAME_COUNT: u8 = 15;
/// "Out of resources".
const MEMORY_ALLOC: u8 = 254;

#[test]
fn a_slow_reader_gets_an_answer_of_megabytes_whole() {
    let node = Node::faulty(FAULTY).start();
    let mut stream = asked_for(LONG, &node);
    let (mut got, mut room) = (Vec::new(), vec![0; 64 << 10]);
    for reads in 0.. {
        match stream.read(&mut room).unwrap() {
            0 => break,
            len => got.extend_from_slice(&room[..len]),
        }
        thread::sleep(Duration::from_millis(2));
        if reads % 16 == 0 {
            // Others do not wait for the slow one.
            assert_eq!(without_time(ask::tcp(node.address(), &echo_request(1))), echo_answer(1));
        }
    }
    is_whole(got, LONG);
}

#[test]
fn many_readers_get_their_long_answers_side_by_side() {
    let node = Node::faulty(FAULTY).flag("--threads", 2).start();
    let before = process::descriptors_at_rest(node.pid());
    let mut streams: Vec<TcpStream> = (0..8).map(|_| asked_for(1 << 20, &node)).collect();
    // The last is read first.
    while let Some(mut stream) = streams.pop() {
        is_whole(ask::read_to_close(&mut stream), 1 << 20);
    }
    wait_until("every descriptor is back", || process::descriptors(node.pid()) == before);
}

#[test]
fn a_reader_that_stops_reading_is_disconnected_when_its_time_is_over() {
    const PROGRESS: Duration = Duration::from_millis(400);
    let node = Node::faulty(FAULTY).config("timeouts.write_progress_ms = 400").start();
    let before = process::descriptors_at_rest(node.pid());
    let start = Instant::now();
    let mut stream = asked_for(LONG, &node);
    assert_eq!(stream.peek(&mut [0]).unwrap(), 1);
    wait_until("the node has given up", || process::descriptors(node.pid()) == before);
    assert!(start.elapsed() >= PROGRESS, "given up after {:?} already", start.elapsed());
    // By a reset: a close would leave megabytes in the kernel, for a peer that does not take them.
    let mut rest = Vec::new();
    assert_eq!(stream.read_to_end(&mut rest).unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert!(rest.len() < LONG);
}

#[test]
fn a_reader_that_takes_a_little_all_the_time_is_not_taken_for_one_that_stops() {
    // The kernel tells of room when a third of what it holds has been taken: more than a megabyte here.
    let node = Node::faulty(FAULTY).config("timeouts.write_progress_ms = 500").start();
    let mut stream = asked_for(LONG, &node);
    let (mut got, mut room) = (Vec::new(), [0; 4096]);
    for _ in 0..200 {
        let len = stream.read(&mut room).unwrap();
        got.extend_from_slice(&room[..len]);
        thread::sleep(Duration::from_millis(10));
    }
    got.extend(ask::read_to_close(&mut stream));
    is_whole(got, LONG);
}

#[test]
fn a_reader_that_trickles_is_disconnected_when_the_time_for_the_whole_is_over() {
    const WHOLE: Duration = Duration::from_millis(1000);
    let node = Node::faulty(FAULTY).config("timeouts.write_progress_ms = 1000\ntimeouts.write_ms = 1000").start();
    let before = process::descriptors_at_rest(node.pid());
    // One makes hardly any room for more, the other all the time.
    for (len, at_once) in [(LONG, 2048), (15 << 20, 8 << 10)] {
        let start = Instant::now();
        let mut stream = asked_for(len, &node);
        let (mut read, mut room) = (0, vec![0; at_once]);
        let end = loop {
            match stream.read(&mut room) {
                Ok(0) => panic!("the whole answer came, {read} octets"),
                Ok(len) => read += len,
                Err(error) => break error,
            }
            thread::sleep(Duration::from_millis(5));
            assert!(start.elapsed() < PATIENCE, "{read} octets and no end");
        };
        assert_eq!(end.kind(), ErrorKind::ConnectionReset);
        assert!(start.elapsed() >= WHOLE, "given up after {:?} already", start.elapsed());
    }
    wait_until("every descriptor is back", || process::descriptors(node.pid()) == before);
}

#[test]
fn an_answer_longer_than_half_of_the_buffers_is_refused_and_a_shorter_one_is_whole() {
    let node = Node::faulty(FAULTY).config("limits.buffers_bytes_max = 1048576").start();
    for (len, is_told) in [(500_000, true), (540_000, false), (LONG, false), (500_000, true)] {
        let told = ask::tcp(node.address(), &Fault::Answer(len).request(5));
        if is_told {
            is_whole(told, len);
        } else {
            is_refused(told, 5);
        }
    }
}

#[test]
fn while_nobody_reads_a_long_answer_the_next_one_is_refused_and_short_ones_are_not() {
    // Half of the buffers hold one such answer and not two, and whoever does not read it has time.
    let patient =
        "limits.buffers_bytes_max = 20971520\ntimeouts.write_progress_ms = 600000\ntimeouts.write_ms = 600000";
    let node = Node::faulty(FAULTY).config(patient).start();
    let mut hoarder = asked_for(LONG, &node);
    assert_eq!(hoarder.peek(&mut [0]).unwrap(), 1, "the node has begun to answer");
    for number in 6..9 {
        is_refused(ask::tcp(node.address(), &Fault::Answer(LONG).request(number)), number);
        assert_eq!(without_time(ask::tcp(node.address(), &echo_request(number))), echo_answer(number));
    }
    is_whole(ask::read_to_close(&mut hoarder), LONG);
    is_whole(ask::tcp(node.address(), &Fault::Answer(LONG).request(5)), LONG);
}

#[test]
fn over_udp_a_long_answer_becomes_advice_to_use_tcp() {
    let node = Node::faulty(FAULTY).start();
    for (number, len) in (0..).zip([1409, 1441, 65_507, 4 << 20]) {
        let told = ask::udp(node.address(), &Fault::Answer(len).request(number));
        let told = without_time(told);
        assert_eq!(told.len(), 32);
        assert_eq!((told[2], told[6..8].to_vec()), (INVALID_UDP_FRAME_COUNT, echo(number).to_vec()), "{len} octets");
        assert_eq!(told, refusal(INVALID_UDP_FRAME_COUNT, 0, echo(number)), "{len} octets");
    }
    assert_eq!(without_time(ask::udp(node.address(), &echo_request(9))), echo_answer(9));
}

/// A connection with a small receive buffer over which a long answer has been asked for.
fn asked_for(len: usize, node: &Node) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(32 << 10).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.connect(&node.address().into()).unwrap();
    let mut stream = TcpStream::from(socket);
    stream.write_all(&Fault::Answer(len).request(5)).unwrap();
    stream
}

fn is_refused(told: Vec<u8>, number: u32) {
    assert_eq!(told.len(), 32, "a header");
    assert_eq!(without_time(told), refusal(MEMORY_ALLOC, 0, echo(number)));
}

fn is_whole(got: Vec<u8>, len: usize) {
    let got = without_time(got);
    assert_eq!(got.len(), 32 + len + 2);
    assert!(got == with_payload(echo_answer(5), &long_payload(len)), "other octets than those sent");
}
