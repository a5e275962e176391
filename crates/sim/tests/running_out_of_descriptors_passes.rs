//! No descriptors left: the loop neither spins nor goes deaf, and serves again as soon as there are some.

use std::net::SocketAddr;
use std::time::Duration;

use raida_reactor::testing::{ECHO, Held, request};
use raida_sim::{Rig, Script, Weather, seed};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

fn peer(tag: u16) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 1], 1024 + tag))
}

#[test]
fn clients_are_served_within_a_second_of_the_descriptors_coming_back() {
    seed::each(100, |seed| {
        let weather = Weather { descriptors: 0, ..Weather::rough() };
        let mut rig = Rig::new(seed, weather, MS, |_| {});
        let clients: Vec<_> = (0..20)
            .map(|tag| {
                let (octets, pending) = request(ECHO, b"again", tag);
                (rig.sim().connect(Duration::ZERO, peer(tag), Script::new().send(&octets)), pending)
            })
            .collect();
        rig.run_for(3 * SECOND);
        let failures = rig.snapshot().accept_failures;
        // 5 ms doubling to 1 s: about ten attempts in three seconds; each may shed one connection.
        assert!((2..=12).contains(&failures), "{failures} attempts");
        assert_eq!(rig.snapshot().accepted, 0);
        rig.sim().set_descriptors(100);
        rig.run_for(SECOND + 200 * MS);
        let shed = rig.snapshot().shed;
        let served = clients.iter().filter(|(id, pending)| {
            let mut received = rig.reactor.backend().client(*id).received().to_vec();
            pending.read(&mut received).is_ok_and(|response| response.payload == b"again")
        });
        assert_eq!(served.count() as u64 + shed, 20);
    });
}

#[test]
fn a_closed_connection_lets_the_next_one_in_at_once() {
    let weather = Weather { descriptors: 3, delay: Duration::ZERO, ..Weather::rough() };
    let mut rig = Rig::new(3, weather, MS, |_| {});
    let (octets, _) = request(ECHO, b"", 1);
    let connect = |tag| rig.sim().connect(Duration::ZERO, peer(tag), Script::new().send(&octets));
    let clients: Vec<_> = (0..200).map(connect).collect();
    assert!(rig.run(60 * SECOND));
    let figures = rig.snapshot();
    assert_eq!(figures.accepted + figures.shed, 200);
    assert!(figures.accepted > 150, "{} were accepted", figures.accepted);
    // Three at a time, some 15 us for each completion. Had every failure cost its pause of 5 ms, it would take 300 ms.
    let last = clients.iter().filter_map(|&id| rig.reactor.backend().client(id).end()).map(|(_, when)| when).max();
    assert!(last.is_some_and(|last| last.as_micros() < 100_000), "{last:?}");
    assert_eq!(rig.held(), Held::default());
}

#[test]
fn a_connection_too_many_is_closed_and_counted() {
    let mut rig = Rig::new(1, Weather::calm(), MS, |settings| settings.connections_max = 10);
    let (octets, _) = request(ECHO, b"", 1);
    let idle: Vec<_> = (0..10).map(|tag| rig.sim().connect(Duration::ZERO, peer(tag), Script::new())).collect();
    let late = rig.sim().connect(MS, peer(99), Script::new().wait(SECOND).send(&octets));
    rig.run_for(100 * MS);
    assert_eq!(rig.snapshot().refused_full, 1);
    assert!(rig.sim().client(late).is_closed_by_node());
    assert!(idle.iter().all(|&id| !rig.reactor.backend().client(id).is_closed_by_node()));
    rig.run_for(3 * SECOND);
    let again = rig.sim().connect(Duration::ZERO, peer(100), Script::new().send(&octets));
    rig.run_for(100 * MS);
    assert!(!rig.sim().client(again).received().is_empty());
}

#[test]
fn one_source_cannot_take_every_slot() {
    let mut rig = Rig::new(1, Weather::calm(), MS, |settings| settings.source_connections_max = 4);
    let from = |network, host| SocketAddr::from(([10, 0, network, host], 1024));
    for host in 0..10 {
        rig.sim().connect(Duration::ZERO, from(1, host), Script::new());
        rig.sim().connect(Duration::ZERO, SocketAddr::from(([127, 0, 0, 1], 2000 + u16::from(host))), Script::new());
    }
    let (octets, pending) = request(ECHO, b"", 1);
    let other = rig.sim().connect(MS, from(2, 1), Script::new().send(&octets));
    rig.run_for(100 * MS);
    assert_eq!((rig.snapshot().refused_source, rig.snapshot().open), (6, 14));
    let mut received = rig.sim().client(other).received().to_vec();
    assert!(pending.read(&mut received).is_ok());
    assert!(rig.run(60 * SECOND));
    assert_eq!(rig.held(), Held::default());
}

#[test]
fn loopback_is_exempt_only_where_the_settings_say_so() {
    for (loopback_exempt, open) in [(true, 10), (false, 4)] {
        let mut rig = Rig::new(1, Weather::calm(), MS, |settings| {
            settings.source_connections_max = 4;
            settings.loopback_exempt = loopback_exempt;
        });
        for host in 1..=10 {
            rig.sim().connect(Duration::ZERO, SocketAddr::from(([127, 0, 0, host], 1024)), Script::new());
        }
        rig.run_for(100 * MS);
        assert_eq!(rig.snapshot().open, open);
    }
}
