//! Fairness: floods take their share and no more.

use std::net::SocketAddr;
use std::time::Duration;

use raida_reactor::testing::{DEFER, ECHO, request};
use raida_sim::{Rig, Script, Weather};

const MS: Duration = Duration::from_millis(1);
const BUDGET: usize = 32;

/// Every completion takes 20 us, so that a flood fills time.
fn rig() -> Rig {
    let weather = Weather { cost: Duration::from_micros(20), ..Weather::calm() };
    Rig::new(1, weather, MS, |settings| {
        settings.completions_per_turn = BUDGET;
        settings.connections_max = 5000;
    })
}

/// Two thousand connections and two thousand datagrams that are all there at once.
fn flood(rig: &mut Rig) {
    let (octets, _) = request(ECHO, b"flood", 1);
    for n in 0..2000 {
        rig.sim().connect(Duration::ZERO, SocketAddr::from(([10, 0, 0, 1], 1024 + n)), Script::new().send(&octets));
        rig.sim().post(Duration::ZERO, SocketAddr::from(([10, 0, 0, 2], 1024 + n)), &octets);
    }
}

#[test]
fn a_deadline_is_kept_during_a_flood() {
    let mut rig = rig();
    let silent = rig.sim().connect(Duration::ZERO, SocketAddr::from(([10, 9, 9, 9], 1)), Script::new());
    rig.run_for(Duration::from_millis(1950));
    flood(&mut rig);
    while rig.sim().client(silent).end().is_none() {
        assert!(rig.snapshot().datagrams_in < 2000 || rig.snapshot().accepted < 2001, "the flood is over");
        rig.turn();
    }
    let late = rig.now().as_micros() - 2_000_000;
    // One tick, and one turn of at most the budget.
    assert!(late < 8192 + 20 * BUDGET as u64 + 8192, "{late} us late");
}

#[test]
fn a_worker_s_answer_leaves_during_a_flood() {
    let mut rig = rig();
    let (octets, pending) = request(DEFER, b"me too", 7);
    let victim = rig.sim().connect(Duration::ZERO, SocketAddr::from(([10, 9, 9, 9], 1)), Script::new().send(&octets));
    while rig.snapshot().in_flight == 0 {
        rig.turn();
    }
    flood(&mut rig);
    let before = rig.snapshot().turns;
    while rig.sim().client(victim).received().is_empty() {
        assert!(rig.snapshot().turns - before < 200, "starved");
        rig.turn();
    }
    assert!(rig.snapshot().accepted < 2000, "the flood was over before");
    let mut received = rig.sim().client(victim).received().to_vec();
    assert_eq!(pending.read(&mut received).unwrap().payload, b"me too");
}

#[test]
fn connections_and_datagrams_share_the_turns() {
    let mut rig = rig();
    flood(&mut rig);
    for _ in 0..40 {
        rig.turn();
    }
    let figures = rig.snapshot();
    assert!(figures.accepted > 100 && figures.datagrams_in > 100, "{figures:?}");
    assert!(figures.accepted < 2000, "the flood was over before");
}
