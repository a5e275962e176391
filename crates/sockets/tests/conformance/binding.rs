//! What `bind` promises, and what it says when it cannot keep it.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test may panic, also in its shared parts"
)]

use std::collections::BTreeSet;
use std::error::Error;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::time::Duration;

use crate::Tested;
use crate::rig::{Rig, Seen, connect, datagram_client, local_setup};
use raida_reactor::backend::Backend;
use raida_sockets::{Setup, SetupError, SocketBackend, Step};

fn on(addresses: &[SocketAddr]) -> Setup {
    Setup { addresses: addresses.to_vec(), ..local_setup() }
}

fn refusal(setup: &Setup) -> SetupError {
    match Tested::bind(setup) {
        Ok(backend) => panic!("{backend:?} should not have been bound"),
        Err(error) => error,
    }
}

/// A TCP listener on a port that the system gives to nobody by itself.
fn taken_below_the_ephemeral_ports() -> (TcpListener, SocketAddr) {
    let start = u16::try_from(20_000 + std::process::id() % 10_000).unwrap();
    let listener =
        (start..32_000).find_map(|port| TcpListener::bind(("127.0.0.1", port)).ok()).expect("some port is free");
    let address = listener.local_addr().unwrap();
    (listener, address)
}

#[test]
fn tcp_and_udp_have_the_same_port() {
    for _ in 0..20 {
        let mut rig = Rig::new();
        let (client, datagrams) = (connect(rig.address()), datagram_client("127.0.0.1"));
        datagrams.send_to(b"same", rig.address()).unwrap();
        assert_eq!(rig.datagrams(0)[0].octets, b"same");
        rig.backend.accept(0);
        assert!(matches!(rig.next(), Seen::Accepted { peer, .. } if peer == client.local_addr().unwrap()));
    }
}

#[test]
fn several_addresses_are_served_at_once() {
    let mut addresses: Vec<SocketAddr> = vec![([127, 0, 0, 1], 0).into(), ([127, 0, 0, 2], 0).into()];
    if TcpListener::bind("[::1]:0").is_ok() {
        addresses.push("[::1]:0".parse().unwrap());
    }
    let mut rig = Rig::with(on(&addresses));
    assert_eq!((rig.backend.listeners(), rig.backend.datagram_sockets()), (addresses.len(), addresses.len()));
    let bound = rig.backend.local_addrs().to_vec();
    for (number, (wish, got)) in addresses.iter().zip(bound).enumerate() {
        assert!(wish.ip() == got.ip() && got.port() != 0);
        let _client = connect(got);
        rig.backend.accept(number);
        assert!(matches!(rig.next(), Seen::Accepted { listener, .. } if listener == number));
        datagram_client(&wish.ip().to_string()).send_to(b"hello", got).unwrap();
        assert_eq!(rig.datagrams(number)[0].octets, b"hello");
    }
}

#[test]
fn both_families_can_have_the_same_port_on_all_interfaces() {
    if TcpListener::bind("[::1]:0").is_err() {
        eprintln!("skipped: this machine has no IPv6 loopback");
        return;
    }
    let port = Rig::with(on(&["0.0.0.0:0".parse().unwrap()])).address().port();
    let both = [SocketAddr::from(([0, 0, 0, 0], port)), SocketAddr::from(([0u16; 8], port))];
    let rig = Rig::with(on(&both));
    assert_eq!(rig.backend.local_addrs(), both);
}

#[test]
fn a_taken_port_is_named_with_step_address_and_reason() {
    let (_holder, address) = taken_below_the_ephemeral_ports();
    let error = refusal(&on(&[address]));
    assert_eq!(
        error.to_string(),
        format!("cannot bind the TCP listener to {address}: Address already in use (os error 98)")
    );
    assert!(error.source().is_some());
    assert!(matches!(error, SetupError::PortTaken { step: Step::BindListener, ephemeral: None, .. }));
}

#[test]
fn a_port_taken_for_udp_only_is_named_too() {
    let (listener, address) = taken_below_the_ephemeral_ports();
    drop(listener);
    let _holder = UdpSocket::bind(address).unwrap();
    let text = refusal(&on(&[address])).to_string();
    assert!(text.starts_with(&format!("cannot bind the UDP socket to {address}: Address already in use")), "{text}");
}

#[test]
fn a_taken_ephemeral_port_may_be_an_outgoing_connection_s_and_the_text_says_so() {
    let range = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap();
    let bounds: Vec<&str> = range.split_whitespace().collect();
    // An outgoing connection, on a port that the system has picked for it.
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let outgoing = connect(server.local_addr().unwrap());
    let text = refusal(&on(&[outgoing.local_addr().unwrap()])).to_string();
    for part in ["outgoing connections", bounds[0], bounds[1], "net.ipv4.ip_local_reserved_ports"] {
        assert!(text.contains(part), "{part:?} is missing in {text:?}");
    }
}

