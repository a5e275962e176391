//! A peer that owes octets is closed in time, and disturbs nobody until then (protocol §1.10 item 5).

use std::io::Write;
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use raida_behaviour::request::{answer, echo_request, plain, without_time};
use raida_behaviour::{Node, Shared, ask, process, wait_until};
use rustix::process::Signal;

const PROGRESS: Duration = Duration::from_millis(600);

/// A node that waits for progress no longer than [`PROGRESS`].
static IMPATIENT: Shared = Shared::new(|| node_with_times(PROGRESS, Duration::from_secs(60)));

fn node_with_times(progress: Duration, request: Duration) -> Node {
    let (progress, request) = (progress.as_millis(), request.as_millis());
    Node::builder().config(&format!("[timeouts]\nprogress_ms = {progress}\nrequest_ms = {request}")).start()
}

/// Checks that the node closes without an answer, and not before `limit` has passed since `start`.
fn assert_closed_after(limit: Duration, start: Instant, stream: &mut TcpStream) {
    assert_eq!(ask::read_to_close(stream), ask::NOTHING);
    assert!(start.elapsed() >= limit, "closed after {:?}", start.elapsed());
}

#[test]
fn a_peer_that_never_sends_is_closed() {
    let node = IMPATIENT.hold();
    let start = Instant::now();
    let mut stream = ask::connect(node.address());
    assert_closed_after(PROGRESS, start, &mut stream);
}

#[test]
fn a_peer_that_falls_silent_anywhere_is_closed() {
    let node = IMPATIENT.hold();
    let request = plain(0, 0, &[1; 400], 1);
    let mut streams: Vec<(Instant, TcpStream)> = [1, 16, 17, 31, 32, 33, 100, request.len() - 1]
        .into_iter()
        .map(|sent| {
            let mut stream = ask::connect(node.address());
            let start = Instant::now();
            stream.write_all(&request[..sent]).unwrap();
            (start, stream)
        })
        .collect();
    for (start, stream) in &mut streams {
        assert_closed_after(PROGRESS, *start, stream);
    }
}

#[test]
fn every_octet_gives_a_peer_the_whole_time_again() {
    // The default, which leaves a busy machine 1.5 s for a pause of 0.5 s.
    let (node, limit) = (Node::start(), Duration::from_secs(2));
    let mut stream = ask::connect(node.address());
    let mut last = Instant::now();
    for octet in echo_request(2).chunks(1).take(3) {
        thread::sleep(Duration::from_millis(500));
        last = Instant::now();
        stream.write_all(octet).unwrap();
    }
    assert_closed_after(limit, last, &mut stream);
}

#[test]
fn a_peer_that_trickles_is_closed_when_its_time_for_a_request_is_up() {
    // Between two octets, so that none is on its way when the node closes.
    let limit = Duration::from_millis(720);
    let node = node_with_times(limit, limit);
    for part in ["header", "body"] {
        let start = Instant::now();
        let mut stream = ask::connect(node.address());
        if part == "body" {
            stream.write_all(&plain(0, 0, &vec![0; 60_000], 3)[..40]).unwrap();
        }
        let mut trickle = stream.try_clone().unwrap();
        let trickling = thread::spawn(move || {
            // Never a whole header, never a whole body.
            let octets = if part == "header" { 31 } else { 10_000 };
            for _ in 0..octets {
                thread::sleep(Duration::from_millis(50));
                if trickle.write_all(&[0]).is_err() {
                    break;
                }
            }
        });
        assert_closed_after(limit, start, &mut stream);
        trickling.join().unwrap();
    }
}

#[test]
fn who_sends_in_time_is_answered_although_the_node_stood_still_meanwhile() {
    let node = node_with_times(PROGRESS, Duration::from_secs(60));
    let request = echo_request(5);
    // More than one turn of the loop takes in, some of whom have not said a word yet.
    let mut streams: Vec<TcpStream> = (0..600).map(|_| ask::connect(node.address())).collect();
    wait_until("all are accepted", || process::descriptors(node.pid()) > streams.len());
    for (number, stream) in streams.iter_mut().enumerate() {
        stream.write_all(&request[..number % 50]).unwrap();
    }
    node.signal(Signal::STOP);
    for (number, stream) in streams.iter_mut().enumerate() {
        stream.write_all(&request[number % 50..]).unwrap();
    }
    thread::sleep(PROGRESS + PROGRESS / 2);
    node.signal(Signal::CONT);
    for stream in &mut streams {
        assert_eq!(without_time(ask::read_to_close(stream)), answer(250, 0, 5));
    }
}

#[test]
fn thousands_of_silent_peers_do_not_disturb_an_honest_one() {
    let peers = process::room_for_clients(2000) as usize;
    let node = node_with_times(Duration::from_secs(60), Duration::from_secs(60));
    let address = node.address();
    let before = process::descriptors_at_rest(node.pid());
    let request = echo_request(4);
    let silent: Vec<TcpStream> = (0..peers)
        .map(|number| {
            let mut stream = ask::connect(address);
            stream.write_all(&request[..number % 50]).unwrap();
            stream
        })
        .collect();
    wait_until("all are accepted", || process::descriptors(node.pid()) >= before + silent.len());
    for number in 0..100 {
        assert_eq!(without_time(ask::tcp(address, &echo_request(number))), answer(250, 0, number));
        assert_eq!(without_time(ask::udp(address, &echo_request(number))), answer(250, 0, number));
    }
    silent.iter().for_each(ask::nothing_yet);
    drop(silent);
    wait_until("all are closed", || process::descriptors(node.pid()) == before);
}

#[test]
fn hundreds_that_fall_silent_together_are_all_closed() {
    let node = IMPATIENT.hold();
    let start = Instant::now();
    let address = node.address();
    let mut silent: Vec<TcpStream> = (0..500).map(|_| ask::connect(address)).collect();
    for stream in &mut silent {
        assert_closed_after(PROGRESS, start, stream);
    }
}

#[test]
fn the_log_tells_who_was_silent_and_which_limit_that_broke() {
    let node = Node::builder().flag("--log", "debug").config("[timeouts]\nprogress_ms = 123").start();
    let mut stream = ask::connect(node.address());
    let peer = stream.local_addr().unwrap().to_string();
    assert_eq!(ask::read_to_close(&mut stream), ask::NOTHING);
    wait_until("it is logged", || node.log().iter().any(|line| line.contains(&peer) && line.contains("123ms")));
}
