//! What the cycle concludes from votes and ballots.

use raida_peers::{Circle, Cycle, Outcome, Tally};
use raida_wire::{Command, Denomination, Status, vote};

use crate::fake_peer::{Asked, Deed, FakePeer, Script, closed_port};
use crate::mirror::{Mirror, change, coin, contents, cycle, cycle_with, liars, loners, mirrors, record, run, store};

#[test]
fn twelve_matches_end_the_cycle_without_a_connection() {
    let own = store();
    let mut peers = mirrors(&own, 12);
    let other = store();
    change(&other, [(coin(0, 3), record(99))]);
    peers.extend(mirrors(&other, 12));
    let report = run(&cycle(&peers), &own);
    assert_eq!((report.outcome, report.ballots), (Outcome::Agreed, 0));
    assert_eq!(report.votes, Tally { matches: 12, mismatches: 12, silent: 0 });
    assert!(peers.iter().all(|peer| peer.connections() == 0));
}

#[test]
fn peers_that_say_no_by_udp_and_take_no_connection_end_it() {
    // Votes, but closes every connection without a word.
    let own = store();
    let other = store();
    change(&other, [(coin(0, 3), record(99))]);
    let peers = liars(&other, 24, |_| Some(Deed::Close));
    let report = run(&cycle(&peers), &own);
    assert_eq!((report.outcome, report.ballots), (Outcome::FewBallots, 0));
    assert_eq!(report.votes.mismatches, 24);
}

#[test]
fn silent_and_absent_peers_are_not_waited_for_without_end() {
    let own = store();
    let (closed, _stream, _listener) = closed_port();
    let silent: Vec<_> = (0..23).map(|_| FakePeer::start(7, |_: &Asked<'_>| Deed::Silence)).collect();
    let addresses = silent.iter().map(FakePeer::address).chain([closed]).collect();
    let cycle = Cycle { circle: Circle::mirrors(7, 6, addresses, None).unwrap(), ..cycle(&[]) };
    let report = run(&cycle, &own);
    assert_eq!(report.outcome, Outcome::Unheard);
    assert_eq!(report.votes, Tally { matches: 0, mismatches: 0, silent: 24 });
}

#[test]
fn silent_ballots_are_not_waited_for_without_end() {
    let own = store();
    let other = store();
    change(&other, [(coin(0, 3), record(99))]);
    let mut peers = liars(&other, 12, |_| Some(Deed::Silence));
    peers.extend(liars(&other, 12, |_| Some(Deed::Drip(480))));
    let report = run(&cycle(&peers), &own);
    assert_eq!((report.outcome, report.ballots), (Outcome::FewBallots, 0));
}

/// Answers votes with octets made from the right answer.
struct Voter<V>(V);

impl<V: Fn(Vec<u8>) -> Vec<u8> + Send + Sync + 'static> Script for Voter<V> {
    fn answer(&self, _: &Asked<'_>) -> Deed {
        Deed::Silence
    }

    fn vote(&self, request: &vote::Request<'_>) -> Option<Vec<u8>> {
        Some((self.0)(vote::answer(request, request.roots()).to_vec()))
    }
}

#[test]
fn only_seventeen_octets_with_the_nonce_are_a_vote() {
    let own = store();
    let spoil: [fn(Vec<u8>) -> Vec<u8>; 6] = [
        |mut vote| {
            vote[16] ^= 1; // another nonce
            vote
        },
        |mut vote| {
            vote.push(0); // 18 octets
            vote
        },
        |mut vote| {
            vote.pop(); // 16 octets
            vote
        },
        |mut vote| {
            vote[0] = 2; // neither yes nor no
            vote
        },
        |_| vec![0; 1400],
        |vote| vote,
    ];
    let peers: Vec<_> = spoil.into_iter().map(|spoil| FakePeer::start(7, Voter(spoil))).collect();
    let report = run(&cycle(&peers), &own);
    assert_eq!(report.votes, Tally { matches: 1, mismatches: 0, silent: 5 });
}

#[test]
fn a_ballot_of_another_size_is_none() {
    let own = store();
    let other = store();
    change(&other, [(coin(0, 3), record(99))]);
    let of = |size: usize| {
        let answer = move |_: &Asked<'_>| Some(Deed::Answer(Status::SUCCESS, vec![5; size]));
        liars(&other, 6, answer)
    };
    let peers: Vec<_> = [0, 479, 481, 4800].into_iter().flat_map(of).collect();
    let report = run(&cycle(&peers), &own);
    assert_eq!((report.outcome, report.ballots), (Outcome::FewBallots, 0));
}

#[test]
fn only_those_who_disagree_are_asked_for_their_roots() {
    let own = store();
    let other = store();
    change(&other, [(coin(0, 3), record(99))]);
    let (agreeing, others) = (mirrors(&own, 11), mirrors(&other, 12));
    let peers: Vec<_> = agreeing.into_iter().chain(others).collect();
    let report = run(&cycle(&peers), &own);
    assert_eq!((report.outcome, report.ballots), (Outcome::Divided { most: 12 }, 12));
    let connections: Vec<_> = peers.iter().map(FakePeer::connections).collect();
    assert_eq!(connections, [[0; 11].as_slice(), &[1; 12]].concat());
}

#[test]
fn nodes_of_the_network_are_reported_on_and_never_walked() {
    // Other nodes of the network have other ids and other numbers for the same coins.
    let (own, other) = (store(), store());
    change(&other, [(coin(0, 3), record(99)), (coin(2, 3), record(98))]);
    let peers: Vec<_> = (0..25).map(|id| FakePeer::start(id, Mirror::of(&other))).collect();
    let addresses = peers.iter().map(FakePeer::address).collect();
    let cycle = Cycle { circle: Circle::network(7, 6, addresses).unwrap(), ..cycle_with(&[], None) };
    let report = run(&cycle, &own);
    let denominations = [0, 2].map(|exponent| Denomination::new(exponent).unwrap()).to_vec();
    assert_eq!(report.outcome, Outcome::Outvoted { denominations, healed: None });
    for (id, peer) in peers.iter().enumerate() {
        let roots = Command::GET_ALL_ROOTS;
        let asked: Vec<_> = peer.requests().iter().map(|request| Command::new(request[4], request[5])).collect();
        assert_eq!(asked, if id == 7 { vec![] } else { vec![roots] }, "node {id}");
    }
}

#[test]
fn twenty_four_different_ballots_heal_nothing() {
    let (own, other) = (store(), store());
    change(&other, [(coin(0, 3), record(99))]);
    let before = contents(&own);
    let peers = loners(&other, 24);
    let report = run(&cycle(&peers), &own);
    assert_eq!((report.outcome, report.ballots), (Outcome::Divided { most: 1 }, 24));
    assert!(peers.iter().all(|peer| peer.connections() == 1), "asked for its roots and for nothing else");
    assert_eq!(contents(&own), before);
}