#[test]
fn an_address_of_somebody_else_is_named_with_the_reason() {
    let text = refusal(&on(&["192.0.2.77:50000".parse().unwrap()])).to_string();
    assert!(text.starts_with("cannot bind the TCP listener to 192.0.2.77:50000: Cannot assign"), "{text}");
}

#[test]
fn figures_out_of_range_are_named() {
    let texts = [
        (Setup { addresses: Vec::new(), ..local_setup() }, "addresses must be 1 to 64, found 0"),
        (Setup { connections_max: 0, ..local_setup() }, "connections_max must be 1 to 4294967293, found 0"),
        (Setup { events_max: 70_000, ..local_setup() }, "events_max must be 1 to 65536, found 70000"),
        (Setup { datagram_limit: 65_536, ..local_setup() }, "datagram_limit must be 1 to 65535, found 65536"),
        (Setup { datagram_batch: 0, ..local_setup() }, "datagram_batch must be 1 to 1024, found 0"),
    ];
    for (setup, text) in texts {
        assert_eq!(refusal(&setup).to_string(), text);
        assert_eq!(Tested::bind_group(&setup, 2).expect_err("as for one").to_string(), text);
    }
    let nobody = Tested::bind_group(&local_setup(), 0).expect_err("nobody would serve");
    assert_eq!(nobody.to_string(), "reactors must be 1 to 1024, found 0");
}

#[test]
fn a_port_is_free_again_at_once_when_its_backend_is_dropped() {
    let mut rig = Rig::new();
    let address = rig.address();
    // A connection that this side has closed first stays in TIME_WAIT.
    let (client, token) = rig.connect(0);
    rig.close(token, false);
    assert_eq!(crate::rig::read_to_end(&client), b"");
    drop((client, rig));
    Tested::bind(&on(&[address])).unwrap();
}

#[test]
fn reactors_that_share_a_port_share_what_comes() {
    let group = Tested::bind_group(&local_setup(), 2).unwrap();
    let mut rigs: Vec<Rig> = group.into_iter().map(|backend| Rig { backend }).collect();
    let address = rigs[0].address();
    assert_eq!(rigs[1].address(), address);
    let clients: Vec<_> = (0..64).map(|_| connect(address)).collect();
    let speakers: Vec<UdpSocket> = (0..64).map(|_| datagram_client("127.0.0.1")).collect();
    for speaker in &speakers {
        speaker.send_to(b"hello", address).unwrap();
    }
    let (mut peers, mut speaking) = (BTreeSet::new(), BTreeSet::new());
    for rig in &mut rigs {
        let (mut accepted, mut heard) = (0, 0);
        rig.backend.accept(0);
        rig.backend.receive_datagrams(0);
        while let Some(seen) = rig.next_within(Duration::ZERO) {
            match seen {
                Seen::Accepted { peer, .. } => {
                    accepted += 1;
                    peers.insert(peer);
                    rig.backend.accept(0);
                }
                Seen::Datagrams { came, .. } => {
                    heard += came.len();
                    speaking.extend(came.iter().map(|came| came.reply_to.peer));
                    rig.backend.receive_datagrams(0);
                }
                other => panic!("neither is expected: {other:?}"),
            }
        }
        // All 64 on one side has a chance of 2 in 2^64.
        assert!(accepted > 0 && heard > 0, "{accepted} connections, {heard} datagrams");
    }
    assert_eq!((peers.len(), speaking.len()), (clients.len(), speakers.len()));
}

#[test]
fn a_shared_port_is_not_shared_with_a_second_group_or_a_single_one() {
    let group = Tested::bind_group(&local_setup(), 2).unwrap();
    let again = on(group[0].local_addrs());
    for reactors in [1, 2] {
        let error = Tested::bind_group(&again, reactors).expect_err("the port is held");
        assert!(matches!(error, SetupError::PortTaken { step: Step::BindListener, .. }), "{error}");
    }
    assert!(matches!(refusal(&again), SetupError::PortTaken { step: Step::BindListener, .. }));
    drop(group);
    assert_eq!(Tested::bind_group(&again, 3).unwrap().len(), 3);
}

#[test]
fn the_receive_buffer_granted_is_told() {
    let largest = std::fs::read_to_string("/proc/sys/net/core/rmem_max").unwrap().trim().parse::<usize>().unwrap();
    let modest = Tested::bind(&Setup { datagram_receive_buffer: 100_000, ..local_setup() }).unwrap();
    assert_eq!(modest.datagram_receive_buffers(), [100_000.min(largest)]);
    let greedy = Tested::bind(&Setup { datagram_receive_buffer: 1 << 30, ..local_setup() }).unwrap();
    // Only a privileged process gets more than the largest.
    assert!(greedy.datagram_receive_buffers()[0] >= largest);
}

#[test]
fn a_backend_may_be_made_in_one_thread_and_used_in_another() {
    let mut rig = Rig::new();
    std::thread::spawn(move || {
        let _client = connect(rig.address());
        rig.backend.accept(0);
        assert!(matches!(rig.next(), Seen::Accepted { .. }));
    })
    .join()
    .unwrap();
}
