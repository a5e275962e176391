//! Shutdown under load: whatever has begun is answered in time or closed, and then the loop ends.

use std::net::SocketAddr;
use std::time::Duration;

use raida_reactor::testing::{DEFER, ECHO, Held, request};
use raida_sim::dice::Dice;
use raida_sim::{End, Rig, Script, Weather, seed};

const MS: Duration = Duration::from_millis(1);

fn peer(tag: u16) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 1], 1024 + tag))
}

#[test]
fn a_stop_under_load_answers_or_closes_everything() {
    seed::each(200, |seed| {
        let mut dice = Dice::new(seed ^ 0xD0D0);
        let mut rig = Rig::new(seed, Weather::rough(), 60 * MS, |settings| settings.completions_max = 4);
        let mut clients = Vec::new();
        for tag in 0..40 {
            let (octets, pending) = request(if dice.odds(50) { DEFER } else { ECHO }, b"stop", tag);
            let script = match dice.below(4) {
                0 => Script::new().trickle(&octets, 20 * MS),
                1 => Script::new(),
                _ => Script::new().send(&octets),
            };
            clients.push((rig.sim().connect(Duration::from_millis(dice.below(200)), peer(tag), script), pending));
        }
        rig.run_for(Duration::from_millis(dice.below(250)));
        let open = u64::from(rig.held().slots);
        let asked = rig.now();
        rig.handle().shutdown();
        let drained = rig.run_down();
        assert_eq!(drained.finished + drained.silent + drained.cut, open);
        assert_eq!((drained.cut, drained.abandoned), (0, 0), "5 s are enough for all of them");
        assert!(rig.now() <= asked + Duration::from_secs(3), "it waited longer than any client was slow");
        assert_eq!(rig.held(), Held::default());
        assert_eq!((rig.sim().descriptors_used(), rig.sim().backlog()), (0, 0));
        // The last packets arrive.
        while !rig.sim().is_quiet() {
            raida_reactor::backend::Backend::wait(rig.sim(), Some(MS)).expect("a simulation does not break");
        }
        for (id, pending) in clients {
            let client = rig.sim().client(id);
            let mut received = client.received().to_vec();
            if client.is_closed_by_node() && !received.is_empty() {
                assert_eq!(pending.read(&mut received).expect("a whole answer or none").payload, b"stop");
                assert_eq!(rig.sim().client(id).end().map(|(end, _)| end), Some(End::Closed));
            }
        }
    });
}

#[test]
fn what_does_not_end_in_time_is_cut() {
    let mut rig = Rig::new(1, Weather::calm(), Duration::from_secs(60), |settings| settings.drain = 500 * MS);
    let (octets, _) = request(DEFER, b"", 1);
    let stuck = rig.sim().connect(Duration::ZERO, peer(1), Script::new().send(&octets));
    let silent = rig.sim().connect(Duration::ZERO, peer(2), Script::new());
    rig.run_for(10 * MS);
    let asked = rig.now();
    rig.handle().shutdown();
    let drained = rig.run_down();
    assert_eq!((drained.finished, drained.silent, drained.cut, drained.abandoned), (0, 1, 1, 1));
    assert_eq!(rig.now(), asked + 500 * MS);
    assert!([stuck, silent].map(|id| rig.sim().client(id).is_closed_by_node()).iter().all(|&closed| closed));
    assert_eq!(rig.held().slots, 0);
}

#[test]
fn a_lasting_connection_in_its_pause_does_not_hold_up_the_stop() {
    let mut rig = Rig::new(1, Weather::calm(), MS, |settings| settings.policy.requests_max = 100);
    let client = rig.sim().connect(Duration::ZERO, peer(1), Script::new().send(&request(ECHO, b"", 1).0));
    rig.run_for(10 * MS);
    assert!(!rig.sim().client(client).is_closed_by_node());
    let asked = rig.now();
    rig.handle().shutdown();
    assert_eq!(rig.run_down().finished, 1);
    assert_eq!((rig.now(), rig.held()), (asked, Held::default()));
}

#[test]
fn an_idle_reactor_stops_at_once() {
    let mut rig = Rig::new(1, Weather::calm(), MS, |_| {});
    rig.handle().shutdown();
    assert_eq!(rig.run_down(), raida_reactor::Drained::default());
    assert_eq!(rig.now().as_micros(), 0);
}

#[test]
fn a_node_out_of_descriptors_waits_for_its_end_without_spinning() {
    let weather = Weather { descriptors: 1, ..Weather::calm() };
    let mut rig = Rig::new(1, weather, MS, |settings| settings.drain = 500 * MS);
    rig.sim().connect(Duration::ZERO, peer(1), Script::new().send(b"half a header"));
    rig.sim().connect(MS, peer(2), Script::new());
    rig.run_for(3 * MS);
    assert!(rig.snapshot().accept_failures > 0, "the second one finds no descriptor");
    let turns = rig.snapshot().turns;
    rig.handle().shutdown();
    assert_eq!(rig.run_down().cut, 1);
    assert!(rig.snapshot().turns - turns < 10, "nothing happens, so there is nothing to do");
}
