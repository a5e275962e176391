//! Tickets redeemed at other nodes.

use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use raida_node::{PeerError, Peers};
use raida_peers::{Address, Patience, Redeemer};
use raida_wire::{CoinId, Command, Status};

use crate::fake_peer::{Asked, Deed, FakePeer, Script, closed_port};

const OWN_ID: u8 = 24;

fn coin(number: u32) -> CoinId {
    CoinId::new(0, number).unwrap()
}

fn octets(coins: &[CoinId]) -> Vec<u8> {
    coins.iter().flat_map(|coin| coin.raw().0).collect()
}

/// Gives two coins for the ticket 1000 + its own id.
fn honest(raida_id: u8) -> impl Script {
    move |asked: &Asked<'_>| {
        assert_eq!(asked.command, Command::VALIDATE_TICKET);
        let ticket = 1000 + u32::from(raida_id);
        let expected = [&[OWN_ID], &ticket.to_be_bytes()[..]].concat();
        if asked.payload == expected {
            Deed::Answer(Status::SUCCESS, octets(&[coin(1), coin(2)]))
        } else {
            Deed::Answer(Status::NO_TICKET_FOUND, Vec::new())
        }
    }
}

fn claims(ids: impl IntoIterator<Item = u8>) -> Vec<(u8, u32)> {
    ids.into_iter().map(|id| (id, 1000 + u32::from(id))).collect()
}

fn redeemer(nodes: Vec<Address>, total: Duration) -> Redeemer {
    let patience = Patience::new(Duration::from_secs(2), total);
    Redeemer::new(OWN_ID, 6, nodes, patience, NonZeroUsize::MIN).unwrap()
}

/// What every node says, in the order of their ids.
fn validate(redeemer: &Redeemer, claims: &[(u8, u32)]) -> Vec<(u8, Result<Vec<CoinId>, PeerError>)> {
    let mut said = Vec::new();
    redeemer.validate(claims, &mut |raida_id, answer| {
        said.push((raida_id, answer));
        ControlFlow::Continue(())
    });
    said.sort_by_key(|(raida_id, _)| *raida_id);
    said
}

/// More than any answer on loopback takes.
const LONG: Duration = Duration::from_secs(30);
/// What a silent peer costs a test.
const SHORT: Duration = Duration::from_secs(2);

