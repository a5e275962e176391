//! Every way in which a connection can end gives its descriptor back. A program of its own, because it counts them.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic, also in its shared parts")]

use std::io::Write;
use std::time::Duration;

use crate::rig::{Rig, Seen, connect, local_setup, open_descriptors, reset};
use raida_reactor::backend::Backend;
use raida_reactor::buffer::Buffer;
use raida_sockets::Setup;

#[test]
fn after_5_000_connections_as_many_descriptors_are_open_as_before() {
    let before = open_descriptors();
    let mut rig = Rig::with(Setup { send_buffer: Some(4096), ..local_setup() });
    let bound = open_descriptors();
    for round in 0..1000 {
        close_served(&mut rig);
        close_with_a_reset(&mut rig, round);
        close_after_the_peer_s_reset(&mut rig);
        refuse(&mut rig);
        close_while_a_send_waits(&mut rig);
        // A close may wait for the next wait.
        rig.settle();
        assert_eq!(open_descriptors(), bound);
    }
    drop(rig);
    assert_eq!(open_descriptors(), before);
}

fn close_served(rig: &mut Rig) {
    let (mut client, token) = rig.connect(0);
    client.write_all(b"request").unwrap();
    rig.backend.receive(token);
    assert!(matches!(rig.next(), Seen::Received { .. }));
    rig.send(token, b"answer");
    assert!(matches!(rig.next(), Seen::Sent { .. }));
    rig.close(token, false);
    rig.close(token, false); // is closed already
    assert_eq!(crate::rig::read_to_end(&client), b"answer");
}

fn close_with_a_reset(rig: &mut Rig, round: u32) {
    let (_client, token) = rig.connect_listed(round % 64);
    rig.backend.receive(token);
    rig.settle();
    rig.close(token, true);
}

fn close_after_the_peer_s_reset(rig: &mut Rig) {
    let (client, token) = rig.connect(1);
    rig.backend.watch(token);
    rig.settle();
    reset(client);
    assert!(matches!(rig.next(), Seen::Gone { .. }));
    rig.close(token, false);
}

fn refuse(rig: &mut Rig) {
    let _client = connect(rig.address());
    rig.backend.accept(0);
    assert!(matches!(rig.next(), Seen::Accepted { .. }));
}

fn close_while_a_send_waits(rig: &mut Rig) {
    let (_client, token) = rig.connect(2);
    let mut buffer = Buffer::zeroed(30_000);
    loop {
        rig.backend.send(token, buffer, 0..30_000);
        match rig.next_within(Duration::ZERO) {
            Some(Seen::Sent { buffer: back, .. }) => buffer = back,
            Some(other) => panic!("octets go out or wait: {other:?}"),
            None => break,
        }
    }
    rig.close(token, true);
    assert!(matches!(rig.next(), Seen::Returned(_)));
}
