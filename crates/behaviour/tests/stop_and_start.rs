//! The end of a node, its next beginning, and what keeps it from beginning.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a step that fails is a test that fails")]

use std::fs::{self, Permissions};
use std::io::{ErrorKind, Read, Write};
use std::iter;
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicU16, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use raida_behaviour::crowd::End;
use raida_behaviour::node::Builder;
use raida_behaviour::request::{echo_answer, echo_request, without_time};
use raida_behaviour::{Crowd, Fault, Node, PATIENCE, ask, fault, process, wait_until};
use rustix::process::Signal;

const FAULTY: &str = env!("CARGO_BIN_EXE_faulty-node");

#[test]
fn what_is_in_flight_is_answered_before_the_node_ends() {
    let mut node = Node::faulty(FAULTY)
        .flag("--threads", 2)
        .config("timeouts.queue_ms = 60000\ntimeouts.drain_ms = 60000\nworkers.completions_max = 16")
        .start();
    let before = process::descriptors_at_rest(node.pid());
    let mut crowd = Crowd::of(node.address());
    (0..2).for_each(|number| crowd.join(&Fault::Hold.request(number)));
    crowd.until("the workers are busy", |_| fault::tally(node.address()).held == 2);
    (2..100).for_each(|number| crowd.join(&Fault::Defer.request(number)));
    crowd.until("all are in flight", |_| fault::tally(node.address()).deferred == 100);
    let release = Fault::Release.request(7);
    let (begun, still_to_come) = release.split_at(40);
    let mut half = ask::connect(node.address());
    half.write_all(begun).unwrap();
    let mut silent = ask::connect(node.address());
    wait_until("all are accepted", || process::descriptors(node.pid()) == before + 102);

    node.signal(Signal::TERM);
    assert_eq!(ask::read_to_close(&mut silent), b"", "who has not said a word is disconnected");
    wait_until("nobody new is let in", || TcpStream::connect(node.address()).is_err());
    assert_eq!(crowd.ended(), 0, "{crowd}");
    half.write_all(still_to_come).unwrap();
    assert_eq!(without_time(ask::read_to_close(&mut half)), echo_answer(7));
    for (number, member) in (0..).zip(crowd.finish()) {
        assert_eq!(without_time(member.into_answer()), echo_answer(number), "client {number}");
    }
    assert_eq!(node.wait().code(), Some(0));
}

#[test]
fn who_sends_on_when_a_stop_makes_his_request_the_last_meets_no_reset() {
    let patient = "timeouts.queue_ms = 60000\ntimeouts.drain_ms = 60000\ntimeouts.linger_ms = 60000";
    let mut node = Node::faulty(FAULTY).config("limits.requests_per_connection_max = 5").config(patient).start();
    let mut lasting = ask::connect(node.address());
    lasting.write_all(&Fault::Hold.request(1)).unwrap();
    wait_until("a worker is busy", || fault::tally(node.address()).held == 1);
    let release = Fault::Release.request(7);
    let (begun, still_to_come) = release.split_at(40);
    let mut other = ask::connect(node.address());
    other.write_all(begun).unwrap();
    ask::round_trip(node.address());

    node.signal(Signal::TERM);
    wait_until("nobody new is let in", || TcpStream::connect(node.address()).is_err());
    other.write_all(still_to_come).unwrap();
    assert_eq!(without_time(ask::read_to_close(&mut other)), echo_answer(7));
    lasting.peek(&mut [0]).unwrap();
    // The answer is there and not read yet. After a reset, the second of these would fail.
    lasting.write_all(&echo_request(2)).unwrap();
    lasting.write_all(&echo_request(3)).unwrap();
    assert_eq!(without_time(ask::read_to_close(&mut lasting)), echo_answer(1));
    drop((lasting, other));
    assert_eq!(node.wait().code(), Some(0));
}

#[test]
fn who_was_connected_before_the_stop_is_served_though_nobody_had_accepted_it() {
    let mut node = Node::builder().config("timeouts.drain_ms = 600000").start();
    node.signal(Signal::STOP);
    let mut crowd = Crowd::of(node.address());
    (0..200).for_each(|number| crowd.join(&echo_request(number)));
    crowd.until("the kernel has connected all", |crowd| crowd.connected() == 200);
    node.signal(Signal::TERM);
    node.signal(Signal::CONT);
    for (number, member) in (0..).zip(crowd.finish()) {
        assert_eq!(without_time(member.into_answer()), echo_answer(number), "client {number}");
    }
    assert_eq!(node.wait().code(), Some(0));
}

