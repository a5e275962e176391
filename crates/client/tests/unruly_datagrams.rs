//! Nodes, and others, that misbehave in datagrams: only the right one counts, and nobody waits for ever.

#![expect(clippy::unwrap_used, reason = "a test whose stage cannot be set fails")]

use std::net::UdpSocket;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use raida_client::testing::{ClosedPort, Honest, Listener, ROOTS, VERSION};
use raida_client::wire::{Command, ResponseError};
use raida_client::{Options, Question, Stage, Target, Transport, Trouble, ask, echo, version, vote};

/// Far more than any of these tests takes, far less than for ever.
const GENEROUS: Duration = Duration::from_secs(60);

fn quick(retries: u32) -> Options {
    Options { transport: Transport::Udp, timeout: Duration::from_millis(150), retries }
}

fn patient() -> Options {
    Options { timeout: Duration::from_secs(20), ..quick(0) }
}

/// For what must arrive, and is not what ends the wait.
fn unhurried(retries: u32) -> Options {
    Options { timeout: Duration::from_secs(1), ..quick(retries) }
}

/// A node that sends what `make` makes of every datagram and its honest answer.
fn node(mut make: impl FnMut(&[u8], Vec<u8>) -> Vec<Vec<u8>> + Send + 'static) -> Listener {
    let node = Honest::new(14);
    Listener::udp(move |socket, datagram, from| {
        for octets in make(datagram, node.answer_datagram(datagram).unwrap_or_default()) {
            drop(socket.send_to(&octets, from));
        }
    })
    .unwrap()
}

fn changed(octets: &[u8], at: usize) -> Vec<u8> {
    let mut octets = octets.to_vec();
    *octets.get_mut(at).unwrap() ^= 1;
    octets
}

#[test]
fn right_answer_is_found_behind_junk() {
    let fake = node(|question, answer| {
        vec![
            vec![],
            vec![14, 0, 250],
            vec![0; 32],
            vec![0xFF; 1400],
            question.to_vec(),
            changed(&answer, 0),
            changed(&answer, 6),
            changed(&answer, 20),
            changed(&answer, 41),
            answer[..41].to_vec(),
            answer,
        ]
    });
    assert_eq!(version(&fake.target(14), &patient()).unwrap().value, *VERSION);
}

#[test]
fn answers_to_something_else_are_counted_and_no_answer() {
    let fake = node(|_, answer| vec![changed(&answer, 6), answer[..31].to_vec()]);
    let error = echo(&fake.target(14), &unhurried(0)).unwrap_err();
    assert!(matches!(error.trouble(), Trouble::Timeout { stage: Stage::Answer, strays: 2 }), "{error}");
}

#[test]
fn wrong_signature_is_told_when_nothing_better_came() {
    let fake = node(|_, answer| vec![changed(&answer, 16), vec![0; 3]]);
    let error = echo(&fake.target(14), &unhurried(1)).unwrap_err();
    assert!(matches!(error.trouble(), Trouble::Answer(ResponseError::Signature)), "{error}");
    assert_eq!(error.attempts(), 2);
}

#[test]
fn node_asked_by_another_ones_id_is_named_at_once() {
    let fake = node(|_, answer| vec![answer]);
    let error = echo(&fake.target(3), &patient()).unwrap_err();
    let expected = ResponseError::Raida { found: 14, expected: 3 };
    assert!(matches!(error.trouble(), Trouble::Answer(found) if *found == expected), "{error}");
}

#[test]
fn silent_node_gets_the_same_datagram_again_and_is_given_up() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&seen);
    let fake = node(move |question, _| {
        kept.lock().unwrap().push(question.to_vec());
        vec![]
    });
    let error = echo(&fake.target(14), &quick(2)).unwrap_err();
    assert!(matches!(error.trouble(), Trouble::Timeout { stage: Stage::Answer, strays: 0 }), "{error}");
    assert_eq!(error.attempts(), 3);
    assert!(error.waited() >= Duration::from_millis(150 + 300) && error.waited() < GENEROUS, "{error}");
    drop(fake); // has read everything now
    let seen = seen.lock().unwrap();
    assert!(seen.len() == 3 && seen.iter().all(|datagram| *datagram == seen[0]), "{seen:?}");
}

#[test]
fn late_answer_to_the_first_datagram_counts_after_a_resend() {
    let mut first = None;
    let fake = node(move |_, answer| first.replace(answer).into_iter().collect());
    let trip = version(&fake.target(14), &quick(6)).unwrap().trip;
    assert!(trip.attempts >= 2 && trip.latency >= Duration::from_millis(150), "{trip:?}");
}

#[test]
fn what_a_second_run_would_change_is_sent_once() {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let fake = node(move |_, _| {
        counted.fetch_add(1, Ordering::SeqCst);
        vec![]
    });
    let error = ask(&fake.target(14), &Question::raw(Command::POWN, vec![0; 37]), &quick(2)).unwrap_err();
    drop(fake);
    assert_eq!((error.attempts(), count.load(Ordering::SeqCst)), (1, 1), "{error}");
}

#[test]
fn answer_from_another_address_is_not_even_looked_at() {
    let node = Honest::new(14);
    let elsewhere = UdpSocket::bind("127.0.0.1:0").unwrap();
    let fake = Listener::udp(move |_, datagram, from| {
        drop(elsewhere.send_to(&node.answer_datagram(datagram).unwrap(), from));
    })
    .unwrap();
    let error = echo(&fake.target(14), &unhurried(0)).unwrap_err();
    assert!(matches!(error.trouble(), Trouble::Timeout { strays: 0, .. }), "{error}");
}

#[test]
fn flood_of_junk_does_not_hold_the_question_open() {
    let is_over = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&is_over);
    let fake = Listener::udp(move |socket, _, from| {
        while !told.load(Ordering::SeqCst) {
            drop(socket.send_to(&[0xEE; 64], from));
        }
    })
    .unwrap();
    let error = echo(&fake.target(14), &unhurried(1)).unwrap_err();
    is_over.store(true, Ordering::SeqCst);
    assert!(matches!(error.trouble(), Trouble::Timeout { strays: 1.., .. }), "{error}");
}

#[test]
fn closed_port_is_told_at_once() {
    let closed = ClosedPort::udp().unwrap();
    let target = Target::new(closed.address().into());
    for error in [echo(&target, &patient()).unwrap_err(), vote(&target, &ROOTS, &patient()).unwrap_err()] {
        assert!(matches!(error.trouble(), Trouble::Connect(_)), "{error}");
    }
}

#[test]
fn vote_counts_only_with_its_nonce_its_length_and_a_vote() {
    let fake = node(|_, answer| {
        let mut no_vote = answer.clone();
        no_vote[0] = 2;
        vec![changed(&answer, 16), answer[..16].to_vec(), [&answer[..], &[0]].concat(), no_vote, answer]
    });
    assert!(vote(&fake.target(14), &ROOTS, &patient()).unwrap().value);
}

#[test]
fn vote_is_asked_again_too() {
    let mut is_first = true;
    let fake = node(move |_, answer| if std::mem::take(&mut is_first) { vec![] } else { vec![answer] });
    assert!(vote(&fake.target(14), &ROOTS, &quick(6)).unwrap().trip.attempts >= 2);
}

#[test]
fn question_larger_than_any_datagram_fails_without_waiting() {
    let fake = node(|_, answer| vec![answer]);
    let error = ask(&fake.target(14), &Question::raw(Command::ECHO, vec![0; 65_500]), &patient()).unwrap_err();
    assert!(matches!(error.trouble(), Trouble::Send(_)), "{error}");
}
