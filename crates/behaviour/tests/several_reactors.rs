//! A node with several I/O threads on one port answers as one with a single thread does.

use raida_behaviour::request::{answer, echo_request, plain, with_payload, without_time};
use raida_behaviour::{Node, Shared, ask};

static NODE: Shared = Shared::new(|| Node::builder().flag("--reactors", 4).start());

#[test]
fn every_connection_is_answered_whichever_thread_it_falls_to() {
    let node = NODE.hold();
    for number in 0..200 {
        assert_eq!(without_time(ask::tcp(node.address(), &echo_request(number))), answer(250, 0, number));
    }
}

#[test]
fn every_datagram_is_answered_whichever_thread_it_falls_to() {
    let node = NODE.hold();
    for number in 0..200 {
        assert_eq!(without_time(ask::udp(node.address(), &echo_request(number))), answer(250, 0, number));
    }
}

#[test]
fn the_figures_of_all_threads_are_added_up() {
    let node = Node::builder().flag("--reactors", 4).start();
    for number in 0..50 {
        assert_eq!(ask::tcp(node.address(), &echo_request(number)).len(), 32);
        assert_eq!(ask::udp(node.address(), &echo_request(number)).len(), 32);
    }
    let stats = without_time(ask::tcp(node.address(), &plain(0, 2, &node.admin_key(), 1)));
    let figures = [100_u64, 0, 0, 50].map(|figure| figure.to_be_bytes().into_iter().rev()).into_iter().flatten();
    assert_eq!(stats, with_payload(answer(250, 0, 1), &figures.collect::<Vec<u8>>()));
}