#[test]
fn a_node_under_load_stops_in_good_order() {
    for signal in [Signal::TERM, Signal::INT] {
        // Nobody is in the way of the end, so it does not take that long.
        let mut node = Node::builder().config("timeouts.drain_ms = 600000").start();
        let (served, reset) = (AtomicU32::new(0), AtomicU32::new(0));
        thread::scope(|scope| {
            (0..8).for_each(|_| drop(scope.spawn(|| ask_until_refused(node.address(), &served, &reset))));
            scope.spawn(|| ask_by_datagram_until_it_is_silent(node.address(), &served));
            wait_until("the load is there", || served.load(Ordering::Relaxed) > 500);
            node.signal(signal);
        });
        // Only who connects between the last look at the queue and its end.
        assert!(reset.into_inner() <= 2, "after {signal:?}");
        assert_eq!(node.wait().code(), Some(0), "after {signal:?}");
    }
}

#[test]
fn what_takes_longer_than_the_drain_time_is_closed_without_an_answer() {
    const DRAIN: Duration = Duration::from_millis(500);
    let mut node = Node::faulty(FAULTY).flag("--threads", 2).config("timeouts.drain_ms = 500").start();
    let mut crowd = Crowd::of(node.address());
    (0..10).for_each(|number| crowd.join(&Fault::Hold.request(number)));
    crowd.until("all are in flight", |_| fault::tally(node.address()).deferred == 10);
    let start = Instant::now();
    node.signal(Signal::TERM);
    for member in crowd.finish() {
        assert_eq!((member.end(), member.answer()), (Some(End::Closed), [].as_slice()));
    }
    assert!(start.elapsed() >= DRAIN, "given up after {:?} already", start.elapsed());
    assert_eq!(node.wait().code(), Some(0));
}

#[test]
fn a_second_signal_ends_the_node_at_once() {
    for (signal, number) in [(Signal::TERM, 15), (Signal::INT, 2)] {
        let mut node = Node::faulty(FAULTY).config("timeouts.drain_ms = 600000").start();
        let mut crowd = Crowd::of(node.address());
        crowd.join(&Fault::Hold.request(1));
        crowd.until("it is in flight", |_| fault::tally(node.address()).held == 1);
        node.signal(signal);
        wait_until("it has begun to stop", || TcpStream::connect(node.address()).is_err());
        node.signal(signal);
        assert_eq!(node.wait().code(), Some(128 + number), "after {signal:?} twice");
    }
}

#[test]
fn a_node_starts_again_on_the_port_that_it_has_just_left() {
    let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
    for _ in 0..3 {
        let mut node = Node::builder().listen(address).start();
        assert_eq!(node.address(), address);
        for number in 0..50 {
            assert_eq!(without_time(ask::tcp(address, &echo_request(number))), echo_answer(number));
            assert_eq!(without_time(ask::udp(address, &echo_request(number))), echo_answer(number));
        }
        let open_at_the_end = ask::connect(address);
        assert_eq!(node.stop().code(), Some(0));
        assert!(waits_of_time(address.port()) > 0, "connections are in TIME_WAIT");
        drop(open_at_the_end);
    }
}

#[test]
fn a_node_that_is_killed_is_replaced_on_its_port_at_once() {
    let replace_often = || {
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
        for number in 0..5 {
            let node = Node::builder().listen(address).start();
            let _half_done = ask::connect(address);
            assert_eq!(without_time(ask::tcp(address, &echo_request(number))), echo_answer(number));
            drop(node); // with SIGKILL
        }
    };
    // The more there are, the later the kernel closes what their rings held.
    thread::scope(|scope| (0..8).for_each(|_| drop(scope.spawn(replace_often))));
}

