//! However the octets are cut into pieces, the peer sees the same.

use proptest::collection::vec;
use proptest::prelude::*;
use raida_conn::{CloseReason, Policy};
use raida_wire::{Command, Status};

use crate::requests::{bodyless, echo, one_of_each, policy, stream};
use crate::session::{Input, Seen, Session};

/// Plays a whole connection with the stream in these pieces, the peer ending behind it. Answers have 100 octets; they
/// are written at once. Gives every step but `Receive`.
fn play<'p>(policy: &Policy, pieces: impl IntoIterator<Item = &'p [u8]>) -> Vec<Seen> {
    play_in(Session::new(policy.clone()), pieces)
}

fn play_in<'p>(mut session: Session, pieces: impl IntoIterator<Item = &'p [u8]>) -> Vec<Seen> {
    let mut pieces = pieces.into_iter().filter(|piece| !piece.is_empty());
    let (mut seen, mut steps) = (Seen::Receive, Vec::new());
    loop {
        seen = match seen {
            Seen::Receive | Seen::Linger => match pieces.next() {
                Some(piece) => session.receive(piece),
                None => session.give(Input::Ended),
            },
            Seen::Process(..) | Seen::Refuse(_) => session.give(Input::Responded(100)),
            Seen::Send(range) => session.give(Input::Sent(range.len())),
            Seen::Close(_) => return steps,
            Seen::Wait => panic!("nothing is in flight"),
        };
        if seen != Seen::Receive {
            steps.push(seen.clone());
        }
    }
}

/// Cuts a stream at these places, in any order.
fn cut<'s>(stream: &'s [u8], cuts: &[prop::sample::Index]) -> Vec<&'s [u8]> {
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
    places.extend([0, stream.len()]);
    places.sort_unstable();
    places.windows(2).map(|ends| &stream[ends[0]..ends[1]]).collect()
}

/// Requests that are whole, and requests that are refused by their header.
fn single_requests() -> Vec<Vec<u8>> {
    let mut requests: Vec<Vec<u8>> = one_of_each(Command::ECHO, 16).into();
    requests.push(bodyless(Command::VERSION));
    requests.push(bodyless(Command::new(1, 10)));
    for (at, value) in [(0, 9), (2, 3), (16, 3), (16, 255), (22, 0xFF)] {
        let mut refused = echo();
        refused.resize(60, 0);
        refused[at] = value;
        requests.push(refused);
    }
    requests
}

#[test]
fn a_request_split_anywhere_is_served_alike() {
    for request in single_requests() {
        let whole = play(&policy(), [&request[..]]);
        assert_eq!(whole.last(), Some(&Seen::Close(CloseReason::Served)));
        for place in 0..=request.len() {
            let (front, back) = request.split_at(place);
            assert_eq!(play(&policy(), [front, back]), whole, "split at {place}");
        }
    }
}

#[test]
fn a_request_octet_by_octet_is_served_alike() {
    for request in single_requests() {
        assert_eq!(play(&policy(), request.chunks(1)), play(&policy(), [&request[..]]));
    }
}

#[test]
fn every_type_is_handed_on_octet_for_octet() {
    for request in one_of_each(Command::ECHO, 300) {
        for place in 0..=request.len() {
            let (front, back) = request.split_at(place);
            let steps = play(&policy(), [front, back]);
            let Some(Seen::Process(head, octets)) = steps.first() else { panic!("{steps:?}") };
            assert_eq!((octets, head.request_len()), (&request, request.len()));
        }
    }
}

#[test]
fn a_header_is_refused_with_its_last_octet_and_not_before() {
    for (code, len) in [(0, 32), (2, 32), (3, 48), (7, 48), (255, 48)] {
        let mut header = echo();
        header.resize(48, 0);
        (header[0], header[16]) = (9, code);
        let mut session = Session::new(policy());
        for octet in &header[..len - 1] {
            assert_eq!(session.receive(&[*octet]), Seen::Receive);
        }
        let Seen::Refuse(refusal) = session.receive(&header[len - 1..len]) else {
            panic!("type {code} was not refused")
        };
        assert_eq!(refusal.status(), Status::INVALID_ROUTING);
    }
}

#[test]
fn a_body_that_will_not_do_is_refused_before_it_comes() {
    let with_len = |len: u16| {
        let mut header = echo();
        header.truncate(32);
        header[22..24].copy_from_slice(&len.to_be_bytes());
        header
    };
    let refused = |header: &[u8]| {
        let seen = Session::new(policy()).receive(header);
        if let Seen::Refuse(refusal) = seen { Some(refusal.status()) } else { None }
    };
    assert_eq!(refused(&with_len(1)), Some(Status::INVALID_PACKET_LENGTH));
    assert_eq!(refused(&with_len(3000)), None);
    assert_eq!(refused(&with_len(3001)), Some(Status::INVALID_PACKET_LENGTH));
    assert_eq!(refused(&bodyless(Command::new(1, 10))), Some(Status::EMPTY_REQUEST));
    let mut unknown_key = with_len(3001);
    (unknown_key[16], unknown_key[30]) = (1, 0xFF);
    assert_eq!(refused(&unknown_key), Some(Status::INVALID_ENCRYPTION), "the key is looked up first");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_stream_of_requests_split_anywhere_is_served_alike(
        stream in stream(),
        cuts in vec(any::<prop::sample::Index>(), 0..20),
    ) {
        let policy = Policy { requests_max: 1000, linger_octets: usize::MAX, ..policy() };
        prop_assert_eq!(play(&policy, cut(&stream, &cuts)), play(&policy, [&stream[..]]));
    }

    #[test]
    fn answers_that_leave_together_are_those_that_would_leave_alone(
        stream in stream(),
        cuts in vec(any::<prop::sample::Index>(), 0..20),
        defers in any::<bool>(),
    ) {
        let policy = Policy { requests_max: 1000, linger_octets: usize::MAX, ..policy() };
        let mut joining = Session::new(policy.clone());
        (joining.host.joins, joining.defers) = (true, defers);
        let (mut sent, mut alone_sent) = (0, 0);
        let without_sends = |steps: Vec<Seen>, octets: &mut usize| -> Vec<Seen> {
            steps.into_iter().filter(|step| match step {
                Seen::Send(range) => { *octets += range.len(); false }
                Seen::Receive | Seen::Process(..) | Seen::Refuse(_) | Seen::Linger | Seen::Close(_) | Seen::Wait => true,
            }).collect()
        };
        let pieces = cut(&stream, &cuts);
        let together = without_sends(play_in(joining, pieces.iter().copied()), &mut sent);
        let alone = without_sends(play(&policy, pieces), &mut alone_sent);
        prop_assert_eq!((together, sent), (alone, alone_sent));
    }

    #[test]
    fn one_request_is_served_alike_whatever_comes_behind_it(
        stream in stream(),
        cuts in vec(any::<prop::sample::Index>(), 0..20),
    ) {
        // Whether there is a farewell depends on what had come when the request was whole, and on nothing else.
        let policy = Policy { linger_octets: usize::MAX, ..policy() };
        let without_farewell = |steps: Vec<Seen>| -> Vec<Seen> {
            steps.into_iter().filter(|step| *step != Seen::Linger).collect()
        };
        let split = play(&policy, cut(&stream, &cuts));
        let whole = play(&policy, [&stream[..]]);
        prop_assert_eq!(without_farewell(split), without_farewell(whole));
    }
}
