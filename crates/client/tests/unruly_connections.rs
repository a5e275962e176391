//! Nodes that misbehave on a connection: what is said about them, and that nobody waits for ever.

#![expect(clippy::unwrap_used, reason = "a test whose stage cannot be set fails")]

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use raida_client::testing::{self, ClosedPort, FakeNode, Honest, Listener, VERSION};
use raida_client::wire::{Command, ResponseError, Status};
use raida_client::{Envelope, Options, Question, Stage, Target, Transport, Trouble, ask, echo, version};

/// Far more than any of these tests takes, far less than for ever.
const GENEROUS: Duration = Duration::from_secs(60);

fn quick(retries: u32) -> Options {
    Options { timeout: Duration::from_millis(150), retries, ..Options::default() }
}

fn patient() -> Options {
    Options { timeout: Duration::from_secs(20), retries: 0, ..Options::default() }
}

/// A node that answers honestly, except that `spoil` gets its hands on the octets.
fn spoilt(spoil: impl Fn(&mut Vec<u8>) + Send + 'static) -> Listener {
    let node = Honest::new(14);
    Listener::tcp(move |mut stream| {
        let mut answer = testing::read_request(&node, &mut stream).unwrap();
        spoil(&mut answer);
        // Fails when the client has read enough.
        drop(stream.write_all(&answer));
    })
    .unwrap()
}

#[test]
fn answer_that_is_not_the_nodes_to_this_question_is_rejected_with_the_reason() {
    type Case = (fn(&mut Vec<u8>), ResponseError);
    let cases: [Case; 5] = [
        (|octets| octets[0] = 3, ResponseError::Raida { found: 3, expected: 14 }),
        (|octets| octets[7] ^= 1, ResponseError::Echo),
        (|octets| octets[31] ^= 1, ResponseError::Signature),
        (|octets| octets[41] = 0, ResponseError::Terminator),
        (|octets| octets[11] = 2, ResponseError::Length(2)),
    ];
    for (spoil, expected) in cases {
        let fake = spoilt(spoil);
        let error = version(&fake.target(14), &patient()).unwrap_err();
        assert!(matches!(error.trouble(), Trouble::Answer(found) if *found == expected), "{error}");
    }
}

#[test]
fn flipped_octet_under_type_4_is_an_hmac_that_does_not_check() {
    let coin = testing::key_coin(1, 5).unwrap();
    let node = Honest { coins: vec![coin.clone()], ..Honest::new(14) };
    let fake = Listener::tcp(move |mut stream| {
        let mut answer = testing::read_request(&node, &mut stream).unwrap();
        answer[48] ^= 1;
        stream.write_all(&answer).unwrap();
    })
    .unwrap();
    let target = Target { envelope: Envelope::Coin256(coin), ..fake.target(14) };
    let error = version(&target, &patient()).unwrap_err();
    assert!(matches!(error.trouble(), Trouble::Answer(ResponseError::Hmac)), "{error}");
}

#[test]
fn node_asked_by_another_ones_id_is_named() {
    let fake = spoilt(|_| {});
    let error = echo(&fake.target(3), &patient()).unwrap_err();
    let expected = ResponseError::Raida { found: 14, expected: 3 };
    assert!(matches!(error.trouble(), Trouble::Answer(found) if *found == expected), "{error}");
    assert!(error.to_string().contains("by its own RAIDA id"), "{error}");
}

#[test]
fn answer_cut_anywhere_is_told_with_what_arrived() {
    for len in 0..42 {
        let fake = spoilt(move |octets| octets.truncate(len));
        let error = version(&fake.target(14), &patient()).unwrap_err();
        assert!(
            matches!(error.trouble(), Trouble::Cut { received, needed } if *received == len && *needed > len),
            "{error}"
        );
    }
}

#[test]
fn octets_that_trickle_in_one_by_one_are_an_answer() {
    let node = Honest::new(14);
    let fake = Listener::tcp(move |mut stream| {
        stream.set_nodelay(true).unwrap();
        for octet in testing::read_request(&node, &mut stream).unwrap() {
            stream.write_all(&[octet]).unwrap();
        }
    })
    .unwrap();
    assert_eq!(version(&fake.target(14), &patient()).unwrap().value, *VERSION);
}

