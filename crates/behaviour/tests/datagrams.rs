//! Requests in datagrams (protocol §1.11): every length, from everywhere, and nothing that could be turned on others.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may panic, also in its shared parts"
)]

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};

use raida_behaviour::request::{answer, bodyless, echo, echo_request, plain, refusal, with_payload, without_time};
use raida_behaviour::{Node, PATIENCE, Shared, ask};
use socket2::SockRef;

static NODE: Shared = Shared::new(Node::start);

/// The longest datagram that a node takes unless it is told otherwise.
const LIMIT: usize = 1440;

/// The answer to a datagram, execution time left out; `None` where the node has none. A vote behind it tells: it gets
/// an answer of its own kind from every node, and datagrams are taken in turn.
fn reply(node: SocketAddr, datagram: &[u8]) -> Option<Vec<u8>> {
    let socket = ask::udp_socket(node);
    socket.send(datagram).unwrap();
    socket.send(&vote()).unwrap();
    let first = ask::receive(&socket).expect("at least the vote is answered");
    if first == vote_answer() {
        return None;
    }
    assert_eq!(ask::receive(&socket).expect("the vote is answered, too"), vote_answer());
    Some(without_time(first))
}

/// 497 octets that every node answers.
fn vote() -> Vec<u8> {
    let mut vote = vec![0; 481];
    vote[0] = 7;
    vote.extend(*b"sixteen of nonce");
    vote
}

/// Its roots are zeros, and the node has trees.
fn vote_answer() -> Vec<u8> {
    b"\x00sixteen of nonce".to_vec()
}

/// `octets`, made `len` long with zeros behind them.
fn padded(mut octets: Vec<u8>, len: usize) -> Vec<u8> {
    octets.resize(len, 0);
    octets
}

#[test]
fn a_datagram_of_any_length_is_answered_by_what_it_holds() {
    let node = NODE.hold();
    let request = echo_request(1);
    for len in 0..32 {
        assert_eq!(reply(node.address(), &request[..len]), None, "{len} octets hold no header");
    }
    for len in 32..50 {
        assert_eq!(reply(node.address(), &request[..len]), Some(refusal(16, 0, echo(1))), "{len} octets cut the body");
    }
    for len in (50..600).chain([LIMIT - 1, LIMIT]) {
        assert_eq!(reply(node.address(), &padded(request.clone(), len)), Some(answer(250, 0, 1)), "{len} octets");
    }
    for len in [LIMIT + 1, 1500, 9000, 65_507] {
        let too_long = padded(request.clone(), len);
        assert_eq!(reply(node.address(), &too_long), Some(refusal(16, 0, echo(1))), "{len} octets are over the limit");
    }
}

#[test]
fn a_body_may_fill_the_limit_and_not_one_octet_more() {
    for limit in [LIMIT, 497, 65_507] {
        let node = Node::builder().config(&format!("[server]\nudp_effective_payload = {limit}")).start();
        let request = plain(0, 0, &vec![7; limit - 50], 2);
        assert_eq!(reply(node.address(), &request), Some(answer(250, 0, 2)), "exactly {limit}");
        if limit < 65_507 {
            let request = plain(0, 0, &vec![7; limit - 49], 2);
            assert_eq!(reply(node.address(), &request), Some(refusal(16, 0, echo(2))), "one over {limit}");
        }
    }
}

#[test]
fn a_header_is_judged_before_the_length_of_its_datagram() {
    let node = NODE.hold();
    for len in [32, 50, 65_507] {
        let mut misdirected = padded(echo_request(3), len);
        misdirected[2] = 1;
        assert_eq!(reply(node.address(), &misdirected), Some(refusal(3, 0, [0, 0])), "{len} octets");
    }
}

#[test]
fn what_lies_behind_a_request_in_its_datagram_is_ignored() {
    let node = NODE.hold();
    for behind in [&b"\x3E"[..], &[0xFF; 16], &echo_request(9)] {
        let request = [&echo_request(4), behind].concat();
        assert_eq!(reply(node.address(), &request), Some(answer(250, 0, 4)));
    }
}

#[test]
fn a_node_on_all_addresses_answers_from_the_one_that_was_asked() {
    let node = Node::builder().listen("0.0.0.0:0").start();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let asked: Vec<SocketAddr> =
        (1..=40).map(|host| (Ipv4Addr::new(127, 0, host % 4, host), node.address().port()).into()).collect();
    for (address, number) in asked.iter().zip(0..) {
        socket.send_to(&echo_request(number), address).unwrap();
    }
    for (address, number) in asked.iter().zip(0..) {
        let mut came = vec![0; 100];
        let (len, from) = socket.recv_from(&mut came).unwrap();
        came.truncate(len);
        assert_eq!((from, without_time(came)), (*address, answer(250, 0, number)));
    }
    for address in asked {
        assert_eq!(without_time(ask::tcp(address, &echo_request(5))), answer(250, 0, 5), "over TCP at {address}");
    }
}

#[test]
fn a_node_answers_over_ipv6() {
    if UdpSocket::bind("[::1]:0").is_err() {
        eprintln!("not tested: this host has no IPv6");
        return;
    }
    for listen in ["[::1]:0", "[::]:0"] {
        let node = Node::builder().listen(listen).start();
        let address = SocketAddr::new("::1".parse().unwrap(), node.address().port());
        assert_eq!(reply(address, &echo_request(6)), Some(answer(250, 0, 6)));
        assert_eq!(without_time(ask::tcp(address, &echo_request(7))), answer(250, 0, 7));
    }
}

