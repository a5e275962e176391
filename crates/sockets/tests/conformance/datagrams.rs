//! How datagrams come and how their answers leave.

#![expect(clippy::panic, clippy::wildcard_enum_match_arm, reason = "a test may panic, also in its shared parts")]

use std::net::IpAddr;
use std::time::Duration;

use crate::rig::{Rig, Seen, datagram_client, local_setup};
use raida_reactor::backend::{Backend, Completion};
use raida_reactor::buffer::Buffer;
use raida_sockets::Setup;

#[test]
fn answers_leave_from_the_address_that_was_asked() {
    let mut rig = Rig::with(Setup { addresses: vec![([0, 0, 0, 0], 0).into()], ..local_setup() });
    let port = rig.address().port();
    for asked in ["127.0.0.1", "127.0.0.2", "127.9.9.9"] {
        let asked: IpAddr = asked.parse().unwrap();
        let client = datagram_client("127.0.0.1");
        client.send_to(b"prompt", (asked, port)).unwrap();
        let came = rig.datagrams(0);
        assert_eq!((came.len(), came[0].octets.as_slice()), (1, b"prompt".as_slice()));
        assert_eq!(came[0].reply_to.peer, client.local_addr().unwrap());
        assert_eq!(came[0].reply_to.local, Some(asked));
        rig.backend.answer_datagrams(0);
        let mut octets = [0; 100];
        assert_eq!(client.recv_from(&mut octets).unwrap(), (6, (asked, port).into()));

        rig.backend.send_datagram(came[0].reply_to, crate::rig::buffer(b"--late--"), 2..6);
        assert!(matches!(rig.next(), Seen::Returned(buffer) if buffer.as_ref() == b"--late--"));
        assert_eq!(client.recv_from(&mut octets).unwrap(), (4, (asked, port).into()));
        assert_eq!(&octets[..4], b"late");
    }
    assert_eq!(rig.backend.losses().unsent, 0);
}

#[test]
fn ipv6_datagrams_are_answered_from_the_address_that_was_asked() {
    if std::net::UdpSocket::bind("[::1]:0").is_err() {
        eprintln!("skipped: this machine has no IPv6 loopback");
        return;
    }
    let mut rig = Rig::with(Setup { addresses: vec!["[::]:0".parse().unwrap()], ..local_setup() });
    let (asked, port) = ("::1".parse::<IpAddr>().unwrap(), rig.address().port());
    let client = datagram_client("::1");
    client.send_to(b"six", (asked, port)).unwrap();
    let came = rig.datagrams(0);
    assert_eq!((came[0].reply_to.local, came[0].reply_to.interface), (Some(asked), 0));
    rig.backend.answer_datagrams(0);
    assert_eq!(client.recv_from(&mut [0; 100]).unwrap(), (3, (asked, port).into()));
}

#[test]
fn a_datagram_longer_than_the_limit_is_cut_and_marked() {
    let mut rig = Rig::with(Setup { datagram_limit: 100, ..local_setup() });
    let client = datagram_client("127.0.0.1");
    for len in [0, 99, 100, 101, 5000, 3] {
        client.send_to(&vec![7; len], rig.address()).unwrap();
    }
    let came = rig.datagrams(0);
    let found: Vec<_> = came.iter().map(|came| (came.octets.len(), came.truncated)).collect();
    assert_eq!(found, [(0, false), (99, false), (100, false), (100, true), (100, true), (3, false)]);
    assert!(came.iter().flat_map(|came| &came.octets).all(|&octet| octet == 7));
}

#[test]
fn many_datagrams_come_and_are_answered_in_few_system_calls() {
    let mut rig = Rig::with(Setup { datagram_batch: 16, ..local_setup() });
    let client = datagram_client("127.0.0.1");
    for number in 0..40u8 {
        client.send_to(&[number; 20], rig.address()).unwrap();
    }
    let mut sizes = Vec::new();
    while sizes.iter().sum::<usize>() < 40 {
        sizes.push(rig.datagrams(0).len());
        rig.backend.answer_datagrams(0);
    }
    assert_eq!(sizes, [16, 16, 8]);
    for number in 0..40u8 {
        let mut octets = [0; 100];
        assert_eq!((client.recv(&mut octets).unwrap(), octets[19]), (20, number));
    }
}

#[test]
fn datagrams_that_come_during_the_wait_are_reported() {
    let mut rig = Rig::new();
    let client = datagram_client("127.0.0.1");
    for round in 0..3u8 {
        rig.backend.receive_datagrams(0);
        while rig.next_within(Duration::ZERO).is_some() {}
        client.send_to(&[round], rig.address()).unwrap();
        assert!(matches!(rig.next(), Seen::Datagrams { came, .. } if came[0].octets == [round]));
    }
}