#[test]
fn honest_peers_give_the_coins_of_their_tickets() {
    let peers: Vec<_> = (0..24).map(|id| FakePeer::start(id, honest(id))).collect();
    let redeemer = redeemer(peers.iter().map(FakePeer::address).collect(), LONG);
    let results = validate(&redeemer, &claims(0..24));
    assert_eq!(results, (0..24).map(|id| (id, Ok(vec![coin(1), coin(2)]))).collect::<Vec<_>>());

    // 55 octets, and not one behind them.
    for (id, peer) in (0..24).zip(&peers) {
        let requests = peer.requests();
        let [request] = requests.as_slice() else { panic!("asked {} times", requests.len()) };
        assert_eq!((request.len(), &request[..8]), (55, &[1, 0, id, 0, 2, 0x32, 0, 6][..]));
        assert_eq!(request[16..32], [0, 0, 0, 0, 0, 0, 0, 23, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(request[48..], [OWN_ID, 0, 0, 0x03, 0xE8 + id, 0x3E, 0x3E]);
    }
}

#[test]
fn no_liar_and_no_idler_keeps_the_others_from_being_heard() {
    type Rogue = (fn(&Asked<'_>) -> Deed, PeerError);
    let rogues: [Rogue; 11] = [
        (|_| Deed::Silence, PeerError::Unreachable),
        (|_| Deed::Close, PeerError::Garbled),
        (|_| Deed::Drip(20_000), PeerError::Unreachable),
        (|_| Deed::Flood(0x00FF_FFFF), PeerError::Garbled),
        (|_| Deed::AnswerAs(3, octets(&[coin(1)])), PeerError::Garbled),
        (|_| Deed::Answer(Status::SUCCESS, vec![0; 7]), PeerError::Garbled),
        (|_| Deed::Answer(Status::SUCCESS, vec![0x7F; 20]), PeerError::Garbled),
        (|_| Deed::Answer(Status::SUCCESS, vec![0; 5 * 5000]), PeerError::Garbled),
        (|_| Deed::Raw(vec![0xFF; 4096]), PeerError::Garbled),
        (|_| Deed::Raw(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()), PeerError::Garbled),
        (|_| Deed::Answer(Status::NO_TICKET_FOUND, Vec::new()), PeerError::Refused(Status::NO_TICKET_FOUND)),
    ];
    let mut peers: Vec<_> = (0..).zip(&rogues).map(|(id, (rogue, _))| FakePeer::start(id, *rogue)).collect();
    peers.extend((11..24).map(|id| FakePeer::start(id, honest(id))));
    let redeemer = redeemer(peers.iter().map(FakePeer::address).collect(), SHORT);
    let mut results = validate(&redeemer, &claims(0..24));
    let others = results.split_off(rogues.len());
    assert_eq!(others, (11..24).map(|id| (id, Ok(vec![coin(1), coin(2)]))).collect::<Vec<_>>());
    let expected = (0..).zip(rogues).map(|(id, (_, error))| (id, Err(error)));
    assert_eq!(results, expected.collect::<Vec<_>>());
}

#[test]
fn nobody_is_asked_who_is_unknown_down_oneself_or_named_twice() {
    let (closed, _stream, _listener) = closed_port();
    let peer = FakePeer::start(1, honest(1));
    let redeemer = redeemer(vec![closed, peer.address()], LONG);
    let results = validate(&redeemer, &[(1, 1001), (1, 5), (200, 7), (OWN_ID, 7), (0, 9)]);
    let expected = [
        (0, Err(PeerError::Unreachable)),
        (1, Ok(vec![coin(1), coin(2)])),
        (OWN_ID, Err(PeerError::Unknown)),
        (200, Err(PeerError::Unknown)),
    ];
    assert_eq!(results, expected);
    assert_eq!(peer.connections(), 1);
}

#[test]
fn a_peer_that_goes_down_in_the_middle_is_asked_again_by_the_next_call_only() {
    let restarts = std::sync::atomic::AtomicUsize::new(0);
    let script = honest(0);
    let peer = FakePeer::start(0, move |asked: &Asked<'_>| {
        if restarts.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0 { Deed::Close } else { script.answer(asked) }
    });
    let redeemer = redeemer(vec![peer.address()], LONG);
    assert_eq!(validate(&redeemer, &claims([0])), [(0, Err(PeerError::Garbled))]);
    assert_eq!(peer.connections(), 1, "a claim counts once, so it is not sent twice");
    assert_eq!(validate(&redeemer, &claims([0])), [(0, Ok(vec![coin(1), coin(2)]))]);
}

#[test]
fn who_is_silent_is_not_waited_for_where_enough_was_heard() {
    let mut peers = vec![FakePeer::start(0, |_: &Asked<'_>| Deed::Silence)];
    peers.extend((1..14).map(|id| FakePeer::start(id, honest(id))));
    let redeemer = redeemer(peers.iter().map(FakePeer::address).collect(), LONG);
    let hear_thirteen = || {
        let mut heard = Vec::new();
        let start = Instant::now();
        redeemer.validate(&claims(0..14), &mut |raida_id, answer| {
            heard.push((raida_id, answer.is_ok()));
            if heard.len() == 13 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        heard.sort_unstable();
        assert!(start.elapsed() < LONG, "waited for the silent one");
        heard
    };
    let others: Vec<_> = (1..14).map(|id| (id, true)).collect();
    assert_eq!(hear_thirteen(), others);
    assert_eq!(hear_thirteen(), others);
    // Errands to the silent one are under way still, and no more than two; that is nothing to the others.
    let third = hear_thirteen();
    assert_eq!((third[0], third.iter().filter(|(_, is_ok)| *is_ok).count()), ((0, false), 12));
    assert_eq!(peers[0].connections(), 2);
}

#[test]
fn errands_are_bounded_over_all_calls() {
    let peers: Vec<_> = (0..24).map(|id| FakePeer::start(id, |_: &Asked<'_>| Deed::Silence)).collect();
    let redeemer = Arc::new(redeemer(peers.iter().map(FakePeer::address).collect(), Duration::from_secs(4)));
    let call = || {
        let redeemer = Arc::clone(&redeemer);
        thread::spawn(move || validate(&redeemer, &claims(0..24)))
    };
    let calls = [call(), call()];
    let connections = || peers.iter().map(FakePeer::connections).sum::<usize>();
    while connections() < 48 {
        assert!(calls.iter().any(|call| !call.is_finished()), "{} connections", connections());
        thread::yield_now();
    }
    // Two calls are under way: the third does not even knock.
    let refused = validate(&redeemer, &claims(0..24));
    assert!(refused.iter().all(|(_, result)| *result == Err(PeerError::Unreachable)));
    for call in calls {
        assert_eq!(call.join().unwrap().len(), 24);
    }
    assert_eq!(connections(), 48);
}