#[test]
fn an_answer_that_proves_nothing_is_never_larger_than_its_datagram() {
    let node = NODE.hold();
    let mut encrypted = plain(0, 1, &[0; 40], 8);
    let mut unsupported = encrypted.clone();
    (encrypted[16], unsupported[16]) = (4, 9);
    let requests = [
        echo_request(8),
        bodyless(0, 1, 8),
        bodyless(0, 3, 8),
        plain(0, 1, &[], 8),
        plain(0, 2, &[0; 16], 8),
        plain(0, 3, &[], 8),
        plain(1, 10, &[0; 21], 8),
        encrypted,
        unsupported,
        vote(),
    ];
    for (request, len) in requests.iter().flat_map(|request| (0..160).map(move |len| (request, len))) {
        let datagram = padded(request.clone(), len);
        let answered = reply(node.address(), &datagram).map_or(0, |reply| reply.len());
        assert!(answered <= len, "{answered} octets for {len}: {datagram:?}");
    }
}

#[test]
fn a_datagram_as_long_as_its_answer_gets_it_and_a_shorter_one_is_sent_to_tcp() {
    let node = NODE.hold();
    let address = node.address();
    let version = raida_node::version::BUILD_DATE;
    let audit: Vec<u8> = (-8_i8..=6).flat_map(|denomination| [denomination.cast_unsigned(), 0, 0, 0, 0]).collect();
    for (command, payload) in [(1, &version[..]), (3, &audit)] {
        let unsigned = |status| refusal(status, 0, echo(9));
        let whole = with_payload(unsigned(250), payload);
        for len in 32..whole.len() {
            let datagram = padded(bodyless(0, command, 9), len);
            assert_eq!(reply(address, &datagram), Some(unsigned(15)), "command {command} in {len} octets");
        }
        assert_eq!(reply(address, &padded(bodyless(0, command, 9), whole.len())), Some(whole));
    }
    let signed = with_payload(answer(250, 0, 10), &audit);
    assert_eq!(reply(address, &plain(0, 3, &[], 10)), Some(answer(15, 0, 10)));
    assert_eq!(reply(address, &padded(plain(0, 3, &[], 10), signed.len() - 1)), Some(answer(15, 0, 10)));
    assert_eq!(reply(address, &padded(plain(0, 3, &[], 10), signed.len())), Some(signed));
}

#[test]
fn answers_that_are_sent_back_or_to_another_node_die_out() {
    let nodes = [0, 1, 3, 16].map(|id| (id, Node::builder().flag("--raida-id", id).start()));
    let mut longest = 0;
    for ((id, one), (_, other)) in nodes.iter().flat_map(|one| nodes.iter().map(move |other| (one, other))) {
        for first in provocations(*id) {
            let answers = talk(one, other, &first);
            assert!(answers < 4, "{one:?} and {other:?} still talk about {first:?}");
            longest = longest.max(answers);
        }
    }
    assert!(longest > 1, "an answer that is answered once is what has to be told apart");
}

/// How many answers come when each is sent to the other node in turn: as many as are listened to, at most.
fn talk(one: &Node, other: &Node, first: &[u8]) -> usize {
    let mut datagram = first.to_vec();
    for (answers, node) in [one, other, one, other].into_iter().enumerate() {
        match reply(node.address(), &datagram) {
            Some(answer) => datagram = answer,
            None => return answers,
        }
    }
    4
}

/// Requests to a node that bring out answers of every shape.
fn provocations(raida_id: u8) -> Vec<Vec<u8>> {
    let changed = |at: usize, value: u8| {
        let mut request = plain(0, 0, &[0; 40], 6);
        request[at] = value;
        request
    };
    let mut provocations = vec![
        echo_request(6),
        plain(0, 1, &[], 6),
        plain(0, 3, &[0; 80], 6),
        plain(1, 10, &[0; 21], 6),
        // The echo of its refusal reads as a coin id, so that the refusal reads as a request to node 16.
        echo_request(6)[..32].to_vec(),
        bodyless(0, 1, 6),
        vec![0; 32],
    ];
    for (at, value) in [(0, 2), (1, 1), (2, 1), (3, 4), (4, 16), (5, 99), (7, 7), (16, 1), (16, 4), (16, 9), (40, 1)] {
        provocations.push(changed(at, value));
    }
    provocations.iter_mut().for_each(|request| request[2] += raida_id);
    provocations.push(vote());
    provocations
}

#[test]
fn a_burst_is_answered_whole_and_in_order() {
    let node = NODE.hold();
    let socket = ask::udp_socket(node.address());
    // The node asked for as much: a burst that fits into what the kernel grants here is not lost there either.
    SockRef::from(&socket).set_recv_buffer_size(4 << 20).unwrap();
    let granted = SockRef::from(&socket).recv_buffer_size().unwrap();
    let burst = u32::try_from(granted / 2048).unwrap().min(2000);
    for number in 0..burst {
        socket.send(&echo_request(number)).unwrap();
    }
    for number in 0..burst {
        let came = ask::receive(&socket).expect("every datagram is answered");
        assert_eq!(without_time(came), answer(250, 0, number), "answer {number} of {burst}");
    }
}

#[test]
fn many_peers_at_once_get_each_their_own_answer() {
    let node = NODE.hold();
    let sockets: Vec<UdpSocket> = (0..150).map(|_| ask::udp_socket(node.address())).collect();
    for round in 0..4 {
        for (socket, number) in sockets.iter().zip(round * 1000..) {
            socket.send(&echo_request(number)).unwrap();
        }
        for (socket, number) in sockets.iter().zip(round * 1000..) {
            assert_eq!(ask::receive(socket).map(without_time), Some(answer(250, 0, number)));
        }
    }
}