#[test]
fn only_what_the_loop_answers_is_answered() {
    let mut rig = Rig::new();
    let client = datagram_client("127.0.0.1");
    for number in 0..6u8 {
        client.send_to(&[number], rig.address()).unwrap();
    }
    rig.backend.receive_datagrams(0);
    rig.backend.wait(Some(crate::rig::PATIENCE)).unwrap();
    let Some(Completion::Datagrams { batch, .. }) = rig.backend.next() else { panic!("datagrams come first") };
    for datagram in batch.iter_mut().filter(|datagram| datagram.octets.as_ref()[0] % 2 == 1) {
        datagram.answer.as_mut()[..2].copy_from_slice(&[datagram.octets.as_ref()[0]; 2]);
        datagram.answer_range = 0..2;
    }
    rig.backend.answer_datagrams(0);
    // The next batch owes nothing to the one before.
    client.send_to(&[99], rig.address()).unwrap();
    rig.datagrams(0);
    rig.backend.answer_datagrams(0);
    for expected in [[1, 1].as_slice(), &[3, 3], &[5, 5], &[99]] {
        let mut octets = [0; 10];
        let len = client.recv(&mut octets).unwrap();
        assert_eq!(&octets[..len], expected);
    }
}

#[test]
fn an_answer_that_cannot_leave_is_counted_and_the_others_leave() {
    let mut rig = Rig::new();
    let client = datagram_client("127.0.0.1");
    for number in 0..5u8 {
        client.send_to(&[number], rig.address()).unwrap();
    }
    rig.backend.receive_datagrams(0);
    rig.backend.wait(Some(crate::rig::PATIENCE)).unwrap();
    let Some(Completion::Datagrams { batch, .. }) = rig.backend.next() else { panic!("datagrams come first") };
    for (number, datagram) in batch.iter_mut().enumerate() {
        // Longer than any datagram (EMSGSIZE), to no port (EINVAL), outside of its buffer (no answer at all).
        match number {
            0 => datagram.answer.grow(70_000),
            2 => datagram.reply_to.peer.set_port(0),
            _ => {}
        }
        datagram.answer.as_mut()[0] = 100 + u8::try_from(number).unwrap();
        datagram.answer_range = [0..70_000, 0..1, 0..1, 0..99_999, 0..1][number].clone();
    }
    rig.backend.answer_datagrams(0);
    for expected in [101, 104] {
        let mut octets = [0; 10];
        assert_eq!((client.recv(&mut octets).unwrap(), octets[0]), (1, expected));
    }
    assert_eq!(rig.backend.losses().unsent, 2);
}

#[test]
fn a_late_answer_that_cannot_leave_is_counted_and_its_buffer_comes_back() {
    let mut rig = Rig::new();
    let client = datagram_client("127.0.0.1");
    client.send_to(b"?", rig.address()).unwrap();
    let to = rig.datagrams(0)[0].reply_to;
    let mut nowhere = to;
    nowhere.socket = 7;
    rig.backend.send_datagram(nowhere, Buffer::zeroed(10), 0..1);
    rig.backend.send_datagram(to, Buffer::zeroed(10), 5..11);
    rig.backend.send_datagram(to, Buffer::zeroed(70_000), 0..70_000);
    for len in [10, 10, 70_000] {
        assert!(matches!(rig.next(), Seen::Returned(buffer) if buffer.len() == len));
    }
    assert_eq!(rig.backend.losses().unsent, 3);
    // After the drain has begun late answers still leave.
    rig.backend.stop_listening();
    rig.backend.send_datagram(to, crate::rig::buffer(b"bye"), 0..3);
    assert_eq!(client.recv(&mut [0; 10]).unwrap(), 3);
}

#[test]
fn datagrams_lost_in_the_kernel_are_counted_once_each() {
    let mut rig = Rig::with(Setup { datagram_receive_buffer: 10_000, ..local_setup() });
    let client = datagram_client("127.0.0.1");
    let (mut sent, mut received) = (0u64, 0u64);
    for _ in 0..3 {
        for _ in 0..500 {
            client.send_to(&[0; 100], rig.address()).unwrap();
        }
        received += drain(&mut rig);
        // The kernel tells its count with a datagram that comes after the loss.
        client.send_to(&[0; 100], rig.address()).unwrap();
        received += drain(&mut rig);
        sent += 501;
        assert_eq!(rig.backend.losses().overflowed, sent - received);
    }
    assert!(rig.backend.losses().overflowed > 1000, "the buffer was small");
}

fn drain(rig: &mut Rig) -> u64 {
    let mut received = 0;
    rig.backend.receive_datagrams(0);
    while let Some(seen) = rig.next_within(Duration::ZERO) {
        let Seen::Datagrams { came, .. } = seen else { panic!("only datagrams come") };
        received += came.len() as u64;
        rig.backend.receive_datagrams(0);
    }
    received
}

#[test]
fn a_flood_of_datagrams_does_not_keep_a_connection_waiting() {
    let mut rig = Rig::with(Setup { datagram_batch: 1, ..local_setup() });
    let flood = datagram_client("127.0.0.1");
    let (mut client, token) = rig.connect_listed(0);
    rig.backend.receive(token);
    rig.settle();
    rig.backend.receive_datagrams(0);
    std::io::Write::write_all(&mut client, b"me too").unwrap();
    for _ in 0..2_000 {
        flood.send_to(b"again", rig.address()).unwrap();
        match rig.next() {
            Seen::Datagrams { .. } => rig.backend.receive_datagrams(0),
            Seen::Received { octets, .. } => return assert_eq!(octets, b"me too"),
            other => panic!("neither is expected: {other:?}"),
        }
    }
    panic!("the connection was not served");
}
