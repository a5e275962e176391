//! Bounds on connections: descriptors, slots, sources. What is over one is told so or waits, and all else goes on.

#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use raida_behaviour::crowd::End;
use raida_behaviour::node::wished_backend;
use raida_behaviour::request::{echo_answer, echo_request, without_time};
use raida_behaviour::{Crowd, Node, PATIENCE, ask, process, wait_until};
use socket2::{Domain, Socket, Type};

/// Connections may stay silent for longer than any test takes.
const PATIENT: &str = "timeouts.progress_ms = 120000\ntimeouts.request_ms = 120000";

#[test]
fn without_a_descriptor_left_the_node_rests_serves_whom_it_has_and_recovers() {
    if !sees_a_new_limit() {
        return;
    }
    let node = Node::builder().config(PATIENT).start();
    let (pid, most) = (node.pid(), process::descriptors_max(node.pid()));
    let old = idle_connections(&node, 10);
    process::limit_descriptors(pid, 0);

    // Not even the one in reserve can be used: those who come have to wait.
    let mut crowd = Crowd::of(node.address());
    (0..100).for_each(|number| crowd.join(&echo_request(number)));
    crowd.until("the kernel has connected all", |crowd| crowd.connected() == 100);
    rests(&node);
    served_by_datagram(&node);
    for (number, stream) in (0..).zip(old) {
        is_served(stream, number);
    }
    served_by_datagram(&node);
    rests(&node);
    crowd.turn(Duration::ZERO);
    assert_eq!(crowd.ended(), 0, "{crowd}");

    let freed = Instant::now();
    process::limit_descriptors(pid, most);
    for (number, member) in (0..).zip(crowd.finish()) {
        assert_eq!(without_time(member.into_answer()), echo_answer(number));
    }
    println!("100 who waited were answered {:?} after descriptors were free", freed.elapsed());
}

#[test]
fn with_only_the_reserve_left_those_who_come_are_turned_away_at_once() {
    if !sees_a_new_limit() {
        return;
    }
    let node = Node::builder().config(PATIENT).start();
    let (pid, most) = (node.pid(), process::descriptors_max(node.pid()));
    let limit = process::highest_descriptor(pid) + 1 + 10;
    process::limit_descriptors(pid, limit);
    let room = usize::try_from(limit).unwrap() - process::descriptors_at_rest(pid);
    let mut held = idle_connections(&node, room);

    turned_away(&node, 300);
    rests(&node);
    served_by_datagram(&node);
    is_served(held.pop().unwrap(), 1);
    let freed = Instant::now();
    wait_until("a place that was left is taken", || answered(node.address()));
    println!("somebody new was answered {:?} after a connection closed", freed.elapsed());

    held.extend(idle_connections(&node, 1));
    turned_away(&node, 100);
    let freed = Instant::now();
    process::limit_descriptors(pid, most);
    wait_until("somebody new is answered", || answered(node.address()));
    println!("somebody new was answered {:?} after descriptors were free", freed.elapsed());
    held.into_iter().for_each(|stream| is_served(stream, 2));
}

#[test]
fn one_connection_over_the_limit_is_closed_at_once() {
    let node = Node::builder().config(PATIENT).config("limits.connections_max = 10").start();
    let mut held = idle_connections(&node, 10);
    turned_away(&node, 20);
    served_by_datagram(&node);
    drop(held.pop());
    wait_until("the place that was left is taken", || answered(node.address()));
    held.into_iter().for_each(|stream| is_served(stream, 1));
    assert_eq!(without_time(ask::tcp(node.address(), &echo_request(2))), echo_answer(2));
}

#[test]
fn one_connection_over_the_limit_of_its_source_is_closed_at_once_and_other_sources_go_on() {
    let limits = "limits.loopback_exempt = false\nlimits.connections_per_source_max = 5";
    let node = Node::builder().config(PATIENT).config(limits).start();
    let mut held = idle_connections(&node, 5);
    turned_away(&node, 20);
    // 127.0.0.77 is in the same /24 and so the same source; 127.0.1.1 is not.
    assert_eq!(ask_from([127, 0, 0, 77], node.address()).unwrap_or_default(), b"");
    assert_eq!(without_time(ask_from([127, 0, 1, 1], node.address()).unwrap()), echo_answer(7));
    drop(held.pop());
    wait_until("the place that was left is taken", || answered(node.address()));
    held.into_iter().for_each(|stream| is_served(stream, 1));
}

