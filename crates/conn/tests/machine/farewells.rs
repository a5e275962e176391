//! How a connection ends, and that the peer can still read its answer.

use raida_conn::{CloseReason, Phase, Policy};

use crate::requests::{echo, policy};
use crate::session::{Input, Seen, Session};

/// Answers with 32 octets, all of which go out.
fn answer(session: &mut Session) -> Seen {
    assert_eq!(session.give(Input::Responded(32)), Seen::Send(0..32));
    session.give(Input::Sent(32))
}

/// A connection in its farewell after a refusal.
fn lingering(policy: Policy) -> Session {
    let mut session = Session::new(policy);
    assert!(matches!(session.receive(&[9; 48]), Seen::Refuse(_)));
    assert_eq!(answer(&mut session), Seen::Linger);
    session
}

fn closed(reason: CloseReason) -> Seen {
    Seen::Close(reason)
}

#[test]
fn a_whole_request_and_nothing_else_ends_in_a_plain_close() {
    let mut session = Session::new(policy());
    session.receive(&echo());
    assert_eq!(answer(&mut session), closed(CloseReason::Served));
}

#[test]
fn octets_behind_the_request_are_no_second_request_but_make_a_farewell() {
    for behind in [&[0; 16][..], &echo()] {
        let mut session = Session::new(policy());
        session.receive(&[&echo(), behind].concat());
        assert_eq!(answer(&mut session), Seen::Linger);
        assert_eq!(session.give(Input::Ended), closed(CloseReason::Served));
    }
}

#[test]
fn octets_behind_a_request_in_pieces_make_a_farewell_too() {
    let mut session = Session::new(policy());
    session.receive(&echo()[..40]);
    assert!(matches!(session.receive(&[&echo()[40..], &[0]].concat()), Seen::Process(..)));
    assert_eq!(answer(&mut session), Seen::Linger);
}

#[test]
fn a_farewell_ends_with_the_peer_s_own_end() {
    let mut session = lingering(policy());
    assert_eq!(session.receive(&[0; 1000]), Seen::Receive);
    assert_eq!(session.give(Input::Ended), closed(CloseReason::Served));
}

#[test]
fn a_farewell_ends_when_64_kib_are_discarded() {
    let mut session = lingering(policy());
    assert_eq!(session.receive(&[0; 65_535]), Seen::Receive);
    assert_eq!(session.receive(&[0]), closed(CloseReason::LingerOctets { limit: 65_536 }));
}

#[test]
fn a_refusal_is_written_out_before_the_farewell() {
    let mut session = Session::new(policy());
    session.receive(&[9; 48]);
    assert_eq!(session.give(Input::Responded(48)), Seen::Send(0..48));
    for sent in 1..48 {
        assert_eq!(session.give(Input::Sent(1)), Seen::Send(sent..48));
    }
    assert_eq!(session.give(Input::Sent(1)), Seen::Linger);
}

#[test]
fn a_peer_that_shut_down_its_side_still_gets_its_answer_and_needs_no_farewell() {
    let mut session = Session::new(policy());
    session.receive(&[&echo()[..], &[0; 16]].concat());
    assert_eq!(session.give(Input::Ended), Seen::Wait);
    assert_eq!(answer(&mut session), closed(CloseReason::Served));
}

#[test]
fn a_peer_that_ends_before_or_within_a_request_gets_no_answer() {
    for (received, reason) in
        [(0, CloseReason::PeerClosed), (1, CloseReason::CutRequest), (49, CloseReason::CutRequest)]
    {
        let mut session = Session::new(policy());
        session.receive(&echo()[..received]);
        assert_eq!(session.give(Input::Ended), closed(reason));
    }
}

#[test]
fn a_peer_that_resets_while_an_answer_is_made_is_closed_when_the_answer_comes() {
    let mut session = Session::new(policy());
    session.receive(&echo());
    assert_eq!(session.give(Input::Failed), Seen::Wait);
    assert_eq!(session.phase(), Phase::Processing);
    assert_eq!(session.give(Input::Responded(32)), closed(CloseReason::PeerGone));
}

#[test]
fn a_peer_that_resets_at_any_other_time_is_closed_at_once() {
    let mut reading = Session::new(policy());
    assert_eq!(reading.give(Input::Failed), closed(CloseReason::PeerGone));
    let mut half_read = Session::new(policy());
    half_read.receive(&echo()[..40]);
    assert_eq!(half_read.give(Input::Failed), closed(CloseReason::PeerGone));
    let mut writing = Session::new(policy());
    writing.receive(&echo());
    writing.give(Input::Responded(32));
    assert_eq!(writing.give(Input::Failed), closed(CloseReason::PeerGone));
    assert_eq!(lingering(policy()).give(Input::Failed), closed(CloseReason::PeerGone));
}

#[test]
fn octets_that_nobody_asked_for_make_a_farewell() {
    let mut session = Session::new(policy());
    session.receive(&echo());
    assert_eq!(session.receive(&[1]), Seen::Wait);
    assert_eq!(answer(&mut session), Seen::Linger);
}

#[test]
fn octets_that_the_system_may_still_hold_make_a_farewell() {
    let mut session = Session::new(policy());
    session.receive(&echo());
    session.give(Input::LeftUnread);
    assert_eq!(answer(&mut session), Seen::Linger);
}

#[test]
fn octets_that_were_read_after_all_make_none() {
    let mut session = Session::new(policy());
    session.receive(&echo()[..20]);
    session.give(Input::LeftUnread);
    session.receive(&echo()[20..]);
    assert_eq!(answer(&mut session), closed(CloseReason::Served));
}

#[test]
fn without_an_answer_a_connection_ends_as_if_it_were_written() {
    let mut session = Session::new(policy());
    session.receive(&echo());
    assert_eq!(session.give(Input::Responded(0)), closed(CloseReason::Served));
}

#[test]
fn a_node_that_stops_serves_what_has_begun_and_aborts_at_any_time() {
    let mut session = Session::new(policy());
    assert_eq!(session.give(Input::Stop), Seen::Wait);
    session.receive(&echo());
    assert_eq!(session.give(Input::Stop), Seen::Wait);
    assert_eq!(answer(&mut session), closed(CloseReason::Served));
    assert_eq!(lingering(policy()).give(Input::Abort), closed(CloseReason::Stopped));
}

#[test]
fn nothing_follows_a_close() {
    let mut session = Session::new(policy());
    session.give(Input::Failed);
    for input in [
        Input::Received(echo()),
        Input::Received(Vec::new()),
        Input::LeftUnread,
        Input::Ended,
        Input::Failed,
        Input::Responded(9),
        Input::Sent(9),
        Input::Expired,
        Input::Stop,
        Input::Abort,
    ] {
        assert_eq!(session.give(input), Seen::Wait);
    }
}
