//! What peers answer: votes, ballots, and the nodes of their trees.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::LazyLock;

use raida_peers::{Agreement, BALLOTS_AGREED, Ballot, MATCHES_MIN, Tally, Vote, Walk, Wanted, agreement};
use raida_store::testing::Disk;
use raida_store::{Options, Store};
use raida_wire::merkle::{self, Node};
use raida_wire::vote::ROOTS_LEN;

/// Whatever peers say, each counts once, a majority needs thirteen of them, and no node of a tree is believed that does
/// not hash to the one above.
pub fn ballots(octets: &[u8]) {
    let (pairs, rest) = octets.as_chunks::<2>();
    counted_once(pairs);
    agreed_by_thirteen(pairs);
    walked(octets, rest.first().copied().unwrap_or_default());
}

fn peer(number: u8) -> SocketAddr {
    ([192, 0, 2, number % 32], 50_000).into()
}

/// What each peer said first.
fn firsts(pairs: &[[u8; 2]]) -> BTreeMap<u8, u8> {
    pairs.iter().rev().map(|[peer, said]| (peer % 32, said % 3)).collect()
}

fn counted_once(pairs: &[[u8; 2]]) {
    let votes = pairs.iter().map(|[number, said]| Vote { peer: peer(*number), is_match: said % 3 == 0 });
    let tally = Tally::of(24, votes);
    let firsts = firsts(pairs);
    let matches = firsts.values().filter(|said| **said == 0).count();
    assert_eq!((tally.matches, tally.mismatches), (matches, firsts.len() - matches));
    assert_eq!(tally.silent, 24_usize.saturating_sub(firsts.len()));
    assert_eq!(tally.is_agreed(), matches >= MATCHES_MIN);
}

fn agreed_by_thirteen(pairs: &[[u8; 2]]) {
    let ballot = |[number, said]: &[u8; 2]| Ballot { peer: peer(*number), roots: Box::new([said % 3; ROOTS_LEN]) };
    let firsts = firsts(pairs);
    let count = |roots: u8| firsts.values().filter(|said| **said == roots).count();
    let most = (0..3).map(count).max().unwrap_or_default();
    match agreement(pairs.iter().map(ballot)) {
        Agreement::Roots { roots, holders } => {
            assert!(holders.len() >= BALLOTS_AGREED && holders.len() == most);
            assert!(holders.len() == count(roots[0]));
        }
        Agreement::None { most: found } => assert!(found < BALLOTS_AGREED && found == most),
    }
}

/// Down from roots that the octets say, with nodes that the octets say: some rightly hashed, most not.
fn walked(octets: &[u8], seed: u8) {
    static STORE: LazyLock<Store> =
        LazyLock::new(|| Store::open_on(Disk::new().plug_in(), &Options::new([7; 32])).expect("a store"));
    let node = |at: usize| -> Node { std::array::from_fn(|place| octets.get(at + place).copied().unwrap_or(seed)) };
    let (left, right) = (node(0), node(32));
    let root = merkle::parent(&left, &right);
    let mut roots = [0; ROOTS_LEN];
    roots.as_chunks_mut::<32>().0[usize::from(seed % 15)] = root;
    let mut walk = Walk::new(STORE.forest(), &roots);
    for step in 0..64 {
        match walk.wanted() {
            None => break,
            Some(Wanted::Page { .. }) => walk.leave(),
            Some(Wanted::Children { level, right: other, .. }) => {
                let (offered, neighbour) = if step == 0 { (left, right) } else { (node(step), node(step + 1)) };
                let taken = walk.children(&offered, other.map(|_| &neighbour));
                assert!(step != 0 || taken.is_ok(), "what hashes to the root is taken, at level {level}");
                if taken.is_err() {
                    walk.leave();
                }
            }
        }
    }
}
