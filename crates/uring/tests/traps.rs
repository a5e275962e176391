//! What is rare, forced by rings that are as small as they can be.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test may panic, also in its shared parts"
)]

#[expect(dead_code, reason = "many programs of tests share it, and this one asks for less")]
#[path = "../../sockets/tests/conformance/rig.rs"]
mod rig;

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use proptest::prelude::*;
use raida_reactor::backend::Backend;
use raida_reactor::token::Token;
use raida_sockets::Setup;
use raida_uring::{Rings, Uring as Tested};
use rig::{PATIENCE, Rig, Seen, connect, local_setup, read_to_end, reset};

fn rig_with(rings: Rings) -> Rig {
    Rig { backend: Tested::bind_with(&local_setup(), &rings).unwrap() }
}

fn tiny() -> Rings {
    Rings { submissions: 2, completions: 2, short_buffers: 1, short_len: 8, long_buffers: 1, long_len: 16, ahead: 2 }
}

/// Serves `clients`, who have all sent their number, whatever comes first. Returns whom it served.
fn serve(rig: &mut Rig, clients: usize) -> BTreeSet<u8> {
    let mut served = BTreeSet::new();
    let mut next_slot = 0;
    rig.backend.accept(0);
    while served.len() < clients {
        match rig.next() {
            Seen::Accepted { socket, .. } => {
                let token = Token::new(next_slot, 7);
                next_slot += 1;
                rig.backend.adopt(token, socket);
                rig.backend.receive(token);
                rig.backend.accept(0);
            }
            Seen::Received { token, octets, .. } => rig.send(token, &octets),
            Seen::Sent { token, buffer, .. } => {
                served.extend(buffer.as_ref());
                rig.backend.close(token, false);
            }
            other => panic!("nobody asked for {other:?}"),
        }
    }
    rig.settle();
    served
}

fn crowd(rig: &Rig, size: u8) -> Vec<TcpStream> {
    let say = |number| {
        let mut client = connect(rig.address());
        client.write_all(&[number]).unwrap();
        client
    };
    (0..size).map(say).collect()
}

#[test]
fn full_queues_and_one_buffer_lose_nobody() {
    let mut rig = rig_with(tiny());
    let clients = crowd(&rig, 50);
    assert_eq!(serve(&mut rig, 50).len(), 50);
    for (number, client) in (0u8..).zip(&clients) {
        assert_eq!(read_to_end(client), [number]);
    }
    let seen = rig.backend.incidents();
    assert!(seen.queue_full > 0 && seen.overflowed > 0 && seen.starved > 0 && seen.accepts_ended > 0, "{seen:?}");
}

#[test]
fn connections_beyond_those_accepted_ahead_come_later() {
    let mut rig = rig_with(Rings { ahead: 3, ..Rings::default() });
    let clients: Vec<_> = (0..40).map(|_| connect(rig.address())).collect();
    let peers: BTreeSet<_> = clients.iter().map(|client| client.local_addr().unwrap()).collect();
    let accepted = clients.iter().map(|_| {
        rig.backend.accept(0);
        match rig.next() {
            Seen::Accepted { peer, .. } => peer,
            other => panic!("a connection comes next, not {other:?}"),
        }
    });
    assert_eq!(accepted.collect::<BTreeSet<_>>(), peers);
    rig.backend.accept(0);
    rig.settle();
    let late = connect(rig.address());
    assert!(matches!(rig.next(), Seen::Accepted { peer, .. } if peer == late.local_addr().unwrap()));
    assert!(rig.backend.incidents().accepts_ended > 0);
}

#[test]
fn octets_that_find_no_buffer_are_received_when_one_comes_back() {
    let mut rig = rig_with(Rings { short_buffers: 1, ..Rings::default() });
    let mut clients: Vec<_> = (0..20).map(|slot| rig.connect(slot)).collect();
    for (number, (client, token)) in (0u8..).zip(&mut clients) {
        rig.backend.receive(*token);
        client.write_all(&[number; 3]).unwrap();
    }
    let mut received = BTreeSet::new();
    while received.len() < clients.len() {
        let Seen::Received { token, octets, .. } = rig.next() else { panic!("octets come next") };
        assert_eq!(octets.len(), 3);
        received.insert((token.slot(), octets.first().copied()));
    }
    assert!(rig.backend.incidents().starved > 0);
    assert!(received.iter().all(|&(slot, octet)| octet.map(u32::from) == Some(slot)));
}

