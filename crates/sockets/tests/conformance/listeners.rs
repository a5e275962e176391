//! How connections come in.

use std::io::{Read, Write};
use std::time::Duration;

use crate::rig::{Rig, Seen, connect, local_setup};
use raida_reactor::backend::Backend;
use raida_sockets::{Setup, SocketBackend};
use rustix::io::{FdFlags, fcntl_getfd};
use socket2::SockRef;

#[test]
fn accepted_connections_have_the_options_of_their_listener() {
    let mut rig = Rig::with(Setup { send_buffer: Some(50_000), ..local_setup() });
    let _client = connect(rig.address());
    rig.backend.accept(0);
    let Seen::Accepted { socket, .. } = rig.next() else { panic!("a connection comes first") };
    let options = SockRef::from(&socket);
    assert!(options.keepalive().unwrap());
    assert_eq!(options.tcp_keepalive_time().unwrap(), Duration::from_secs(60));
    assert_eq!(options.tcp_keepalive_interval().unwrap(), Duration::from_secs(10));
    assert_eq!(options.tcp_keepalive_retries().unwrap(), 5);
    assert!(options.tcp_nodelay().unwrap());
    assert_eq!(options.send_buffer_size().unwrap(), 100_000, "the kernel books twice of what it is asked for");
    // These two do not come from the listener but with the accept.
    assert!(options.nonblocking().unwrap());
    assert!(fcntl_getfd(&socket).unwrap().contains(FdFlags::CLOEXEC));
}

#[test]
fn keepalive_may_be_left_off() {
    let mut rig = Rig::with(Setup { keepalive: None, ..local_setup() });
    let _client = connect(rig.address());
    rig.backend.accept(0);
    let Seen::Accepted { socket, .. } = rig.next() else { panic!("a connection comes first") };
    assert!(!SockRef::from(&socket).keepalive().unwrap());
}

#[test]
fn a_flooded_listener_does_not_keep_another_waiting() {
    let addresses = vec![([127, 0, 0, 1], 0).into(), ([127, 0, 0, 2], 0).into()];
    let mut rig = Rig::with(Setup { addresses, ..local_setup() });
    let (flooded, quiet) = (rig.backend.local_addrs()[0], rig.backend.local_addrs()[1]);
    let _flood: Vec<_> = (0..200).map(|_| connect(flooded)).collect();
    let _few: Vec<_> = (0..5).map(|_| connect(quiet)).collect();
    let mut of_quiet = 0;
    rig.backend.accept(0);
    rig.backend.accept(1);
    for _ in 0..12 {
        let Seen::Accepted { listener, socket, peer } = rig.next() else { panic!("only connections come") };
        assert_eq!(socket2::SockRef::from(&socket).peer_addr().unwrap().as_socket(), Some(peer));
        of_quiet += listener;
        rig.backend.accept(listener);
    }
    assert_eq!(of_quiet, 5);
}

#[test]
fn a_connection_that_comes_during_the_wait_is_accepted() {
    let mut rig = Rig::new();
    for _ in 0..3 {
        rig.backend.accept(0);
        rig.settle();
        let client = connect(rig.address());
        assert!(matches!(rig.next(), Seen::Accepted { peer, .. } if peer == client.local_addr().unwrap()));
    }
}

#[test]
fn a_dropped_socket_refuses_its_connection() {
    let mut rig = Rig::new();
    let mut client = connect(rig.address());
    rig.backend.accept(0);
    let Seen::Accepted { socket, .. } = rig.next() else { panic!("a connection comes first") };
    drop(socket);
    assert_eq!(client.read(&mut [0; 8]).unwrap(), 0);
}

#[test]
fn after_stop_listening_who_waits_is_accepted_nobody_new_comes_in_and_what_is_in_flight_goes_on() {
    let mut rig = Rig::new();
    let (mut client, token) = rig.connect_listed(0);
    rig.backend.receive_datagrams(0);
    rig.settle();
    let waiting: Vec<_> = (0..5).map(|_| connect(rig.address())).collect();
    rig.backend.stop_listening();
    for client in &waiting {
        assert!(rig.backend.is_listening());
        rig.backend.accept(0);
        assert!(matches!(rig.next(), Seen::Accepted { peer, .. } if peer == client.local_addr().unwrap()));
    }
    rig.backend.accept(0);
    assert!(rig.next_within(Duration::ZERO).is_none());
    assert!(!rig.backend.is_listening());
    assert!(std::net::TcpStream::connect(rig.address()).is_err());
    rig.backend.accept(0);
    rig.backend.receive_datagrams(0);
    crate::rig::datagram_client("127.0.0.1").send_to(b"too late", rig.address()).unwrap();

    client.write_all(b"in flight").unwrap();
    rig.backend.receive(token);
    assert!(matches!(rig.next(), Seen::Received { octets, .. } if octets == b"in flight"));
    rig.send(token, b"served");
    assert!(matches!(rig.next(), Seen::Sent { .. }));
    rig.close(token, false);
    assert_eq!(crate::rig::read_to_end(&client), b"served");
    assert!(rig.next_within(Duration::ZERO).is_none());
}
