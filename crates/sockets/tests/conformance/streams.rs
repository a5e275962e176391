//! What a connection reports, and when.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "a test may panic, also in its shared parts"
)]

use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::time::Duration;

use crate::rig::{Rig, Seen, connect, local_setup, read_to_end, reset};
use raida_reactor::backend::Backend;
use raida_reactor::token::Token;
use raida_sockets::Setup;

#[test]
fn octets_that_are_there_before_the_receive_are_received() {
    let mut rig = Rig::new();
    let (mut client, token) = rig.connect(0);
    client.write_all(b"request").unwrap();
    rig.backend.receive(token);
    let Seen::Received { token: found, octets, more } = rig.next() else { panic!("octets come first") };
    assert_eq!((found, octets.as_slice(), more), (token, b"request".as_slice(), false));
}

#[test]
fn octets_that_come_after_the_receive_are_received() {
    let mut rig = Rig::new();
    let (mut client, token) = rig.connect(0);
    for part in [b"one".as_slice(), b"two", b"three"] {
        rig.backend.receive(token);
        rig.settle();
        client.write_all(part).unwrap();
        let Seen::Received { octets, .. } = rig.next() else { panic!("octets come first") };
        assert_eq!(octets, part);
    }
}

#[test]
fn octets_that_come_while_nobody_asks_are_not_lost() {
    let mut rig = Rig::new();
    let (mut client, token) = rig.connect_listed(0);
    client.write_all(b"early").unwrap();
    rig.let_pass();
    rig.backend.receive(token);
    let Seen::Received { octets, .. } = rig.next() else { panic!("octets come first") };
    assert_eq!(octets, b"early");
}

#[test]
fn a_receive_that_fills_the_room_says_that_there_may_be_more() {
    let mut rig = Rig::new();
    let (client, token) = rig.connect(0);
    let sent: Vec<u8> = (0..300_000u32).map(|n| n.to_be_bytes()[3]).collect();
    let mut received = Vec::new();
    let (mut full, mut short) = (0, 0);
    std::thread::scope(|scope| {
        scope.spawn(|| (&client).write_all(&sent).unwrap());
        while received.len() < sent.len() {
            rig.backend.receive(token);
            let Seen::Received { octets, more, .. } = rig.next() else { panic!("octets come first") };
            *if more { &mut full } else { &mut short } += 1;
            received.extend(octets);
        }
    });
    assert_eq!(received, sent);
    assert!(full + short > 4, "the room is bounded");
}

#[test]
fn the_end_of_the_peer_s_sending_is_told_after_its_octets() {
    let mut rig = Rig::new();
    let (mut client, token) = rig.connect(0);
    client.write_all(b"last words").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    rig.backend.receive(token);
    assert!(matches!(rig.next(), Seen::Received { octets, .. } if octets == b"last words"));
    rig.backend.receive(token);
    assert!(matches!(rig.next(), Seen::Ended { token: found } if found == token));
    // A half-closed peer still gets its answer.
    rig.send(token, b"answer");
    assert!(matches!(rig.next(), Seen::Sent { sent: 6, .. }));
    rig.close(token, false);
    assert_eq!(read_to_end(&client), b"answer");
}

#[test]
fn an_end_that_comes_during_the_wait_is_told() {
    let mut rig = Rig::new();
    let (client, token) = rig.connect(0);
    rig.backend.receive(token);
    rig.settle();
    drop(client);
    assert!(matches!(rig.next(), Seen::Ended { token: found } if found == token));
}

#[test]
fn a_slow_reader_gets_every_octet_in_order_over_many_sends() {
    let mut rig = Rig::with(Setup { send_buffer: Some(8192), ..local_setup() });
    let (mut client, token) = rig.connect(0);
    let answer: Vec<u8> = (0..2_000_000u32).map(|n| n.to_be_bytes()[2] ^ n.to_be_bytes()[3]).collect();
    let (reader, mut sends) = (std::thread::spawn(move || drain_slowly(&mut client)), 0);
    let (mut buffer, mut done) = (crate::rig::buffer(&answer), 0);
    while done < answer.len() {
        rig.backend.send(token, buffer, done..answer.len());
        let Seen::Sent { token: found, buffer: back, sent } = rig.next() else { panic!("the send goes on") };
        assert!(found == token && sent > 0);
        (buffer, done, sends) = (back, done + sent, sends + 1);
    }
    rig.close(token, false);
    assert_eq!(reader.join().unwrap(), answer);
    assert!(sends > 10, "{sends} sends: the buffer was small");
}