#[test]
fn a_connection_closed_while_it_lacks_a_buffer_keeps_none_from_others() {
    let mut rig = rig_with(Rings { short_buffers: 1, ..Rings::default() });
    let mut clients: Vec<_> = (0..6).map(|slot| rig.connect(slot)).collect();
    for (client, token) in &mut clients {
        rig.backend.receive(*token);
        client.write_all(b"x").unwrap();
    }
    let Seen::Received { token: first, .. } = rig.next() else { panic!("octets come next") };
    // All others lack a buffer by now; every second of them leaves.
    let waiting: Vec<_> = clients.iter().map(|&(_, token)| token).filter(|&token| token != first).collect();
    let (gone, left): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|token| token.slot() % 2 == 0);
    gone.iter().for_each(|&token| rig.backend.close(token, false));
    let mut served = BTreeSet::new();
    while served.len() < left.len() {
        let Seen::Received { token, .. } = rig.next() else { panic!("octets come next") };
        served.insert(token.slot());
    }
    assert_eq!(served, left.iter().map(|token| token.slot()).collect());
}

#[test]
fn a_late_completion_for_a_slot_s_last_tenant_reaches_nobody() {
    let mut rig = rig_with(Rings::default());
    let (mut first, first_token) = rig.connect(0);
    let mut second = connect(rig.address());
    rig.backend.accept(0);
    let Seen::Accepted { socket, .. } = rig.next() else { panic!("a connection comes first") };
    rig.backend.receive(first_token);
    rig.settle();
    // Its octets are there before the kernel hears of the close.
    first.write_all(b"for the first").unwrap();
    rig.backend.close(first_token, false);
    let second_token = Token::new(0, first_token.generation() + 1);
    rig.backend.adopt(second_token, socket);
    rig.backend.receive(second_token);
    rig.settle();
    second.write_all(b"for the second").unwrap();
    let Seen::Received { token, octets, .. } = rig.next() else { panic!("octets come next") };
    assert_eq!((token, octets.as_slice()), (second_token, b"for the second".as_slice()));
    assert_eq!(rig.backend.incidents().stale, 1);
}

#[test]
fn a_descriptor_that_is_used_again_at_once_belongs_to_its_new_connection() {
    let mut rig = rig_with(Rings::default());
    for round in 0..50u32 {
        let (client, token) = rig.connect(0);
        rig.backend.receive(token);
        if round % 2 == 0 {
            reset(client);
        }
        rig.backend.close(token, round % 3 == 0);
        // The next accept takes the number that has just become free.
        rig.backend.accept(0);
        let mut heir = connect(rig.address());
        let heir_token = Token::new(1, round);
        let Seen::Accepted { socket, .. } = rig.next() else { panic!("a connection comes next") };
        rig.backend.adopt(heir_token, socket);
        rig.backend.receive(heir_token);
        heir.write_all(b"mine").unwrap();
        assert!(matches!(rig.next(), Seen::Received { token, .. } if token == heir_token));
        rig.close(heir_token, false);
    }
}

#[test]
fn a_backend_dropped_in_the_middle_of_everything_ends_it() {
    let setup = Setup { send_buffer: Some(4096), ..local_setup() };
    let mut rig = Rig::with(setup);
    let (mut reading, reading_token) = rig.connect(0);
    let (mut writing, writing_token) = rig.connect(1);
    let (_watched, watched_token) = rig.connect(2);
    rig.backend.receive(reading_token);
    rig.backend.watch(watched_token);
    rig.backend.receive_datagrams(0);
    rig.backend.accept(0);
    // The peer reads nothing: in the end a send stays with the kernel.
    while {
        rig.send(writing_token, &[7; 1_000_000]);
        rig.next_within(Duration::ZERO).is_some()
    } {}
    drop(rig);
    reading.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(reading.read(&mut [0; 1]).unwrap_or(0), 0);
    let _ = writing.read_to_end(&mut Vec::new());
}

#[test]
fn a_backend_that_was_never_used_lets_go_of_its_port() {
    let rig = rig_with(Rings::default());
    let addresses = vec![rig.address()];
    drop(rig);
    Tested::bind_with(&Setup { addresses, ..local_setup() }, &tiny()).unwrap();
}

