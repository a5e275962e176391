//! Limits on one source: whoever asks too often or keeps too much is told so, and all others are served.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use raida_behaviour::request::{answer, bodyless, echo_answer, echo_request, plain, without_time};
use raida_behaviour::{Node, PATIENCE, ask};
use socket2::{Domain, Socket, Type};

const ECHO: (u8, u8) = (0, 0);
const VERSION: (u8, u8) = (0, 1);
const SUCCESS: u8 = 250;
const USE_TCP: u8 = 15;
const OVERLOAD: u8 = 160;
const NO_MEMORY: u8 = 254;

const HERE: Ipv4Addr = Ipv4Addr::new(127, 0, 1, 1);
const NEIGHBOUR: Ipv4Addr = Ipv4Addr::new(127, 0, 1, 200);
const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(127, 0, 2, 1);

/// How often one source may ask in these tests, a second.
const RATE: u32 = 5;

fn node(limits: &str) -> Node {
    Node::builder().config("limits.loopback_exempt = false").config(limits).start()
}

#[test]
fn connections_over_the_rate_are_refused_and_then_closed_until_the_source_has_waited() {
    let node = node(&format!("limits.requests_per_second_per_source_max = {RATE}"));
    let start = Instant::now();
    let answers: Vec<_> = (0..100).map(|_| asked(HERE, node.address(), &echo_request(7))).collect();
    let count = |status| answers.iter().filter(|answer| answer.get(2) == Some(&status)).count();
    let (served, refused) = (count(SUCCESS), count(OVERLOAD));
    let seconds = usize::try_from(start.elapsed().as_secs()).unwrap() + 1;
    let most = (2 + seconds) * RATE as usize;
    assert!((2 * RATE as usize..=most).contains(&served) && (1..=most).contains(&refused), "{served} {refused} {most}");
    assert!(answers.iter().filter(|answer| answer.is_empty()).count() >= 100 - 2 * most, "the rest is closed");
    assert_eq!(without_time(asked(ELSEWHERE, node.address(), &echo_request(7))), echo_answer(7));
    raida_behaviour::wait_until("a whole network is one source, and is served again", || {
        asked(NEIGHBOUR, node.address(), &echo_request(7)).get(2) == Some(&SUCCESS)
    });
}

#[test]
fn datagrams_over_the_rate_are_sent_to_tcp_or_dropped_and_echoes_go_on() {
    let node = node(&format!("limits.datagrams_per_second_per_source_max = {RATE}"));
    let socket = UdpSocket::bind((HERE, 0)).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.connect(node.address()).unwrap();
    // Padded, as those who want an answer without a secret do.
    let question = [plain(VERSION.0, VERSION.1, &[], 1), vec![0; 100]].concat();
    let (mut served, mut sent_to_tcp) = (0, 0);
    for number in 0..200u32 {
        socket.send(&question).unwrap();
        // The answers come in order: behind this one nothing is left of the question.
        socket.send(&echo_request(number)).unwrap();
        loop {
            let answer = ask::receive(&socket).expect("every echo is answered");
            assert!(answer.len() <= question.len());
            match answer[2] {
                SUCCESS if without_time(answer.clone()) == echo_answer(number) => break,
                SUCCESS => served += 1,
                status => {
                    assert_eq!((status, answer.len()), (USE_TCP, 32));
                    sent_to_tcp += 1;
                }
            }
        }
    }
    assert!((2 * RATE..150).contains(&served), "{served} served");
    assert!(sent_to_tcp > 0 && sent_to_tcp <= (200 - served).div_ceil(2), "{sent_to_tcp} of {}", 200 - served);
    let other = UdpSocket::bind((ELSEWHERE, 0)).unwrap();
    other.set_read_timeout(Some(PATIENCE)).unwrap();
    other.connect(node.address()).unwrap();
    other.send(&question).unwrap();
    assert_eq!(ask::receive(&other).expect("another source")[2], SUCCESS);
    assert_eq!(asked(HERE, node.address(), &plain(VERSION.0, VERSION.1, &[], 1))[2], SUCCESS, "over TCP all is well");
}

#[test]
fn half_sent_requests_of_one_source_leave_memory_to_the_others() {
    let node = node("limits.buffers_per_source_bytes_max = 65664\ntimeouts.progress_ms = 30000");
    let long = plain(ECHO.0, ECHO.1, &[7; 40_000], 9);
    let mut first = connect(HERE, node.address()).unwrap();
    first.write_all(&long[..100]).unwrap();
    ask::round_trip(node.address());
    // Only a part of it came: until the rest comes, the source has nothing left.
    raida_behaviour::wait_until("the memory of the source is used up", || {
        let mut second = connect(NEIGHBOUR, node.address()).unwrap();
        second.write_all(&long[..100]).unwrap();
        second.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
        let mut status = [0; 3];
        second.read_exact(&mut status).is_ok() && status[2] == NO_MEMORY
    });
    let mut other = connect(ELSEWHERE, node.address()).unwrap();
    for piece in long.chunks(10_000) {
        other.write_all(piece).unwrap();
        ask::round_trip(node.address());
    }
    assert_eq!(without_time(ask::read_to_close(&mut other)), answer(SUCCESS, 0, 9));
    first.write_all(&long[100..]).unwrap();
    assert_eq!(without_time(ask::read_to_close(&mut first)), answer(SUCCESS, 0, 9));
}

#[test]
fn loopback_is_exempt_unless_told_otherwise() {
    let limits = "limits.requests_per_second_per_source_max = 1\nlimits.datagrams_per_second_per_source_max = 1";
    let node = Node::builder().config(limits).config("limits.votes_per_second_per_source_max = 1").start();
    let socket = ask::udp_socket(node.address());
    for number in 0..50 {
        assert_eq!(without_time(ask::tcp(node.address(), &echo_request(number))), echo_answer(number));
        socket.send(&bodyless(ECHO.0, ECHO.1, number)).unwrap();
        assert!(ask::receive(&socket).is_some());
    }
}

/// A connection from `source`.
fn connect(source: Ipv4Addr, node: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from((source, 0)).into())?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.connect(&node.into())?;
    Ok(TcpStream::from(socket))
}

/// What a client at `source` gets; nothing where it is closed without an answer.
fn asked(source: Ipv4Addr, node: SocketAddr, request: &[u8]) -> Vec<u8> {
    let mut answer = Vec::new();
    let outcome = connect(source, node).and_then(|mut stream| {
        stream.write_all(request)?;
        stream.read_to_end(&mut answer)
    });
    if let Err(error) = outcome {
        assert!(matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "{error}");
    }
    answer
}