#[test]
fn silent_node_is_given_up_after_all_attempts() {
    let mut held = Vec::new();
    let fake = Listener::tcp(move |stream| held.push(stream)).unwrap();
    let error = echo(&fake.target(14), &quick(2)).unwrap_err();
    assert!(matches!(error.trouble(), Trouble::Timeout { stage: Stage::Answer, strays: 0 }), "{error}");
    assert_eq!(error.attempts(), 3);
    assert!(error.waited() >= Duration::from_millis(150 + 300) && error.waited() < GENEROUS, "{error}");
}

#[test]
fn node_that_is_silent_once_is_asked_again() {
    let (node, mut held) = (Honest::new(14), Vec::new());
    let fake = Listener::tcp(move |stream| {
        if held.is_empty() {
            held.push(stream);
        } else {
            testing::serve(&node, stream).unwrap();
        }
    })
    .unwrap();
    let options = Options { timeout: Duration::from_millis(300), retries: 6, ..Options::default() };
    let trip = echo(&fake.target(14), &options).unwrap().trip;
    assert!(trip.attempts >= 2 && trip.latency >= Duration::from_millis(300), "{trip:?}");
}

#[test]
fn what_a_second_run_would_change_is_sent_once() {
    let count = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&count);
    let fake = Listener::tcp(move |mut stream| {
        counted.fetch_add(1, Ordering::SeqCst);
        stream.read_exact(&mut [0; 50]).unwrap(); // and closes without an answer
    })
    .unwrap();
    let pown = Question::raw(Command::POWN, vec![0; 37]);
    let error = ask(&fake.target(14), &pown, &Options { retries: 5, ..patient() }).unwrap_err();
    assert_eq!((error.attempts(), count.load(Ordering::SeqCst)), (1, 1), "{error}");

    let error = ask(&fake.target(14), &pown.repeatable(), &Options { retries: 5, ..patient() }).unwrap_err();
    assert_eq!((error.attempts(), count.load(Ordering::SeqCst)), (6, 7), "{error}");
}

#[test]
fn peer_that_sends_for_ever_is_read_up_to_the_answers_end() {
    let node = Honest::new(14);
    let fake = Listener::tcp(move |mut stream| {
        let answer = testing::read_request(&node, &mut stream).unwrap();
        stream.write_all(&answer).unwrap();
        while stream.write_all(&[0xEE; 4096]).is_ok() {}
    })
    .unwrap();
    assert_eq!(version(&fake.target(14), &patient()).unwrap().value, *VERSION);
}

#[test]
fn largest_body_that_can_be_announced_is_the_most_that_is_read() {
    let fake = spoilt(|octets| {
        octets.truncate(32);
        octets[9..12].fill(0xFF);
        octets.resize(32 + 0x00FF_FFFF + 4096, 0xEE);
    });
    let error = version(&fake.target(14), &patient()).unwrap_err();
    assert!(matches!(error.trouble(), Trouble::Answer(ResponseError::Terminator)), "{error}");
}

#[test]
fn peer_that_always_has_one_octet_more_is_given_up_at_the_deadline() {
    let fake = Listener::tcp(|mut stream| {
        stream.read_exact(&mut [0; 50]).unwrap();
        let mut answer = [0; 32];
        answer[9] = 0xFF;
        let mut is_open = stream.write_all(&answer).is_ok();
        while is_open {
            std::thread::sleep(Duration::from_millis(5)); // the trickle itself
            is_open = stream.write_all(&[0]).is_ok();
        }
    })
    .unwrap();
    let error = echo(&fake.target(0), &quick(1)).unwrap_err();
    assert!(matches!(error.trouble(), Trouble::Timeout { stage: Stage::Answer, .. }), "{error}");
    assert!(error.attempts() == 2 && error.waited() < GENEROUS, "{error}");
}