#[test]
fn a_port_that_is_taken_is_named_in_one_line() {
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    for taken in [tcp.local_addr().unwrap(), udp.local_addr().unwrap()] {
        let line = does_not_start(Node::builder().listen(taken), |_| {});
        assert!(line.contains(&taken.to_string()), "{line}");
    }
    let running = Node::start();
    let line = does_not_start(Node::builder().listen(running.address()), |_| {});
    assert!(line.contains(&running.address().to_string()), "{line}");
    assert_eq!(without_time(ask::tcp(running.address(), &echo_request(1))), echo_answer(1));
}

#[test]
fn a_data_folder_that_cannot_be_used_is_named_in_one_line() {
    let spoil: [fn(&Path); 4] = [
        |data| fs::write(data, "not a folder").unwrap(),
        |data| {
            fs::create_dir(data).unwrap();
            fs::set_permissions(data, Permissions::from_mode(0o777)).unwrap();
        },
        |data| {
            fs::create_dir(data).unwrap();
            fs::write(data.join("secrets.toml"), "no secrets").unwrap();
        },
        |data| {
            fs::create_dir(data).unwrap();
            fs::create_dir(data.join("secrets.toml")).unwrap();
        },
    ];
    for spoil in spoil {
        let line = does_not_start(Node::builder(), spoil);
        assert!(line.contains("/data"), "{line}");
    }
}

/// Every answer is whole, and the connection is closed in good order; or there is no connection, or no answer at all.
fn ask_until_refused(node: SocketAddr, served: &AtomicU32, reset: &AtomicU32) {
    for number in 0.. {
        let mut stream = match TcpStream::connect(node) {
            Ok(stream) => stream,
            Err(error) if matches!(error.kind(), ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset) => return,
            Err(error) => panic!("connecting: {error}"),
        };
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut answer = Vec::new();
        match stream.write_all(&echo_request(number)).and_then(|()| stream.read_to_end(&mut answer)) {
            Ok(0) => {}
            Ok(_) => {
                assert_eq!(without_time(answer), echo_answer(number));
                served.fetch_add(1, Ordering::Relaxed);
            }
            Err(error) => {
                assert_eq!(answer, b"", "{error}");
                reset.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

fn ask_by_datagram_until_it_is_silent(node: SocketAddr, served: &AtomicU32) {
    let socket = ask::udp_socket(node);
    socket.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    for number in 0.. {
        let mut answer = [0; 100];
        match socket.send(&echo_request(number)).and_then(|_| socket.recv(&mut answer)) {
            Ok(len) => assert_eq!(without_time(answer.get(..len).unwrap().to_vec()), echo_answer(number)),
            // Nobody there any more, or nobody who listens.
            Err(_) => return,
        }
        served.fetch_add(1, Ordering::Relaxed);
    }
}

/// The one line that it leaves on standard error. `spoil` gets the path of its data folder.
fn does_not_start(builder: Builder, spoil: impl FnOnce(&Path)) -> String {
    let folder = tempfile::tempdir().unwrap();
    spoil(&folder.path().join("data"));
    let mut child = builder.flag("--log", "error").command(folder.path()).spawn().unwrap();
    let start = Instant::now();
    let status = loop {
        match child.try_wait().unwrap() {
            Some(status) => break status,
            None if start.elapsed() < PATIENCE => thread::sleep(Duration::from_millis(5)),
            None => {
                child.kill().unwrap();
                panic!("it started");
            }
        }
    };
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(status.code(), Some(1), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    said
}

/// A port that no outgoing connection takes meanwhile, below the range that the system picks from; another for each call.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 15_000 + u16::try_from(std::process::id() % 500).unwrap() * 10;
    let mut ports = iter::repeat_with(|| first + NEXT.fetch_add(1, Ordering::Relaxed));
    let is_free =
        |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok() && UdpSocket::bind(("127.0.0.1", *port)).is_ok();
    ports.find(is_free).unwrap()
}

/// How many connections of this port the kernel still remembers, so that strays do not get into new ones.
fn waits_of_time(port: u16) -> usize {
    let local = format!(":{port:04X}");
    let connections = fs::read_to_string("/proc/net/tcp").unwrap();
    let is_one = |line: &&str| {
        let mut fields = line.split_whitespace().skip(1);
        fields.next().is_some_and(|at| at.ends_with(&local)) && fields.nth(1) == Some("06")
    };
    connections.lines().filter(is_one).count()
}
