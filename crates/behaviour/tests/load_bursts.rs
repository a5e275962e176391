//! Many clients at once: every one is answered, each with its own answer, and nothing is left behind.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a step that fails is a test that fails")]

use std::collections::BTreeSet;
use std::net::UdpSocket;
use std::thread;
use std::time::Duration;

use raida_behaviour::crowd::{End, Member};
use raida_behaviour::request::{echo_answer, echo_request, without_time};
use raida_behaviour::{Crowd, Fault, Node, ask, fault, process, wait_until};

const FAULTY: &str = env!("CARGO_BIN_EXE_faulty-node");

/// Time to say the first word: on a busy machine, thousands of clients need some.
const PATIENT: &str = "timeouts.progress_ms = 30000";

#[test]
fn two_thousand_clients_that_connect_in_the_same_instant_are_all_answered() {
    let clients = process::room_for_clients(2000);
    let node = Node::start();
    let mut crowd = Crowd::of(node.address());
    (0..clients).for_each(|number| crowd.join(&echo_request(number)));
    each_has_its_own_answer(crowd.finish());
}

#[test]
fn five_thousand_connections_are_open_at_once_and_then_each_is_answered() {
    let clients = process::room_for_clients(5000);
    let node = Node::builder().config(PATIENT).start();
    let before = process::descriptors_at_rest(node.pid());
    let mut crowd = Crowd::of(node.address());
    (0..clients).for_each(|_| crowd.join(&[]));
    crowd.until("the node has accepted all", |_| process::descriptors(node.pid()) == before + clients as usize);
    assert_eq!(crowd.ended(), 0, "{crowd}");
    (0..clients).zip(0..).for_each(|(number, who)| crowd.say(who, &echo_request(number)));
    each_has_its_own_answer(crowd.finish());
    wait_until("every descriptor is back", || process::descriptors(node.pid()) == before);
}

#[test]
fn three_thousand_requests_are_in_flight_at_once_and_none_is_lost() {
    let clients = process::room_for_clients(3000);
    let node = Node::faulty(FAULTY).flag("--threads", 4).config(PATIENT).config("timeouts.queue_ms = 30000").start();
    let mut crowd = Crowd::of(node.address());
    (0..clients).for_each(|number| {
        let fault = if number < 8 { Fault::Hold } else { Fault::Sleep(1) };
        crowd.join(&fault.request(number));
    });
    // More than the completion queue holds: 1 024 are with the workers, the others wait in their connections.
    crowd.until("all have been deferred", |_| fault::tally(node.address()).deferred == clients);
    assert_eq!(crowd.ended(), 0, "{crowd}");
    let _ = ask::tcp(node.address(), &Fault::Release.request(0));
    each_has_its_own_answer(crowd.finish());
}

#[test]
fn after_twenty_thousand_connections_every_descriptor_is_back() {
    let clients = process::room_for_clients(500);
    let node = Node::start();
    let before = process::descriptors_at_rest(node.pid());
    thread::scope(|scope| {
        scope.spawn(|| one_after_another(&node, 4000));
        scope.spawn(|| (0..32).for_each(|_| clients_of_all_kinds(&node, clients)));
    });
    wait_until("every descriptor is back", || process::descriptors(node.pid()) == before);
}

#[test]
fn a_burst_of_a_thousand_datagrams_loses_none() {
    let node = Node::start();
    let sockets: Vec<UdpSocket> = (0..10).map(|_| ask::udp_socket(node.address())).collect();
    for number in 0..1000 {
        sockets[number as usize % sockets.len()].send(&echo_request(number)).unwrap();
    }
    for (first, socket) in (0..).zip(&sockets) {
        all_answered(socket, (first..1000).step_by(sockets.len()).collect());
    }
    if process::receive_buffer_max() >= 2 << 20 {
        assert_eq!(process::datagrams_dropped(node.address().port()), 0, "the buffer was large enough");
    }
}

/// Every client got the answer to its own request: echo and signature say so. Client and request have the same number.
fn each_has_its_own_answer(members: Vec<Member>) {
    for (number, member) in (0..).zip(members) {
        assert_eq!(without_time(member.into_answer()), echo_answer(number), "client {number}");
    }
}

fn one_after_another(node: &Node, count: u32) {
    for number in 0..count {
        assert_eq!(without_time(ask::tcp(node.address(), &echo_request(number))), echo_answer(number));
    }
}

/// Answered, refused, gone with and without a reset, silent and cut short.
fn clients_of_all_kinds(node: &Node, clients: u32) {
    let mut crowd = Crowd::of(node.address());
    for number in 0..clients {
        let mut request = echo_request(number);
        match number % 10 {
            0 => request[0] = 9,
            1 => request.truncate(20),
            2 => request.clear(),
            _ => {}
        }
        crowd.join(&request);
    }
    for who in 0..clients as usize {
        match who % 10 {
            1 | 2 => crowd.leave(who, false),
            3 => crowd.leave(who, true),
            _ => {}
        }
    }
    for (number, member) in (0..).zip(crowd.finish()) {
        match number % 10 {
            0 => assert_eq!(member.into_answer()[2], 255, "client {number}"),
            1..=3 => assert_eq!(member.end(), Some(End::Left)),
            _ => assert_eq!(without_time(member.into_answer()), echo_answer(number), "client {number}"),
        }
    }
}

/// Reads until every request with one of these numbers has its answer; asks again, as clients do, where one was lost.
fn all_answered(socket: &UdpSocket, mut open: BTreeSet<u32>) {
    socket.set_read_timeout(Some(Duration::from_secs(3))).unwrap();
    let mut rounds = 3;
    while !open.is_empty() {
        let Some(answer) = ask::receive(socket) else {
            rounds -= 1;
            assert!(rounds > 0, "no answer to {open:?}");
            for number in &open {
                socket.send(&echo_request(*number)).unwrap();
            }
            continue;
        };
        let number = u32::from(u16::from_be_bytes([answer[6], answer[7]]));
        assert_eq!(without_time(answer), echo_answer(number));
        open.remove(&number);
    }
}