/// Small reads; the kernel's buffers are full between them.
fn drain_slowly(client: &mut impl Read) -> Vec<u8> {
    let (mut all, mut part) = (Vec::new(), [0; 1000]);
    loop {
        match client.read(&mut part).unwrap() {
            0 => return all,
            len => all.extend_from_slice(&part[..len]),
        }
    }
}

#[test]
fn closing_gives_back_the_buffer_of_a_send_that_waits() {
    let mut rig = Rig::with(Setup { send_buffer: Some(4096), ..local_setup() });
    let (_client, token) = rig.connect(0);
    // The peer reads nothing: some sends fill the kernel, and one stays.
    while {
        rig.send(token, &[7; 4_000_000]);
        rig.next_within(Duration::ZERO).is_some()
    } {}
    rig.close(token, true);
    let Seen::Returned(buffer) = rig.next() else { panic!("the buffer comes back") };
    assert_eq!(buffer.len(), 4_000_000);
    rig.settle();
}

#[test]
fn a_send_to_a_peer_that_has_reset_fails_and_gives_back_the_buffer() {
    let mut rig = Rig::new();
    let (client, token) = rig.connect(0);
    reset(client);
    rig.send(token, b"too late");
    let Seen::Failed { token: found, error, buffer } = rig.next() else { panic!("it fails") };
    assert_eq!((found, error.kind()), (token, ErrorKind::ConnectionReset));
    assert_eq!(buffer.expect("lent with the send").as_ref(), b"too late");
}

#[test]
fn a_send_of_a_range_outside_of_its_buffer_fails_alone() {
    let mut rig = Rig::new();
    let (_client, token) = rig.connect(0);
    rig.backend.send(token, crate::rig::buffer(b"four"), 2..9);
    assert!(matches!(rig.next(), Seen::Failed { buffer: Some(_), .. }));
    rig.send(token, b"four");
    assert!(matches!(rig.next(), Seen::Sent { sent: 4, .. }));
}

#[test]
fn a_receive_from_a_peer_that_resets_fails() {
    let mut rig = Rig::new();
    for listed in [false, true] {
        let (client, token) = if listed { rig.connect_listed(1) } else { rig.connect(0) };
        rig.backend.receive(token);
        if listed {
            rig.settle();
        }
        reset(client);
        let Seen::Failed { error, buffer, .. } = rig.next() else { panic!("it fails") };
        assert_eq!((error.kind(), buffer.is_none()), (ErrorKind::ConnectionReset, true));
        rig.close(token, false);
    }
}

#[test]
fn a_reset_before_the_accept_harms_nobody() {
    let mut rig = Rig::new();
    reset(connect(rig.address()));
    let mut second = connect(rig.address());
    second.write_all(b"me").unwrap();
    let mut served = false;
    for slot in 0..2 {
        let token = Token::new(slot, 0);
        rig.backend.accept(0);
        let Seen::Accepted { socket, .. } = rig.next() else { panic!("a connection comes first") };
        rig.backend.adopt(token, socket);
        rig.backend.receive(token);
        match rig.next() {
            Seen::Failed { error, .. } => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
            Seen::Received { octets, .. } => served = octets == b"me",
            other => panic!("neither is expected: {other:?}"),
        }
        if served {
            break;
        }
    }
    assert!(served);
}

#[test]
fn what_a_peer_has_done_is_news_before_it_is_reported() {
    let mut rig = Rig::new();
    let (mut fresh, fresh_token) = rig.connect(0);
    let (mut listed, listed_token) = rig.connect_listed(1);
    for (client, token) in [(&mut fresh, fresh_token), (&mut listed, listed_token)] {
        assert!(!rig.backend.has_news(token), "nobody waits for anything");
        rig.backend.receive(token);
        rig.settle();
        assert!(!rig.backend.has_news(token), "nothing has come");
        client.write_all(b"in time").unwrap();
        assert!(rig.backend.has_news(token), "the kernel has it");
        rig.backend.wait(Some(Duration::ZERO)).unwrap();
        assert!(rig.backend.has_news(token), "the backend has it");
        assert!(matches!(rig.next(), Seen::Received { token: found, .. } if found == token));
        assert!(!rig.backend.has_news(token), "it is reported");
    }
}

