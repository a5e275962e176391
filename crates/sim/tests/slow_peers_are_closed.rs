//! Every wait for a peer ends, and it ends at the time the policy says.

use std::net::SocketAddr;
use std::time::Duration;

use raida_reactor::testing::{DEFER, ECHO, Held, INFLATE, request};
use raida_reactor::timer::TICK;
use raida_reactor::{CloseReason, Instant};
use raida_sim::{End, Rig, Script, Weather, seed};

const SECOND: Duration = Duration::from_secs(1);

fn peer() -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 1], 1024))
}

fn at(span: Duration) -> Instant {
    Instant::from_micros(0) + span
}

/// Runs one client alone in calm weather: what it read, how it ended and when, and under which name that was counted.
fn alone(script: Script, job_max: Duration) -> (Vec<u8>, Option<(End, Instant)>, String) {
    let mut rig = Rig::new(1, Weather::calm(), job_max, |_| {});
    let id = rig.sim().connect(Duration::ZERO, peer(), script);
    assert!(rig.run(100 * SECOND), "the connection is still open");
    assert_eq!(rig.held(), Held::default());
    let closes = rig.snapshot().closes;
    let reasons: Vec<&str> =
        CloseReason::NAMES.into_iter().zip(closes).filter(|(_, n)| *n > 0).map(|(name, _)| name).collect();
    let client = rig.sim().client(id);
    (client.received().to_vec(), client.end(), reasons.join(" "))
}

fn assert_closed_at(end: Option<(End, Instant)>, how: End, deadline: Duration) {
    let in_time = at(deadline)..=at(deadline + 2 * TICK);
    assert!(end.is_some_and(|(end, when)| end == how && in_time.contains(&when)), "{end:?} instead of {deadline:?}");
}

#[test]
fn a_silent_peer_is_closed_at_the_progress_deadline() {
    let (received, end, reason) = alone(Script::new(), SECOND);
    assert_eq!((received, reason.as_str()), (vec![], "timeout_progress"));
    assert_closed_at(end, End::Closed, 2 * SECOND);
}

#[test]
fn a_peer_that_stops_in_the_middle_is_closed_without_an_answer() {
    let (octets, _) = request(ECHO, b"never finished", 1);
    for cut in 1..octets.len() {
        let script = Script::new().wait(SECOND).send(&octets[..cut]);
        let (received, end, reason) = alone(script, SECOND);
        assert_eq!((received, reason.as_str()), (vec![], "timeout_progress"), "cut at {cut}");
        assert_closed_at(end, End::Closed, 3 * SECOND);
    }
}

#[test]
fn a_trickling_peer_is_closed_at_the_request_deadline() {
    let (octets, _) = request(ECHO, &[1; 100], 1);
    let (received, end, reason) = alone(Script::new().trickle(&octets, Duration::from_millis(1500)), SECOND);
    assert_eq!((received, reason.as_str()), (vec![], "timeout_request"));
    assert_closed_at(end, End::Closed, 30 * SECOND);
}

#[test]
fn a_peer_that_does_not_take_its_answer_is_reset() {
    let (octets, _) = request(INFLATE, &5_000_000u32.to_be_bytes(), 1);
    let (_, end, reason) = alone(Script::new().send(&octets).reads_nothing(), SECOND);
    assert_eq!(reason, "timeout_write_progress");
    assert_closed_at(end, End::Reset, 2 * SECOND);
}

#[test]
fn a_peer_that_takes_its_answer_drop_by_drop_is_reset() {
    let (octets, _) = request(INFLATE, &5_000_000u32.to_be_bytes(), 1);
    let script = Script::new().send(&octets).reads_slowly(100, SECOND);
    let (_, end, reason) = alone(script, SECOND);
    assert_eq!(reason, "timeout_write");
    assert_closed_at(end, End::Reset, 30 * SECOND);
}

#[test]
fn a_refused_peer_that_never_closes_is_left_after_the_farewell() {
    let (mut octets, pending) = request(ECHO, b"", 1);
    octets[0] = 9;
    let script = Script::new().send(&octets).wait(100 * SECOND).stays();
    let (mut received, end, reason) = alone(script, SECOND);
    assert_eq!(pending.read(&mut received).unwrap().status.0, 255);
    assert_eq!(reason, "timeout_linger");
    assert_closed_at(end, End::Closed, Duration::ZERO);
}

#[test]
fn waiting_for_a_worker_is_no_fault_of_the_peer() {
    seed::each(20, |seed| {
        let mut rig = Rig::new(seed, Weather::rough(), 40 * SECOND, |settings| settings.wait_for_worker = 60 * SECOND);
        let (octets, pending) = request(DEFER, b"long", 1);
        let id = rig.sim().connect(Duration::ZERO, peer(), Script::new().send(&octets));
        assert!(rig.run(100 * SECOND));
        let mut received = rig.sim().client(id).received().to_vec();
        let response = pending.read(&mut received).unwrap();
        assert_eq!(response.payload, b"long");
        assert!(response.elapsed_us > 0, "the time it took is told");
    });
}
