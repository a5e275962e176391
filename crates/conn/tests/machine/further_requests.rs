//! More than one request on a connection, where the policy allows it.

use raida_conn::{CloseReason, JOINED_MAX, PIPELINE_MAX, Policy};
use raida_wire::{Command, Status};

use crate::host::Memory;
use crate::requests::{echo, one_of_each, policy};
use crate::session::{Input, Seen, Session};

/// A connection that may carry so many requests.
fn lasting(requests_max: u32) -> Session {
    Session::new(Policy { requests_max, ..policy() })
}

fn answer(session: &mut Session) -> Seen {
    assert_eq!(session.give(Input::Responded(32)), Seen::Send(0..32));
    session.give(Input::Sent(32))
}

fn request_in(seen: Seen) -> Vec<u8> {
    let Seen::Process(_, octets) = seen else { panic!("{seen:?} is no request") };
    octets
}

#[test]
fn requests_are_served_one_after_the_other() {
    let mut session = lasting(3);
    for _ in 0..2 {
        assert_eq!(request_in(session.receive(&echo())), echo());
        assert_eq!(answer(&mut session), Seen::Receive);
    }
    request_in(session.receive(&echo()));
    assert_eq!(answer(&mut session), Seen::Close(CloseReason::Served));
}

#[test]
fn requests_in_one_segment_are_served_in_their_order_one_at_a_time() {
    let requests = one_of_each(Command::ECHO, 40);
    let mut session = lasting(9);
    let mut seen = session.receive(&requests.concat());
    for request in &requests {
        assert_eq!(request_in(seen), *request);
        seen = answer(&mut session);
    }
    assert_eq!(seen, Seen::Receive);
    assert_eq!(session.give(Input::Ended), Seen::Close(CloseReason::Served));
}

#[test]
fn a_request_that_came_half_is_served_when_its_rest_comes() {
    for half in 1..50 {
        let mut session = lasting(9);
        session.receive(&[&echo(), &echo()[..half]].concat());
        assert_eq!(answer(&mut session), Seen::Receive);
        assert_eq!(request_in(session.receive(&echo()[half..])), echo());
    }
}

#[test]
fn no_more_requests_are_served_than_allowed() {
    for allowed in [1, 2, 3] {
        let mut session = lasting(allowed);
        let mut seen = session.receive(&echo().repeat(5));
        for _ in 0..allowed {
            request_in(seen);
            seen = answer(&mut session);
        }
        assert_eq!(seen, Seen::Linger, "what is left over must not destroy the last answer");
    }
}

#[test]
fn no_more_answers_leave_together_than_requests_are_allowed() {
    let mut session = lasting(3);
    session.host.joins = true;
    request_in(session.receive(&echo().repeat(5)));
    request_in(session.give(Input::Responded(32)));
    request_in(session.give(Input::Responded(32)));
    assert_eq!(session.give(Input::Responded(32)), Seen::Send(0..96));
    assert_eq!(session.give(Input::Sent(96)), Seen::Linger, "what is left over must not destroy the last answers");
}

#[test]
fn a_policy_of_no_request_means_one() {
    let mut session = lasting(0);
    request_in(session.receive(&echo()));
    assert_eq!(answer(&mut session), Seen::Close(CloseReason::Served));
}

#[test]
fn a_refused_header_ends_the_connection() {
    let mut session = lasting(9);
    let mut astray = echo();
    astray[2] = 3;
    session.receive(&[echo(), astray, echo()].concat());
    let Seen::Refuse(refusal) = answer(&mut session) else { panic!("the second request was not refused") };
    assert_eq!(refusal.status(), Status::INVALID_RAIDA_ID);
    assert_eq!(answer(&mut session), Seen::Linger);
}

#[test]
fn what_a_peer_sent_before_its_end_is_served() {
    let mut session = lasting(9);
    session.receive(&[echo(), echo()].concat());
    session.give(Input::Ended);
    request_in(answer(&mut session));
    assert_eq!(answer(&mut session), Seen::Close(CloseReason::Served));

    let mut cut = lasting(9);
    cut.receive(&[&echo(), &echo()[..20]].concat());
    cut.give(Input::Ended);
    assert_eq!(answer(&mut cut), Seen::Close(CloseReason::CutRequest));
}

#[test]
fn what_the_system_still_holds_is_left_to_the_next_request() {
    let mut session = lasting(9);
    session.receive(&echo());
    session.give(Input::LeftUnread);
    assert_eq!(answer(&mut session), Seen::Receive);
}

#[test]
fn octets_kept_behind_a_request_are_bounded() {
    let seen_with = |behind: usize| {
        let mut policy = Policy { requests_max: 9, ..policy() };
        policy.rules.body_max = u16::MAX;
        let mut longest = echo();
        longest[22..24].copy_from_slice(&u16::MAX.to_be_bytes());
        longest.resize(behind, 0);
        let mut session = Session::new(policy);
        session.receive(&[echo(), longest].concat());
        answer(&mut session)
    };
    assert_eq!(request_in(seen_with(PIPELINE_MAX)).len(), 32 + 65_535);
    assert_eq!(seen_with(PIPELINE_MAX + 1), Seen::Linger);
}