#[test]
fn room_that_a_peer_has_made_is_news_before_it_is_reported() {
    let mut rig = Rig::with(Setup { send_buffer: Some(4096), ..local_setup() });
    let (mut client, token) = rig.connect(0);
    while {
        rig.send(token, &[7; 4_000_000]);
        rig.next_within(Duration::ZERO).is_some()
    } {}
    assert!(!rig.backend.has_news(token), "the peer has read nothing");
    let mut part = [0; 100_000];
    let mut report = None;
    while report.is_none() {
        assert!(client.read(&mut part).unwrap() > 0);
        report = rig.next_within(Duration::ZERO);
    }
    assert!(matches!(report, Some(Seen::Sent { token: found, .. }) if found == token));
}

#[test]
fn what_a_slow_reader_takes_is_news_although_it_makes_no_room() {
    let mut rig = Rig::with(Setup { send_buffer: Some(2_000_000), ..local_setup() });
    let (mut client, token) = rig.connect(0);
    while {
        rig.send(token, &[7; 4_000_000]);
        rig.next_within(Duration::ZERO).is_some()
    } {}
    // Segments that are on their way are still being taken in.
    while rig.backend.has_news(token) {
        rig.settle();
    }
    // What the peer's own buffer holds has been taken already.
    let (mut part, mut taken) = ([0; 10_000], 0);
    while !rig.backend.has_news(token) {
        taken += client.read(&mut part).unwrap();
    }
    assert!(taken > 0);
    assert!(rig.next_within(Duration::ZERO).is_none(), "there is no room, and nothing to report");
}

#[test]
fn a_watched_peer_that_resets_is_gone() {
    let mut rig = Rig::new();
    let (fresh, fresh_token) = rig.connect(0);
    let (listed, listed_token) = rig.connect_listed(1);
    for (client, token) in [(fresh, fresh_token), (listed, listed_token)] {
        rig.backend.watch(token);
        rig.settle();
        reset(client);
        assert!(matches!(rig.next(), Seen::Gone { token: found } if found == token));
    }
}

#[test]
fn a_peer_that_has_reset_before_it_is_watched_is_gone() {
    let mut rig = Rig::new();
    let (client, token) = rig.connect_listed(0);
    reset(client);
    rig.let_pass();
    rig.backend.watch(token);
    assert!(matches!(rig.next(), Seen::Gone { token: found } if found == token));
}

#[test]
fn a_watched_peer_that_only_ends_its_sending_is_not_gone() {
    let mut rig = Rig::new();
    let (client, token) = rig.connect(0);
    rig.backend.watch(token);
    rig.settle();
    client.shutdown(Shutdown::Write).unwrap();
    // The end comes before the waking: when that is told, the other has been looked at.
    (rig.backend.waker())();
    assert!(matches!(rig.next(), Seen::Woken));
    assert!(rig.next_within(Duration::ZERO).is_none());
    rig.send(token, b"still here");
    assert!(matches!(rig.next(), Seen::Sent { .. }));
    rig.close(token, false);
    assert_eq!(read_to_end(&client), b"still here");
}

#[test]
fn a_close_with_reset_tells_the_peer_so() {
    let mut rig = Rig::new();
    let (mut client, token) = rig.connect(0);
    rig.close(token, true);
    assert_eq!(client.read(&mut [0; 8]).unwrap_err().kind(), ErrorKind::ConnectionReset);
}

#[test]
fn an_answer_outlives_unread_input_where_the_sending_is_shut_down_first() {
    let mut rig = Rig::new();
    let (mut client, token) = rig.connect(0);
    client.write_all(b"bad request").unwrap();
    rig.backend.receive(token);
    assert!(matches!(rig.next(), Seen::Received { .. }));
    rig.send(token, b"refused");
    assert!(matches!(rig.next(), Seen::Sent { .. }));
    rig.backend.shut_down_sending(token);
    client.write_all(&[0; 10_000]).unwrap();
    assert_eq!(read_to_end(&client), b"refused");
    drop(client);
    loop {
        rig.backend.receive(token);
        match rig.next() {
            Seen::Received { .. } => {}
            Seen::Ended { .. } => break,
            other => panic!("neither is expected: {other:?}"),
        }
    }
    rig.close(token, false);
}

#[test]
fn the_last_answer_reaches_a_peer_that_has_sent_too_much() {
    let mut rig = Rig::new();
    for slot in 0..50 {
        let (mut client, token) = rig.connect(slot);
        client.write_all(b"request").unwrap();
        rig.backend.receive(token);
        assert!(matches!(rig.next(), Seen::Received { .. }));
        client.write_all(b"and more").unwrap();
        rig.send_last(token, b"answer");
        assert!(matches!(rig.next(), Seen::Sent { sent: 6, .. }));
        rig.close(token, false);
        let mut answer = [0; 6];
        client.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"answer");
    }
}

