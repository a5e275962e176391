//! What a request costs in system calls.

#[expect(dead_code, reason = "many programs of tests share it, and this one asks for less")]
#[path = "../../sockets/tests/conformance/rig.rs"]
mod rig;

use std::io::{Read, Write};
use std::net::Shutdown;
use std::thread;
use std::time::Duration;

use raida_epoll::{Epoll as Tested, SyscallCounts};
use raida_reactor::backend::Backend;
use raida_reactor::token::Token;
use raida_sockets::Setup;
use rig::{Rig, Seen, connect, local_setup, read_to_end};

#[test]
fn a_one_shot_request_costs_accept_receive_send_shutdown_and_close() {
    const REQUESTS: u32 = 50;
    let mut rig = Rig::new();
    let clients: Vec<_> = (0..REQUESTS).map(|_| connect(rig.address())).collect();
    clients.iter().for_each(|mut client| client.write_all(b"request").unwrap());
    rig.backend.accept(0);
    for slot in 0..REQUESTS {
        let Seen::Accepted { socket, .. } = rig.next() else { panic!("a connection comes first") };
        let token = Token::new(slot, 0);
        rig.backend.adopt(token, socket);
        rig.backend.receive(token);
        assert!(matches!(rig.next(), Seen::Received { octets, .. } if octets == b"request"));
        rig.send_last(token, b"answer");
        assert!(matches!(rig.next(), Seen::Sent { sent: 6, .. }));
        rig.backend.close(token, false);
        rig.backend.accept(0);
    }
    assert!(rig.backend.next().is_none());
    clients.iter().for_each(|client| assert_eq!(read_to_end(client), b"answer"));
    let each = u64::from(REQUESTS);
    let expected = SyscallCounts {
        accept: each + 1, // the last one finds nobody
        receive: each,
        send: each,
        shutdown: each,
        close: each,
        ..SyscallCounts::default()
    };
    assert_eq!(rig.backend.syscall_counts(), expected);
}

#[test]
fn those_who_come_one_by_one_are_not_looked_for_in_vain() {
    let mut rig = Rig::new();
    rig.backend.accept(0);
    assert!(rig.next_within(Duration::ZERO).is_none());
    let before = rig.backend.syscall_counts();
    for slot in 0..30 {
        let _client = connect(rig.address());
        let Seen::Accepted { socket, .. } = rig.next() else { panic!("a connection comes first") };
        rig.backend.adopt(Token::new(slot, 0), socket);
        rig.backend.close(Token::new(slot, 0), false);
        rig.backend.accept(0);
    }
    let counts = rig.backend.syscall_counts();
    assert_eq!((counts.accept - before.accept, counts.epoll_ctl - before.epoll_ctl), (30, 0));
}

#[test]
fn a_listener_that_nobody_asks_ends_one_wait_and_no_more() {
    let mut rig = Rig::new();
    let _client = connect(rig.address());
    let before = rig.backend.syscall_counts();
    for _ in 0..10 {
        rig.backend.wait(Some(Duration::ZERO)).unwrap();
    }
    assert_eq!(rig.backend.syscall_counts().epoll_ctl - before.epoll_ctl, 1);
    rig.backend.accept(0);
    assert!(matches!(rig.next(), Seen::Accepted { .. }));
}

#[test]
fn a_connection_goes_on_the_interest_list_once_however_often_it_waits() {
    let mut rig = Rig::new();
    let (mut client, token) = rig.connect(0);
    for round in 0..20u8 {
        rig.backend.receive(token);
        // An edge that tells of something else is no reason to try.
        assert!(rig.next_within(Duration::ZERO).is_none());
        client.write_all(&[round]).unwrap();
        assert!(matches!(rig.next(), Seen::Received { octets, .. } if octets == [round]));
        rig.send(token, &[round; 3]);
        assert!(matches!(rig.next(), Seen::Sent { .. }));
        rig.backend.watch(token);
        assert!(rig.backend.next().is_none());
        client.read_exact(&mut [0; 3]).unwrap();
    }
    rig.backend.close(token, false);
    let counts = rig.backend.syscall_counts();
    assert_eq!((counts.epoll_ctl, counts.close), (1, 1));
    assert_eq!((counts.receive, counts.send), (21, 20), "only the first receive finds nothing");
}

#[test]
fn an_end_that_came_with_the_last_octets_is_told_behind_them() {
    let mut rig = Rig::new();
    let (mut client, token) = rig.connect_listed(0);
    client.write_all(b"last words").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    rig.backend.receive(token);
    assert!(matches!(rig.next(), Seen::Received { octets, .. } if octets == b"last words"));
    rig.backend.receive(token);
    assert!(matches!(rig.next(), Seen::Ended { .. }));
}

#[test]
fn octets_that_did_not_fit_are_received_without_another_edge() {
    const LEN: usize = 150_000;
    let mut rig = Rig::new();
    let (mut client, token) = rig.connect_listed(0);
    let sender = thread::spawn(move || client.write_all(&[7; LEN]).map(|()| client));
    let mut received = 0;
    while received < LEN {
        rig.backend.receive(token);
        let Seen::Received { octets, .. } = rig.next() else { panic!("only octets come") };
        received += octets.len();
    }
    let _client = sender.join().unwrap().unwrap();
    rig.backend.receive(token);
    assert!(rig.next_within(Duration::ZERO).is_none());
}

#[test]
fn a_datagram_and_its_answer_cost_one_system_call_each_and_one_wait() {
    let mut rig = Rig::new();
    let client = rig::datagram_client("127.0.0.1");
    for _ in 0..20 {
        rig.backend.receive_datagrams(0);
        client.send_to(b"?", rig.address()).unwrap();
        assert!(matches!(rig.next(), Seen::Datagrams { .. }));
        rig.backend.answer_datagrams(0);
        client.recv(&mut [0; 10]).unwrap();
    }
    rig.backend.receive_datagrams(0);
    assert!(rig.next_within(Duration::ZERO).is_none());
    let counts = rig.backend.syscall_counts();
    assert_eq!((counts.receive_datagrams, counts.send_datagrams, counts.epoll_ctl), (20, 20, 0));
    assert!(counts.epoll_wait <= 21, "an answer that leaves is no edge: {counts:?}");
}

#[test]
fn a_wait_makes_no_system_call_while_something_is_known() {
    let mut rig = Rig::new();
    let (mut client, token) = rig.connect(0);
    client.write_all(b"here").unwrap();
    let before = rig.backend.syscall_counts().epoll_wait;
    rig.backend.receive(token);
    rig.backend.wait(None).unwrap();
    assert!(matches!(rig.next(), Seen::Received { .. }));
    assert_eq!(rig.backend.syscall_counts().epoll_wait, before);
}

#[test]
fn more_is_ready_than_one_wait_takes_in() {
    let mut rig = Rig::with(Setup { events_max: 2, ..local_setup() });
    let mut clients: Vec<_> = (0..10).map(|slot| rig.connect_listed(slot)).collect();
    for (client, token) in &mut clients {
        rig.backend.receive(*token);
        assert!(rig.backend.next().is_none());
        client.write_all(b"all at once").unwrap();
    }
    let mut served: Vec<Token> = Vec::new();
    while served.len() < clients.len() {
        let Seen::Received { token, .. } = rig.next() else { panic!("only octets come") };
        served.push(token);
    }
    served.sort_by_key(|token| token.slot());
    assert_eq!(served, clients.iter().map(|&(_, token)| token).collect::<Vec<_>>());
}