#[test]
fn sizes_out_of_range_are_named() {
    let texts = [
        (Rings { submissions: 0, ..tiny() }, "rings.submissions must be 1 to 32768, found 0"),
        (Rings { short_buffers: 0, ..tiny() }, "rings.short_buffers must be 1 to 32768, found 0"),
        (Rings { long_len: 2 << 20, ..tiny() }, "rings.long_len must be 1 to 1048576, found 2097152"),
        (Rings { ahead: 0, ..tiny() }, "rings.ahead must be 1 to 65536, found 0"),
    ];
    for (rings, text) in texts {
        assert_eq!(Tested::bind_with(&local_setup(), &rings).unwrap_err().to_string(), text);
    }
    let slots = Setup { connections_max: (1 << 28) + 1, ..local_setup() };
    let text = Tested::bind_with(&slots, &tiny()).unwrap_err().to_string();
    assert_eq!(text, "connections_max must be 1 to 268435456, found 268435457");
}

#[test]
fn a_last_answer_and_its_close_need_no_call_on_the_ring() {
    let mut rig = rig_with(Rings::default());
    for round in 0..20u8 {
        let (client, token) = rig.connect(0);
        let enters = rig.backend.syscall_counts().enter;
        rig.backend.send_last(token, rig::buffer(&[round; 9]), 2..9);
        assert!(matches!(rig.next(), Seen::Sent { sent: 7, .. }));
        // The end came along with the octets, before the loop has said that it closes.
        assert_eq!(read_to_end(&client), [round; 7]);
        rig.backend.close(token, round % 2 == 0);
        assert_eq!(rig.backend.syscall_counts().enter, enters);
        // Its number is free by now, and the next one has it.
        let (mut heir, heir_token) = rig.connect(1);
        rig.backend.receive(heir_token);
        heir.write_all(b"mine").unwrap();
        assert!(matches!(rig.next(), Seen::Received { octets, .. } if octets == b"mine"));
        rig.close(heir_token, false);
    }
}

#[test]
fn a_send_that_fails_closes_nothing() {
    let mut rig = rig_with(Rings::default());
    let (client, token) = rig.connect(0);
    reset(client);
    rig.backend.send_last(token, rig::buffer(b"answer"), 0..6);
    assert!(matches!(rig.next(), Seen::Failed { buffer: Some(_), .. }));
    // Had it been closed, the number would be that of this connection, and closing it again would end that one.
    let (mut other, other_token) = rig.connect(1);
    rig.close(token, false);
    rig.backend.receive(other_token);
    other.write_all(b"here").unwrap();
    assert!(matches!(rig.next(), Seen::Received { octets, .. } if octets == b"here"));
}

#[test]
fn a_last_answer_for_which_there_is_no_room_arrives_whole() {
    let mut rig = Rig::with(Setup { send_buffer: Some(4096), ..local_setup() });
    let (mut client, token) = rig.connect(0);
    let answer: Vec<u8> = (0..3_000_000u32).map(|number| number.to_le_bytes()[1]).collect();
    let reader = std::thread::spawn(move || {
        let mut got = Vec::new();
        client.read_to_end(&mut got).map(|_| got)
    });
    let mut done = 0;
    rig.backend.send_last(token, rig::buffer(&answer), 0..answer.len());
    while done < answer.len() {
        let Seen::Sent { buffer, sent, .. } = rig.next() else { panic!("it goes on being sent") };
        done += sent;
        if done < answer.len() {
            rig.backend.send_last(token, buffer, done..answer.len());
        }
    }
    rig.close(token, false);
    assert!(reader.join().unwrap().unwrap() == answer);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn octets_arrive_whole_and_in_order_whatever_the_sizes_of_the_rings(
        submissions in 1u32..5, completions in 1u32..5, short_len in 1u32..40, long_len in 1u32..90,
        parts in prop::collection::vec(1usize..400, 1..8),
    ) {
        let rings = Rings { submissions, completions, short_buffers: 2, short_len, long_buffers: 2, long_len, ahead: 1 };
        let mut rig = rig_with(rings);
        let (mut client, token) = rig.connect(3);
        let said: Vec<u8> = (0..parts.iter().sum::<usize>()).map(|n| n.to_be_bytes()[7]).collect();
        let (mut heard, mut rest) = (Vec::new(), said.as_slice());
        for part in parts {
            let (now, later) = rest.split_at(part);
            client.write_all(now).unwrap();
            rest = later;
            while heard.len() < said.len() - rest.len() {
                rig.backend.receive(token);
                let Seen::Received { octets, more, .. } = rig.next() else { panic!("octets come next") };
                prop_assert!(more || octets.len() < long_len.max(short_len) as usize);
                heard.extend(octets);
            }
        }
        prop_assert_eq!(heard, said);
    }
}
