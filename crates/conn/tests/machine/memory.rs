//! When a connection asks for memory, and for how much.

use raida_conn::{Connection, Octets, Policy, Step};
use raida_wire::{Command, Status};

use crate::host::{Asked, Memory, TestHost};
use crate::requests::{bodyless, echo, one_of_each, policy};
use crate::session::{Input, Seen, Session};

/// What a connection asks for while it receives these pieces.
fn asked(pieces: &[&[u8]]) -> Vec<Asked> {
    let mut session = Session::new(policy());
    for piece in pieces {
        session.receive(piece);
    }
    session.host.asked
}

#[test]
fn a_request_that_is_whole_stays_where_it_is() {
    for request in one_of_each(Command::ECHO, 1000) {
        assert_eq!(asked(&[&request]), [Asked::Admit]);
        let (policy, mut host) = (policy(), TestHost::new());
        let now = raida_conn::Instant::from_micros(0);
        let input = [&request[..], &[1, 2, 3]].concat();
        let Step::Process { request: octets, .. } =
            Connection::new(now, &policy).received(now, &input, &policy, &mut host)
        else {
            panic!("not served")
        };
        assert_eq!(octets, Octets::Input(0..request.len()));
    }
}

/// A connection that has received three echoes in one input, whose answers may leave together.
fn three_at_once(defers: bool) -> (Session, Seen) {
    let mut session = Session::new(Policy { requests_max: 9, ..policy() });
    (session.host.joins, session.defers) = (true, defers);
    let seen = session.receive(&echo().repeat(3));
    (session, seen)
}

#[test]
fn requests_that_are_answered_at_once_stay_where_they_are() {
    let (mut session, mut seen) = three_at_once(false);
    while let Seen::Process(..) = seen {
        seen = session.give(Input::Responded(32));
    }
    assert_eq!((seen, session.host.asked), (Seen::Send(0..96), vec![Asked::Admit; 3]));
}

#[test]
fn what_lies_behind_a_request_that_is_answered_later_outlives_its_input() {
    let (mut session, first) = three_at_once(true);
    assert!(matches!(first, Seen::Process(..)));
    assert_eq!(session.host.asked, [Asked::Admit], "nobody knows yet that it will be later");
    assert!(matches!(session.give(Input::Responded(32)), Seen::Process(..)));
    assert_eq!(session.host.asked.get(1), Some(&Asked::Take(100)));
}

#[test]
fn octets_whose_input_has_gone_unnoticed_are_lost_and_make_a_farewell() {
    let (policy, mut host) = (Policy { requests_max: 9, ..policy() }, TestHost::new());
    host.joins = true;
    let now = raida_conn::Instant::from_micros(0);
    let mut connection = Connection::new(now, &policy);
    let _ = connection.received(now, &echo().repeat(3), &policy, &mut host);
    assert_eq!(connection.responded(now, 32, &policy, &mut host), Step::Send(0..32));
    assert_eq!(connection.sent(now, 32, &policy, &mut host), Step::Linger);
}

#[test]
fn a_half_read_header_takes_no_memory() {
    for len in 0..32 {
        assert_eq!(asked(&[&echo()[..len]]), []);
    }
    assert_eq!(asked(&[&bodyless(Command::VERSION)]), [Asked::Admit]);
}

#[test]
fn a_half_read_body_takes_one_buffer_for_the_whole_request_after_its_header_is_admitted() {
    let request = &one_of_each(Command::ECHO, 100)[0];
    let expected = [Asked::Admit, Asked::Take(request.len())];
    for len in 32..request.len() {
        let (front, back) = request.split_at(len);
        assert_eq!(asked(&[front]), expected);
        assert_eq!(asked(&[front, back]), expected);
    }
}

#[test]
fn a_refused_header_takes_no_memory() {
    let mut too_long = echo();
    too_long[22] = 0xFF;
    assert_eq!(asked(&[&too_long[..32]]), [Asked::Admit]);
    let mut astray = echo();
    astray[2] = 3;
    assert_eq!(asked(&[&astray]), [], "a key is not even looked up");
}

#[test]
fn without_memory_a_request_in_pieces_is_refused_and_a_whole_one_served() {
    for memory in [Memory::None, Memory::Short] {
        let mut session = Session::new(policy());
        session.host.memory = memory;
        let Seen::Refuse(refusal) = session.receive(&echo()[..49]) else { panic!("not refused") };
        assert_eq!(refusal.status(), Status::MEMORY_ALLOC);

        let mut session = Session::new(policy());
        session.host.memory = memory;
        assert!(matches!(session.receive(&echo()), Seen::Process(..)));
    }
}

#[test]
fn a_buffer_is_given_back_when_its_request_is_cut_short() {
    for end in [Input::Ended, Input::Failed, Input::Abort, Input::Expired] {
        let mut session = Session::new(policy());
        session.receive(&echo()[..40]);
        assert_eq!(session.host.held, 1);
        session.pass(2_000_000).give(end);
        assert_eq!(session.host.asked.last(), Some(&Asked::Put));
    }
}
