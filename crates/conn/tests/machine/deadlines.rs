//! Every deadline, to the microsecond.

use std::time::Duration;

use raida_conn::{CloseReason, Deadline, Instant, Phase, Policy};

use crate::requests::{echo, policy};
use crate::session::{Input, Seen, Session, timeout};

/// Limits that no two deadlines share.
fn distinct() -> Policy {
    Policy {
        progress: Duration::from_millis(2),
        request: Duration::from_millis(30),
        write_progress: Duration::from_millis(3),
        write: Duration::from_millis(20),
        linger: Duration::from_millis(5),
        idle: Duration::from_millis(7),
        requests_max: 9,
        ..policy()
    }
}

/// Checks that the deadline `what` is reached exactly this many microseconds from now.
fn trips(session: &mut Session, what: Deadline, micros: u64) {
    assert_eq!(session.connection.deadline(), Some(Instant::from_micros(session.now + micros)));
    let policy = session.policy.clone();
    assert_eq!(session.expire_around(micros), (Seen::Wait, timeout(what, &policy)));
}

/// A connection with an answer of 100 octets to send.
fn answering(policy: Policy) -> Session {
    let mut session = Session::new(policy);
    session.receive(&echo());
    assert_eq!(session.give(Input::Responded(100)), Seen::Send(0..100));
    session
}

#[test]
fn the_protocol_sets_the_limits() {
    let policy = policy();
    assert_eq!(policy.progress, Duration::from_secs(2));
    assert_eq!(policy.request, Duration::from_secs(30));
    assert_eq!((policy.linger, policy.linger_octets), (Duration::from_secs(1), 65_536));
    assert_eq!(policy.requests_max, 1);
}

#[test]
fn a_silent_peer_is_closed_after_the_progress_limit() {
    trips(&mut Session::new(distinct()), Deadline::Progress, 2000);
}

#[test]
fn every_octet_of_a_header_or_body_starts_the_progress_limit_again() {
    for received in [1, 16, 17, 31, 32, 33, 49] {
        let mut session = Session::new(distinct());
        session.pass(1999).receive(&echo()[..received]);
        trips(&mut session, Deadline::Progress, 2000);
    }
}

#[test]
fn an_empty_input_is_no_progress() {
    let mut session = Session::new(distinct());
    assert_eq!(session.pass(1500).receive(&[]), Seen::Receive);
    trips(&mut session, Deadline::Progress, 500);
}

#[test]
fn a_trickling_peer_is_closed_when_the_whole_request_is_due() {
    let mut session = Session::new(distinct());
    for octet in &echo()[..15] {
        session.pass(1950).receive(&[*octet]);
    }
    trips(&mut session, Deadline::Request, 30_000 - 15 * 1950);
}

#[test]
fn a_request_that_comes_in_time_is_served_although_it_took_long() {
    let mut session = Session::new(distinct());
    let (most, last) = (&echo()[..49], &echo()[49..]);
    for piece in most.chunks(4) {
        session.pass(2000).receive(piece);
    }
    assert!(matches!(session.pass(2000).receive(last), Seen::Process(..)));
}

#[test]
fn nobody_is_hurried_while_an_answer_is_made() {
    let mut session = Session::new(distinct());
    session.receive(&echo());
    assert_eq!(session.pass(1_000_000_000).give(Input::Expired), Seen::Wait);
    assert_eq!(session.give(Input::Responded(1)), Seen::Send(0..1));
}

#[test]
fn a_peer_that_takes_nothing_is_reset_after_the_write_progress_limit() {
    trips(&mut answering(distinct()), Deadline::WriteProgress, 3000);
}

#[test]
fn every_octet_sent_starts_the_write_progress_limit_again() {
    let mut session = answering(distinct());
    assert_eq!(session.pass(2999).give(Input::Sent(1)), Seen::Send(1..100));
    trips(&mut session, Deadline::WriteProgress, 3000);
}

#[test]
fn a_send_of_nothing_is_no_progress() {
    let mut session = answering(distinct());
    assert_eq!(session.pass(2999).give(Input::Sent(0)), Seen::Send(0..100));
    trips(&mut session, Deadline::WriteProgress, 1);
}

#[test]
fn a_peer_that_takes_its_answer_drop_by_drop_is_reset_when_the_whole_is_due() {
    let mut session = answering(distinct());
    for _ in 0..7 {
        session.pass(2800).give(Input::Sent(1));
    }
    trips(&mut session, Deadline::Write, 20_000 - 7 * 2800);
}

#[test]
fn a_farewell_ends_in_time_however_much_is_sent() {
    let mut session = Session::new(distinct());
    session.receive(&[9; 48]);
    session.give(Input::Responded(32));
    assert_eq!(session.give(Input::Sent(32)), Seen::Linger);
    assert_eq!(session.pass(4000).receive(&[0; 100]), Seen::Receive);
    trips(&mut session, Deadline::Linger, 1000);
}

#[test]
fn silence_between_two_requests_has_a_limit_of_its_own() {
    let mut session = answering(distinct());
    assert_eq!(session.pass(100).give(Input::Sent(100)), Seen::Receive);
    trips(&mut session, Deadline::Idle, 7000);
}

#[test]
fn a_further_request_has_its_time_from_its_first_octet() {
    let mut session = answering(distinct());
    session.give(Input::Sent(100));
    session.pass(6999).receive(&echo()[..1]);
    for octet in &echo()[1..16] {
        session.pass(1950).receive(&[*octet]);
    }
    trips(&mut session, Deadline::Request, 30_000 - 15 * 1950);
}

#[test]
fn where_two_limits_are_reached_at_once_the_pause_is_named() {
    let policy = Policy { request: Duration::from_millis(2), ..distinct() };
    trips(&mut Session::new(policy), Deadline::Progress, 2000);
}

#[test]
fn limits_without_end_never_trip() {
    let policy = Policy { progress: Duration::MAX, request: Duration::MAX, ..policy() };
    let mut session = Session::new(policy);
    session.now = u64::MAX - 1;
    assert_eq!(session.give(Input::Expired), Seen::Wait);
    assert_eq!(session.phase(), Phase::WantReadHeader);
}

#[test]
fn only_an_answer_not_taken_is_reset() {
    let reset = |what| CloseReason::Timeout { what, limit: Duration::ZERO }.reset();
    let expected = [Deadline::WriteProgress, Deadline::Write];
    assert!(Deadline::ALL.into_iter().all(|what| reset(what) == expected.contains(&what)));
}