#[test]
fn one_network_leaves_places_to_others_however_many_sources_it_has() {
    let limits = "limits.loopback_exempt = false\nlimits.connections_max = 20\nlimits.connections_per_source_max = 2\n\
                  limits.connections_per_network_percent = 25";
    let node = Node::builder().config(PATIENT).config(limits).start();
    let before = process::descriptors_at_rest(node.pid());
    let mut held: Vec<_> = (0..5).map(|net| connect_from([127, 5, net, 1], node.address()).unwrap()).collect();
    wait_until("the node has accepted them", || process::descriptors(node.pid()) == before + 5);
    let asked = |source| ask_from(source, node.address()).unwrap_or_default();
    for net in 5..=255 {
        assert_eq!(asked([127, 5, net, 1]), b"", "from a source that holds nothing, in a network that holds enough");
    }
    assert_eq!(without_time(asked([127, 6, 0, 1])), echo_answer(7));
    drop(held.pop());
    wait_until("the place that was left is taken", || !asked([127, 5, 99, 1]).is_empty());
    held.into_iter().for_each(|stream| is_served(stream, 1));
}

/// Whether a limit that is set while the node serves is one for it. io_uring accepts under the limit of the moment at which
/// it was told to; what it does without descriptors is a test of `raida-uring`.
fn sees_a_new_limit() -> bool {
    let sees = wished_backend().is_none_or(|backend| backend != "io-uring");
    if !sees {
        eprintln!("skipped: io_uring accepts under the limit that there was when it was told to");
    }
    sees
}

/// Connections that the node has accepted.
fn idle_connections(node: &Node, count: usize) -> Vec<TcpStream> {
    // Whoever was served may know that before his descriptor is back; behind a datagram it is.
    served_by_datagram(node);
    let before = process::descriptors_at_rest(node.pid());
    let connections = (0..count).map(|_| ask::connect(node.address())).collect();
    wait_until("the node has accepted them", || process::descriptors(node.pid()) == before + count);
    connections
}

fn is_served(mut stream: TcpStream, number: u32) {
    stream.write_all(&echo_request(number)).unwrap();
    assert_eq!(without_time(ask::read_to_close(&mut stream)), echo_answer(number));
}

fn served_by_datagram(node: &Node) {
    assert_eq!(without_time(ask::udp(node.address(), &echo_request(3))), echo_answer(3));
}

/// Everybody who connects now is disconnected without an answer: by a reset where the request was there already.
fn turned_away(node: &Node, count: u32) {
    let mut crowd = Crowd::of(node.address());
    (0..count).for_each(|number| crowd.join(&echo_request(number)));
    for member in crowd.finish() {
        let told = [End::Closed, End::Failed(io::ErrorKind::ConnectionReset)].map(Some);
        assert!(told.contains(&member.end()), "{:?}", member.end());
        assert_eq!(member.answer(), b"");
    }
}

/// Whether a new client is answered.
fn answered(node: SocketAddr) -> bool {
    ask_from([127, 0, 0, 1], node).is_ok_and(|answer| without_time(answer) == echo_answer(7))
}

/// What a client at this address gets.
fn ask_from(source: impl Into<Ipv4Addr>, node: SocketAddr) -> io::Result<Vec<u8>> {
    let mut stream = connect_from(source, node)?;
    stream.write_all(&echo_request(7))?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(answer)
}

fn connect_from(source: impl Into<Ipv4Addr>, node: SocketAddr) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((source.into(), 0)).into()).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.connect(&node.into())?;
    Ok(TcpStream::from(socket))
}

/// For a second, hardly any processor time is used: a loop that spins would take all it can get.
fn rests(node: &Node) {
    let before = process::processor_time(node.pid());
    thread::sleep(Duration::from_secs(1));
    let used = process::processor_time(node.pid()) - before;
    println!("{used:?} of processor time in a second");
    assert!(used < Duration::from_millis(60), "{used:?} in a second");
}
