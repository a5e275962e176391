//! Hundreds of networks, each full of clients of every kind: whoever keeps to the rules gets exactly its answer, whatever
//! the others do, and in the end nothing is left.
#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "what goes wrong here fails the test")]

use std::net::SocketAddr;
use std::time::Duration;

use raida_reactor::testing::{DEFER, ECHO, Held, INFLATE, PANIC, PANIC_LATER, request};
use raida_sim::dice::Dice;
use raida_sim::{ClientId, End, Rig, Script, Weather, seed};
use raida_wire::{Pending, Status};

const MS: Duration = Duration::from_millis(1);

/// What a client must have got in the end.
enum Expectation {
    /// This status and this payload, and an orderly end.
    Answer(Pending, Status, Vec<u8>),
    /// No octet at all.
    Silence,
    /// It broke the rules itself: anything.
    Anything,
}

/// A client of some kind, and what it must get.
fn client(dice: &mut Dice, tag: u16) -> (Script, Expectation) {
    let longest = if dice.odds(20) { 20_000 } else { 60 };
    let payload: Vec<u8> = (0..dice.below(longest)).map(|n| n.to_be_bytes()[7]).collect();
    let ask = |command, payload: &[u8]| request(command, payload, tag);
    let script = Script::new();
    match dice.below(17) {
        0..3 => answered(ask(ECHO, &payload), payload, |octets| script.send(octets)),
        3..5 => answered(ask(DEFER, &payload), payload, |octets| script.send(octets)),
        5 => answered(ask(ECHO, b"half"), b"half".to_vec(), |octets| script.send(octets).half_close()),
        6 => answered(ask(DEFER, b"half"), b"half".to_vec(), |octets| script.send(octets).half_close()),
        7 => answered(ask(ECHO, b"slow"), b"slow".to_vec(), |octets| script.trickle(octets, 150 * MS)),
        8 => {
            answered(ask(ECHO, b"more"), b"more".to_vec(), |octets| script.send_together(&[octets, &[0; 16]].concat()))
        }
        9 => {
            let len = dice.index(30_000);
            answered(
                ask(INFLATE, &u32::try_from(len).expect("a small number").to_be_bytes()),
                vec![0xA5; len],
                |octets| script.send(octets).reads_slowly(1000, 20 * MS),
            )
        }
        10 => {
            let (mut octets, pending) = ask(ECHO, &payload);
            octets[2] = 3; // another node's
            let script = script.send(&octets).send(&[7; 5000]);
            (script, Expectation::Answer(pending, Status::INVALID_RAIDA_ID, Vec::new()))
        }
        11 => {
            let (octets, pending) = ask(if dice.odds(50) { PANIC } else { PANIC_LATER }, b"");
            (script.send(&octets), Expectation::Answer(pending, Status::INTERNAL, Vec::new()))
        }
        12 => (Script::new(), Expectation::Silence),
        13 => {
            let octets = ask(ECHO, &payload).0;
            let cut = dice.index(octets.len());
            (script.send(&octets[..cut]).half_close(), Expectation::Silence)
        }
        14 => {
            let octets = ask(if dice.odds(50) { DEFER } else { ECHO }, &payload).0;
            let cut = dice.part(octets.len(), 50);
            let patience = Duration::from_millis(dice.below(40));
            (script.send(&octets[..cut]).wait(patience).reset(), Expectation::Anything)
        }
        15 => (script.trickle(&ask(ECHO, b"").0, 1900 * MS), Expectation::Silence),
        _ => (script.send(&ask(INFLATE, &60_000u32.to_be_bytes()).0).reads_nothing(), Expectation::Anything),
    }
}

fn answered(
    (octets, pending): (Vec<u8>, Pending),
    payload: Vec<u8>,
    script: impl FnOnce(&[u8]) -> Script,
) -> (Script, Expectation) {
    (script(&octets), Expectation::Answer(pending, Status::SUCCESS, payload))
}

fn check(rig: &mut Rig, id: ClientId, expectation: Expectation) {
    let client = rig.sim().client(id);
    let mut received = client.received().to_vec();
    match expectation {
        Expectation::Anything => {}
        Expectation::Silence => assert_eq!(received, [], "{client:?}"),
        Expectation::Answer(pending, status, payload) => {
            assert_eq!(client.end().map(|(end, _)| end), Some(End::Closed), "{client:?}");
            assert_eq!(received.len(), pending.response_len(&received), "one answer, nothing more: {client:?}");
            let response = pending.read(&mut received).expect("the answer belongs to the request");
            assert_eq!((response.status, &*response.payload), (status, &*payload));
        }
    }
    assert!(rig.sim().client(id).is_closed_by_node());
}

#[test]
fn every_honest_client_gets_its_answer_and_nothing_is_left() {
    seed::each(300, |seed| {
        let mut dice = Dice::new(seed.rotate_left(17));
        let job_max = Duration::from_millis(dice.below(300));
        let mut rig = Rig::new(seed, Weather::rough(), job_max, |settings| {
            settings.completions_max = 64;
            settings.wait_for_worker = Duration::from_secs(60);
        });
        let clients: Vec<_> = (0..40u16)
            .map(|tag| {
                let (script, expectation) = client(&mut dice, tag);
                let peer = SocketAddr::from(([10, 0, 0, 1], 1024 + tag));
                (rig.sim().connect(Duration::from_millis(dice.below(500)), peer, script), expectation)
            })
            .collect();
        assert!(rig.run(Duration::from_secs(120)), "still busy");
        for (id, expectation) in clients {
            check(&mut rig, id, expectation);
        }
        assert_eq!(rig.held(), Held::default());
        assert_eq!(rig.sim().descriptors_used(), 0);
        assert_eq!(rig.snapshot().accepted, 40);
        assert_eq!(rig.snapshot().closes.iter().sum::<u64>(), 40);
    });
}

#[test]
fn one_seed_gives_one_run() {
    let run = |seed| {
        let mut dice = Dice::new(seed);
        let mut rig = Rig::new(seed, Weather::rough(), 50 * MS, |_| {});
        for tag in 0..30 {
            let peer = SocketAddr::from(([10, 0, 0, 1], 1024 + tag));
            let script = client(&mut dice, tag).0;
            rig.sim().connect(Duration::ZERO, peer, script);
        }
        assert!(rig.run(Duration::from_secs(120)));
        rig.sim().trace()
    };
    assert_eq!(run(5), run(5));
    assert_ne!(run(5), run(6));
}