#[test]
fn the_last_octets_all_arrive_however_many_there_are() {
    let mut rig = Rig::new();
    let (client, token) = rig.connect(0);
    let octets = vec![7; 3_000_000];
    let reader = std::thread::spawn(move || read_to_end(&client));
    let mut sent = 0;
    while sent < octets.len() {
        rig.send_last(token, &octets[sent..]);
        let Seen::Sent { sent: more, .. } = rig.next() else { panic!("octets go out") };
        sent += more;
    }
    rig.close(token, false);
    assert_eq!(reader.join().unwrap(), octets);
}

#[test]
fn nothing_reaches_the_next_tenant_of_a_slot() {
    let mut rig = Rig::new();
    let (_first, first_token) = rig.connect_listed(0);
    rig.backend.receive(first_token);
    rig.settle();
    rig.close(first_token, false);

    rig.backend.accept(0);
    let mut second = connect(rig.address());
    let Seen::Accepted { socket, .. } = rig.next() else { panic!("a connection comes first") };
    let second_token = Token::new(0, 2);
    rig.backend.adopt(second_token, socket);
    // Late calls in the name of the first tenant do nothing, and a lent buffer comes back.
    rig.backend.receive(first_token);
    rig.backend.watch(first_token);
    rig.backend.shut_down_sending(first_token);
    rig.close(first_token, true);
    rig.send(first_token, b"for the first");
    assert!(matches!(rig.next(), Seen::Returned(buffer) if buffer.as_ref() == b"for the first"));
    rig.settle();

    second.write_all(b"hello").unwrap();
    rig.backend.receive(second_token);
    assert!(matches!(rig.next(), Seen::Received { token, octets, .. } if token == second_token && octets == b"hello"));
    rig.send(second_token, b"for the second");
    assert!(matches!(rig.next(), Seen::Sent { token, .. } if token == second_token));
    rig.close(second_token, false);
    assert_eq!(read_to_end(&second), b"for the second");
}

#[test]
fn a_slot_passed_on_while_it_stands_in_line_serves_its_new_tenant() {
    let mut rig = Rig::new();
    let (_first, first_token) = rig.connect(0);
    let mut second = connect(rig.address());
    rig.backend.accept(0);
    let Seen::Accepted { socket, .. } = rig.next() else { panic!("a connection comes first") };
    rig.backend.receive(first_token);
    rig.close(first_token, false);
    let second_token = Token::new(0, 2);
    rig.backend.adopt(second_token, socket);
    rig.backend.receive(second_token);
    rig.settle();
    second.write_all(b"mine").unwrap();
    assert!(matches!(rig.next(), Seen::Received { token, .. } if token == second_token));
}

#[test]
fn connections_come_over_ipv6_where_there_is_ipv6() {
    if std::net::TcpListener::bind("[::1]:0").is_err() {
        eprintln!("skipped: this machine has no IPv6 loopback");
        return;
    }
    let mut rig = Rig::with(Setup { addresses: vec!["[::1]:0".parse().unwrap()], ..local_setup() });
    let (mut client, token) = rig.connect(0);
    client.write_all(b"six").unwrap();
    rig.backend.receive(token);
    assert!(matches!(rig.next(), Seen::Received { octets, .. } if octets == b"six"));
}

#[test]
fn a_busy_connection_does_not_keep_a_quiet_one_from_being_served() {
    let mut rig = Rig::new();
    let (mut busy, busy_token) = rig.connect_listed(0);
    let (mut quiet, quiet_token) = rig.connect_listed(1);
    rig.backend.receive(quiet_token);
    rig.settle();
    busy.write_all(&[1; 100_000]).unwrap();
    rig.backend.receive(busy_token);
    quiet.write_all(b"me too").unwrap();
    // The busy one is fed whenever it has been served; the loop never comes to a natural rest.
    for _ in 0..2_000 {
        match rig.next() {
            Seen::Received { token, .. } if token == busy_token => {
                busy.write_all(&[1; 10]).unwrap();
                rig.backend.receive(busy_token);
            }
            Seen::Received { token, octets, .. } => {
                assert!(token == quiet_token && octets == b"me too");
                return;
            }
            other => panic!("neither is expected: {other:?}"),
        }
    }
    panic!("the quiet connection was not served");
}
