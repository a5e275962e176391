//! Whoever makes a lot of work keeps nobody else waiting, and a node with nothing to do does nothing.

#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

use std::io::Write;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use raida_behaviour::request::{echo_answer, echo_request, without_time};
use raida_behaviour::{Crowd, Node, ask, process, wait_until};

/// How many times a client asks beside a flood.
const TIMES: u32 = 100;

/// Nobody may wait that long, on however busy a machine. A starved client would wait for the end of the flood.
const LONGEST: Duration = Duration::from_secs(5);

/// Nor may the waits be that long on average: ten times what a busy machine needs.
const AVERAGE: Duration = Duration::from_millis(250);

#[test]
fn a_flood_of_datagrams_keeps_no_connection_waiting() {
    let node = Node::start();
    beside_a_flood("TCP beside a flood of datagrams", ask::tcp, &node, |node, flood| {
        let socket = ask::udp_socket(node);
        while flood.goes_on() {
            // Nobody reads the answers: the kernel throws them away.
            let _ = socket.send(&echo_request(1));
        }
    });
}

#[test]
fn a_flood_of_connections_keeps_no_datagram_waiting() {
    let node = Node::start();
    beside_a_flood("UDP beside a flood of connections", ask::udp, &node, |node, flood| {
        while flood.goes_on() {
            let mut crowd = Crowd::of(node);
            (0..100).for_each(|number| crowd.join(&echo_request(number)));
            drop(crowd.finish());
        }
    });
}

#[test]
fn a_flood_of_connections_keeps_no_other_connection_waiting() {
    let node = Node::start();
    beside_a_flood("TCP beside a flood of connections", ask::tcp, &node, |node, flood| {
        while flood.goes_on() {
            let mut crowd = Crowd::of(node);
            (0..100).for_each(|number| crowd.join(&echo_request(number)));
            drop(crowd.finish());
        }
    });
}

#[test]
fn peers_who_never_stop_sending_keep_nobody_waiting() {
    let node = Node::start();
    beside_a_flood("TCP beside peers who never stop sending", ask::tcp, &node, |node, flood| {
        while flood.goes_on() {
            let mut stream = ask::connect(node);
            // Refused after its header; then the node reads on for a while, so that the refusal arrives.
            while flood.goes_on() && stream.write_all(&[9; 65_536]).is_ok() {}
        }
    });
}

#[test]
fn a_node_with_nothing_to_do_uses_next_to_no_processor_time() {
    let node = Node::builder().config("timeouts.progress_ms = 30000").start();
    let before = process::descriptors_at_rest(node.pid());
    let silent: Vec<_> = (0..200).map(|_| ask::connect(node.address())).collect();
    wait_until("all are accepted", || process::descriptors(node.pid()) == before + silent.len());
    ask::round_trip(node.address());
    let used = process::processor_time(node.pid());
    thread::sleep(Duration::from_secs(1));
    let used = process::processor_time(node.pid()) - used;
    assert!(used <= Duration::from_millis(50), "{used:?} in a second");
}

/// A flood under way.
#[derive(Debug, Default)]
struct Flood {
    is_over: AtomicBool,
    waves: AtomicU32,
}

impl Flood {
    fn goes_on(&self) -> bool {
        self.waves.fetch_add(1, Ordering::Relaxed);
        !self.is_over.load(Ordering::Relaxed)
    }
}

/// Asks again and again while others flood the node, and looks at the longest wait.
fn beside_a_flood(
    what: &str,
    ask: fn(SocketAddr, &[u8]) -> Vec<u8>,
    node: &Node,
    flood_it: impl Fn(SocketAddr, &Flood) + Sync,
) {
    let flood = Flood::default();
    let waits = thread::scope(|scope| {
        (0..2).for_each(|_| drop(scope.spawn(|| flood_it(node.address(), &flood))));
        wait_until("the flood is there", || flood.waves.load(Ordering::Relaxed) >= 10);
        let waits = (0..TIMES).map(|number| {
            let start = Instant::now();
            let answer = ask(node.address(), &echo_request(number));
            (start.elapsed(), without_time(answer) == echo_answer(number))
        });
        let waits: Vec<(Duration, bool)> = waits.collect();
        flood.is_over.store(true, Ordering::Relaxed);
        waits
    });
    assert!(waits.iter().all(|(_, is_right)| *is_right), "{what}: a wrong answer");
    let longest = waits.iter().map(|(wait, _)| *wait).max().unwrap();
    let average = waits.iter().map(|(wait, _)| *wait).sum::<Duration>() / TIMES;
    println!("{what}: {average:?} on average, {longest:?} at most");
    assert!(longest < LONGEST && average < AVERAGE, "{what}: {average:?} on average, {longest:?} at most");
}
