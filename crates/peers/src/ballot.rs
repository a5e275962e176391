//! What the peers say about their roots, counted.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use raida_wire::vote::ROOTS_LEN;

/// So many other nodes that have the same roots as this one end a cycle: with itself 13 of 25.
///
/// Source: protocol §6.3
pub const MATCHES_MIN: usize = 12;

/// With fewer ballots than this, stage 2 ends without looking at them.
///
/// Source: protocol §6.3
pub(crate) const BALLOTS_MIN: usize = 12;

/// So many distinct peers must have the very same ballot before it is believed.
///
/// Source: protocol §6.4
pub const BALLOTS_AGREED: usize = 13;

/// What one peer answered in stage 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vote {
    /// The socket address that answered.
    pub peer: SocketAddr,
    /// Whether it has the same roots.
    pub is_match: bool,
}

/// Stage 1, counted.
///
/// ```
/// use raida_peers::{Tally, Vote};
///
/// let vote = Vote { peer: ([192, 0, 2, 1], 50_000).into(), is_match: true };
/// let tally = Tally::of(24, [vote; 24]);
/// assert_eq!((tally.matches, tally.silent), (1, 23), "a peer that is listed twice has one vote");
/// assert!(!tally.is_agreed());
/// ```
///
/// Source: protocol §6.3
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Peers with the same roots.
    pub matches: usize,
    /// Peers with other roots.
    pub mismatches: usize,
    /// Peers that did not answer, or that another one's name stands for.
    pub silent: usize,
}

impl Tally {
    /// Counts the votes of `asked` peers. Of one socket address only the first vote counts.
    #[must_use]
    pub fn of(asked: usize, votes: impl IntoIterator<Item = Vote>) -> Self {
        let (mut tally, mut seen) = (Self::default(), BTreeSet::new());
        for vote in votes {
            match (seen.insert(vote.peer), vote.is_match) {
                (true, true) => tally.matches += 1,
                (true, false) => tally.mismatches += 1,
                (false, _) => {}
            }
        }
        Self { silent: asked.saturating_sub(tally.matches + tally.mismatches), ..tally }
    }

    /// Whether at least [`MATCHES_MIN`] peers have the same roots.
    #[must_use]
    pub const fn is_agreed(&self) -> bool {
        self.matches >= MATCHES_MIN
    }
}

/// What one peer answered in stage 2. Peer and ballot stay together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ballot {
    /// The socket address that answered.
    pub peer: SocketAddr,
    /// Its fifteen roots.
    pub roots: Box<[u8; ROOTS_LEN]>,
}

/// What many ballots come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Agreement {
    /// At least [`BALLOTS_AGREED`] distinct peers have the same roots.
    Roots {
        /// These.
        roots: Box<[u8; ROOTS_LEN]>,
        /// The peers that have them, in the order of their ballots.
        holders: Vec<SocketAddr>,
    },
    /// There is no such majority.
    None {
        /// How many peers the most frequent ballot has.
        most: usize,
    },
}

/// Looks for a ballot that at least [`BALLOTS_AGREED`] distinct peers have, octet for octet. The most frequent one is not
/// enough. Of one socket address only the first ballot counts.
///
/// Source: protocol §6.4
#[must_use]
pub fn agreement(ballots: impl IntoIterator<Item = Ballot>) -> Agreement {
    let (mut holders, mut seen) = (BTreeMap::<Box<[u8; ROOTS_LEN]>, Vec<SocketAddr>>::new(), BTreeSet::new());
    for Ballot { peer, roots } in ballots {
        if seen.insert(peer) {
            holders.entry(roots).or_default().push(peer);
        }
    }
    match holders.into_iter().max_by_key(|(_, holders)| holders.len()) {
        Some((roots, holders)) if holders.len() >= BALLOTS_AGREED => Agreement::Roots { roots, holders },
        Some((_, holders)) => Agreement::None { most: holders.len() },
        None => Agreement::None { most: 0 },
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn peer(number: u8) -> SocketAddr {
        ([192, 0, 2, number], 50_000).into()
    }

    fn ballot((number, roots): (u8, u8)) -> Ballot {
        Ballot { peer: peer(number), roots: Box::new([roots; ROOTS_LEN]) }
    }

    #[test]
    fn twelve_are_not_enough_and_thirteen_are() {
        let of = |count| agreement((0..24).map(|n| ballot((n, if n < count { 7 } else { 100 + n }))));
        assert_eq!(of(12), Agreement::None { most: 12 });
        let Agreement::Roots { roots, holders } = of(13) else { panic!("13 agree") };
        assert_eq!((roots, holders), (Box::new([7; ROOTS_LEN]), (0..13).map(peer).collect()));
    }

    #[test]
    fn ballots_that_differ_in_one_octet_are_different() {
        let spoilt = |number: u8| {
            let mut ballot = ballot((number, 7));
            ballot.roots[479] ^= u8::from(number == 12);
            ballot
        };
        assert_eq!(agreement((0..13).map(spoilt)), Agreement::None { most: 12 });
    }

    proptest! {
        #[test]
        fn whatever_is_agreed_has_thirteen_different_peers(ballots in vec((0_u8..30, 0_u8..3), 0..80)) {
            let firsts = |peer: u8| ballots.iter().find(|(number, _)| *number == peer).map(|(_, roots)| *roots);
            let count = |roots: u8| (0..30).filter(|peer| firsts(*peer) == Some(roots)).count();
            match agreement(ballots.iter().copied().map(ballot)) {
                Agreement::Roots { roots, holders } => {
                    prop_assert!(holders.len() >= 13);
                    prop_assert_eq!(holders.iter().collect::<BTreeSet<_>>().len(), holders.len());
                    prop_assert_eq!(holders.len(), count(roots[0]));
                }
                Agreement::None { most } => {
                    prop_assert!(most < 13);
                    prop_assert_eq!(most, (0..3).map(count).max().unwrap_or_default());
                }
            }
        }

        #[test]
        fn every_peer_is_counted_once(votes in vec((0_u8..24, any::<bool>()), 0..60)) {
            let votes = votes.into_iter().map(|(number, is_match)| Vote { peer: peer(number), is_match });
            let tally = Tally::of(24, votes.clone());
            let different = votes.map(|vote| vote.peer).collect::<BTreeSet<_>>().len();
            prop_assert_eq!(tally.matches + tally.mismatches, different);
            prop_assert_eq!(tally.silent, 24 - different);
            prop_assert_eq!(tally.is_agreed(), tally.matches >= 12);
        }
    }
}