#[test]
fn without_memory_for_further_requests_the_connection_closes_with_a_farewell() {
    for memory in [Memory::None, Memory::Short] {
        let mut session = lasting(9);
        session.host.memory = memory;
        request_in(session.receive(&[echo(), echo()].concat()));
        assert_eq!(answer(&mut session), Seen::Linger);
    }
}

#[test]
fn a_node_that_stops_leaves_the_pause_at_once_and_finishes_what_is_on_its_way() {
    let mut idle = lasting(9);
    idle.receive(&echo());
    assert_eq!(answer(&mut idle), Seen::Receive);
    assert_eq!(idle.give(Input::Stop), Seen::Close(CloseReason::Stopped));

    let mut begun = lasting(9);
    begun.receive(&echo()[..1]);
    assert_eq!(begun.give(Input::Stop), Seen::Wait);
    request_in(begun.receive(&[&echo()[1..], &echo()].concat()));
    assert_eq!(answer(&mut begun), Seen::Linger);

    // The peer may be sending more right now: a close would destroy its answer.
    let mut alone = lasting(9);
    alone.receive(&echo());
    assert_eq!(alone.give(Input::Stop), Seen::Wait);
    assert_eq!(answer(&mut alone), Seen::Linger);
    let mut last = lasting(1);
    last.receive(&echo());
    assert_eq!(last.give(Input::Stop), Seen::Wait);
    assert_eq!(answer(&mut last), Seen::Close(CloseReason::Served));

    let mut busy = lasting(9);
    busy.receive(&[echo(), echo()].concat());
    assert_eq!(busy.give(Input::Stop), Seen::Wait);
    assert_eq!(answer(&mut busy), Seen::Linger);
}

/// A connection whose answers may leave together.
fn joining() -> Session {
    let mut session = lasting(1000);
    session.host.joins = true;
    session
}

#[test]
fn answers_to_requests_that_are_here_leave_together() {
    let requests = one_of_each(Command::ECHO, 40);
    let mut session = joining();
    let mut seen = session.receive(&requests.concat());
    for (answered, request) in (1..).zip(&requests) {
        assert_eq!(request_in(seen), *request);
        seen = session.give(Input::Responded(32));
        if answered == requests.len() {
            assert_eq!(seen, Seen::Send(0..32 * answered));
        }
    }
    assert_eq!(session.give(Input::Sent(40)), Seen::Send(40..32 * requests.len()));
    assert_eq!(session.give(Input::Sent(32 * requests.len() - 40)), Seen::Receive);
}

#[test]
fn an_answer_waits_for_no_request_that_is_only_half_here() {
    for half in 1..50 {
        let mut session = joining();
        session.receive(&[&echo(), &echo(), &echo()[..half]].concat());
        request_in(session.give(Input::Responded(32)));
        assert_eq!(session.give(Input::Responded(32)), Seen::Send(0..64));
        assert_eq!(session.give(Input::Sent(64)), Seen::Receive);
        assert_eq!(request_in(session.receive(&echo()[half..])), echo());
    }
}

#[test]
fn answers_wait_for_each_other_up_to_a_bound() {
    let mut session = joining();
    let mut seen = session.receive(&echo().repeat(100));
    let mut ready = 0;
    while let Seen::Process(..) = seen {
        ready += 32;
        seen = session.give(Input::Responded(32));
    }
    assert_eq!((seen, ready), (Seen::Send(0..ready), JOINED_MAX));
    request_in(session.give(Input::Sent(ready)));
}

#[test]
fn a_refused_header_behind_answers_leaves_with_them_and_ends_the_connection() {
    let mut session = joining();
    let mut astray = echo();
    astray[2] = 3;
    session.receive(&[echo(), echo(), astray].concat());
    request_in(session.give(Input::Responded(32)));
    assert_eq!(session.give(Input::Responded(32)), Seen::Send(0..64), "it is no request that joins");
    assert!(matches!(session.give(Input::Sent(64)), Seen::Refuse(_)));
}

#[test]
fn answers_that_wait_for_another_survive_a_stop_and_not_the_peer() {
    let mut stopped = joining();
    stopped.receive(&echo().repeat(3));
    request_in(stopped.give(Input::Responded(32)));
    assert_eq!(stopped.give(Input::Stop), Seen::Wait);
    assert_eq!(stopped.give(Input::Responded(32)), Seen::Send(0..64));
    assert_eq!(stopped.give(Input::Sent(64)), Seen::Linger);

    let mut left = joining();
    left.receive(&echo().repeat(3));
    request_in(left.give(Input::Responded(32)));
    assert_eq!(left.give(Input::Failed), Seen::Wait);
    assert_eq!(left.give(Input::Responded(32)), Seen::Close(CloseReason::PeerGone));
}

#[test]
fn a_request_without_an_answer_holds_up_those_before_it_no_longer() {
    let mut session = joining();
    session.receive(&echo().repeat(2));
    request_in(session.give(Input::Responded(32)));
    assert_eq!(session.give(Input::Responded(0)), Seen::Send(0..32));
}