#[test]
fn refusal_is_read_although_the_node_never_took_the_whole_request() {
    let node = Honest::new(14);
    let fake = Listener::tcp(move |mut stream| {
        let mut header = [0; 32];
        stream.read_exact(&mut header).unwrap();
        stream.write_all(&node.answer(&header).unwrap()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        while stream.read(&mut [0; 65_536]).is_ok_and(|read| read > 0) {}
    })
    .unwrap();
    let target = Target { coin_id: 9, ..fake.target(14) };
    let reply = ask(&target, &Question::raw(Command::POWN, vec![0; 65_000]), &patient()).unwrap();
    assert_eq!((reply.status, reply.is_verified), (Status::INVALID_COIN_ID, false));
}

#[test]
fn short_refusal_of_a_long_request_needs_no_close() {
    let (node, mut held) = (Honest::new(14), Vec::<TcpStream>::new());
    let fake = Listener::tcp(move |mut stream| {
        let answer = testing::read_request(&node, &mut stream).unwrap();
        assert_eq!(answer.len(), 32);
        stream.write_all(&answer).unwrap();
        held.push(stream);
    })
    .unwrap();
    let envelope = Envelope::Coin256(testing::key_coin(0, 1).unwrap());
    let error = echo(&Target { coin_id: 9, envelope, ..fake.target(14) }, &patient()).unwrap_err();
    assert!(matches!(error.trouble(), Trouble::Refused(Status::INVALID_COIN_ID)), "{error}");
}

#[test]
fn closed_port_is_told_at_once_and_not_tried_again() {
    let closed = ClosedPort::tcp().unwrap();
    let address = closed.address();
    let error = echo(&Target::new(address.into()), &patient()).unwrap_err();
    assert!(matches!(error.trouble(), Trouble::Connect(_)), "{error}");
    assert_eq!((error.attempts(), error.address().port()), (1, address.port()));
    assert!(error.to_string().starts_with(&format!("{address} (RAIDA 0): not reachable")), "{error}");
}

#[test]
fn name_without_address_is_told_as_such() {
    let nowhere = Target::new("no-such-node.invalid:50000".parse().unwrap());
    let error = echo(&nowhere, &Options { timeout: Duration::from_secs(5), ..quick(0) }).unwrap_err();
    // A name server that does not answer shows as a time-out.
    assert!(matches!(error.trouble(), Trouble::Resolve(_) | Trouble::Timeout { stage: Stage::Resolve, .. }), "{error}");
    assert_eq!(error.attempts(), 0);
}

#[test]
fn name_with_several_addresses_is_asked_at_the_one_that_answers() {
    let fake = FakeNode::start(&Honest::new(14)).unwrap();
    let address = format!("localhost:{}", fake.address().port()).parse().unwrap();
    let target = Target { raida_id: 14, ..Target::new(address) };
    for transport in [Transport::Tcp, Transport::Udp] {
        assert_eq!(version(&target, &Options { transport, ..patient() }).unwrap().value, *VERSION);
    }
}

/// One attempt would have 100 ms; what is sent only once has the time of all, for an answer that is given up is a change
/// of which nobody knows.
#[test]
fn question_that_is_sent_once_is_waited_for_as_long_as_all_attempts_may_take() {
    let node = Honest::new(14);
    let asked = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&asked);
    let fake = Listener::tcp(move |mut stream| {
        count.fetch_add(1, Ordering::SeqCst);
        let answer = testing::read_request(&node, &mut stream).unwrap();
        std::thread::sleep(Duration::from_millis(400));
        drop(stream.write_all(&answer));
    })
    .unwrap();
    let options = Options { timeout: Duration::from_millis(100), retries: 8, ..Options::default() };
    let pown = Question::raw(Command::POWN, vec![0; 37]);
    assert_eq!(ask(&fake.target(14), &pown, &options).unwrap().status, Status::NOT_IMPLEMENTED);
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[test]
fn error_tells_whether_the_question_may_have_arrived() {
    let pown = Question::raw(Command::POWN, vec![0; 37]);
    let closed = ClosedPort::tcp().unwrap();
    let error = ask(&Target::new(closed.address().into()), &pown, &quick(0)).unwrap_err();
    assert!(!error.may_have_arrived(), "{error}");
    let node = Honest::new(14);
    let mute = Listener::tcp(move |mut stream| drop(testing::read_request(&node, &mut stream))).unwrap();
    let error = ask(&mute.target(14), &pown, &quick(0)).unwrap_err();
    assert!(error.may_have_arrived(), "{error}");
    let fake = FakeNode::start(&Honest::new(14)).unwrap();
    let refused = raida_client::pown(&fake.target(14), &[], &patient()).unwrap_err();
    assert!(!refused.may_have_arrived(), "{refused}");
}
