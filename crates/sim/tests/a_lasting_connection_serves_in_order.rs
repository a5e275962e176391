//! Where the policy lets a connection last, requests are answered one by one, in the order in which they came.

use std::net::SocketAddr;
use std::time::Duration;

use raida_reactor::testing::{DEFER, ECHO, Held, PANIC_LATER, request};
use raida_sim::{Rig, Script, Weather, seed};
use raida_wire::Status;

const MS: Duration = Duration::from_millis(1);
const REQUESTS: u16 = 12;

#[test]
fn pipelined_requests_are_answered_in_order_and_nothing_is_left() {
    seed::each(100, |seed| {
        let mut rig = Rig::new(seed, Weather::rough(), 10 * MS, |settings| {
            settings.policy.requests_max = u32::from(REQUESTS);
        });
        let command = |tag: u16| [ECHO, ECHO, ECHO, DEFER, ECHO, PANIC_LATER][usize::from(tag) % 6];
        let asked: Vec<_> = (0..REQUESTS).map(|tag| request(command(tag), &tag.to_be_bytes(), tag)).collect();
        let octets: Vec<u8> = asked.iter().flat_map(|(octets, _)| octets).copied().collect();
        let clients: Vec<_> = (0..5u16)
            .map(|n| {
                let peer = SocketAddr::from(([10, 0, 0, 1], 1024 + n));
                let script = if n == 0 { Script::new().send_together(&octets) } else { Script::new().send(&octets) };
                rig.sim().connect(Duration::ZERO, peer, script)
            })
            .collect();
        assert!(rig.run(Duration::from_secs(60)));
        for client in clients {
            let mut rest = rig.sim().client(client).received().to_vec();
            for (tag, (_, pending)) in (0..REQUESTS).zip(&asked) {
                let mut answer: Vec<u8> = rest.drain(..pending.response_len(&rest).min(rest.len())).collect();
                let response = pending.read(&mut answer).expect("the answer to the request whose turn it is");
                let broken = command(tag) == PANIC_LATER;
                assert_eq!(response.status, if broken { Status::INTERNAL } else { Status::SUCCESS });
                assert!(broken || *response.payload == tag.to_be_bytes());
            }
            assert_eq!(rest, []);
        }
        assert_eq!(rig.held(), Held::default());
    });
}

#[test]
fn a_pause_that_lasts_too_long_ends_the_connection() {
    let mut rig = Rig::new(1, Weather::calm(), MS, |settings| {
        settings.policy.requests_max = 100;
        settings.policy.idle = 500 * MS;
    });
    let (octets, pending) = request(ECHO, b"once", 1);
    let peer = SocketAddr::from(([10, 0, 0, 1], 1024));
    let client = rig.sim().connect(Duration::ZERO, peer, Script::new().send(&octets));
    assert!(rig.run(Duration::from_secs(60)));
    let mut received = rig.sim().client(client).received().to_vec();
    assert_eq!(pending.read(&mut received).unwrap().payload, b"once");
    let ended = rig.sim().client(client).end().map(|(_, when)| when.as_micros());
    assert!(ended.is_some_and(|ended| (500_000..520_000).contains(&ended)), "{ended:?}");
    assert_eq!(rig.held(), Held::default());
}
