//! What many nodes' words on one coin come to.
//!
//! Source: protocol §1.1

use std::fmt;

/// How many nodes a network has.
pub const NODES: usize = 25;

/// How many nodes decide.
pub const QUORUM: usize = 13;

/// One node's word on one coin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Vote {
    /// Good.
    Pass,
    /// Not good.
    Fail,
    /// It was asked, but nobody knows what it says: no answer came, or none that can be trusted.
    Unknown,
    /// It was not asked.
    #[default]
    NotAsked,
}

/// The words of all nodes on one coin.
///
/// `Display` gives one letter per node: `p` for passed, `f` for failed, `n` for no answer, `u` for not asked.
///
/// ```
/// use raida_client::{Standing, Tally, Vote};
///
/// let mut tally = Tally::default();
/// (0..20).for_each(|node| tally.set(node, Vote::Pass));
/// (20..24).for_each(|node| tally.set(node, Vote::Fail));
/// assert_eq!(tally.to_string(), "ppppppppppppppppppppffffu");
/// assert_eq!(tally.standing(), Standing::Fractured);
/// assert_eq!(tally.those(Vote::Fail).collect::<Vec<_>>(), [20, 21, 22, 23]);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Tally([Vote; NODES]);

/// What a coin is worth to its holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Standing {
    /// At least 13 nodes say that it is good, none that it is not.
    Authentic,
    /// At least 13 nodes say that it is good, but some say that it is not. Fix repairs it there.
    Fractured,
    /// At least 13 nodes say that it is not good.
    Counterfeit,
    /// Neither has 13 nodes behind it.
    Undecided,
}

impl Tally {
    /// Enters what a node says. A node that can not be, with an id above 24, has no say.
    pub fn set(&mut self, raida_id: u8, vote: Vote) {
        if let Some(place) = self.0.get_mut(usize::from(raida_id)) {
            *place = vote;
        }
    }

    /// What a node says.
    #[must_use]
    pub fn of(&self, raida_id: u8) -> Vote {
        self.0.get(usize::from(raida_id)).copied().unwrap_or_default()
    }

    /// How many nodes say so.
    #[must_use]
    pub fn count(&self, vote: Vote) -> usize {
        self.0.iter().filter(|found| **found == vote).count()
    }

    /// The ids of the nodes that say so, ascending.
    pub fn those(&self, vote: Vote) -> impl Iterator<Item = u8> {
        (0..).zip(self.0).filter(move |(_, found)| *found == vote).map(|(id, _)| id)
    }

    /// What they come to.
    #[must_use]
    pub fn standing(&self) -> Standing {
        match (self.count(Vote::Pass), self.count(Vote::Fail)) {
            (QUORUM.., 0) => Standing::Authentic,
            (QUORUM.., _) => Standing::Fractured,
            (_, QUORUM..) => Standing::Counterfeit,
            _ => Standing::Undecided,
        }
    }

    /// Whether 13 nodes say "pass", or, where fewer were asked, all of them.
    #[must_use]
    pub fn is_carried(&self) -> bool {
        is_enough(self.count(Vote::Pass), NODES - self.count(Vote::NotAsked))
    }

    /// Whether it could not be better: all nodes that answered say "pass", and they are enough.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.is_carried() && self.count(Vote::Fail) == 0
    }
}

/// Whether so many nodes of those that were asked can decide: 13, or all where fewer were asked. Nobody never can.
#[must_use]
pub const fn is_enough(nodes: usize, asked: usize) -> bool {
    nodes >= QUORUM || (nodes > 0 && nodes == asked)
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|vote| {
            f.write_str(match vote {
                Vote::Pass => "p",
                Vote::Fail => "f",
                Vote::Unknown => "n",
                Vote::NotAsked => "u",
            })
        })
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Authentic => "authentic",
            Self::Fractured => "fractured",
            Self::Counterfeit => "counterfeit",
            Self::Undecided => "undecided",
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tally() -> impl Strategy<Value = Tally> {
        let vote = prop_oneof![
            3 => Just(Vote::Pass), 2 => Just(Vote::Fail), 1 => Just(Vote::Unknown), 1 => Just(Vote::NotAsked)
        ];
        proptest::collection::vec(vote, NODES).prop_map(|votes| {
            let mut tally = Tally::default();
            (0..).zip(votes).for_each(|(id, vote)| tally.set(id, vote));
            tally
        })
    }

    /// How much a holder likes it.
    fn rank(standing: Standing) -> u8 {
        match standing {
            Standing::Counterfeit => 0,
            Standing::Undecided => 1,
            Standing::Fractured => 2,
            Standing::Authentic => 3,
        }
    }

    proptest! {
        #[test]
        fn thirteen_words_decide_and_twelve_do_not(tally in tally()) {
            let (passed, failed) = (tally.count(Vote::Pass), tally.count(Vote::Fail));
            let expected = if passed >= 13 && failed == 0 {
                Standing::Authentic
            } else if passed >= 13 {
                Standing::Fractured
            } else if failed >= 13 {
                Standing::Counterfeit
            } else {
                Standing::Undecided
            };
            prop_assert_eq!(tally.standing(), expected);
        }

        #[test]
        fn order_of_the_nodes_does_not_matter(tally in tally(), turn in 0..NODES) {
            let mut turned = tally;
            turned.0.rotate_left(turn);
            prop_assert_eq!(turned.standing(), tally.standing());
            prop_assert_eq!(turned.is_carried(), tally.is_carried());
        }

        #[test]
        fn another_pass_never_makes_it_worse_and_another_fail_never_better(tally in tally(), id in 0..25_u8) {
            let with = |vote| { let mut other = tally; other.set(id, vote); other };
            if tally.of(id) != Vote::Pass {
                prop_assert!(rank(with(Vote::Pass).standing()) >= rank(tally.standing()));
                prop_assert!(with(Vote::Pass).is_carried() >= tally.is_carried() || tally.of(id) == Vote::NotAsked);
            }
            prop_assert!(rank(with(Vote::Fail).standing()) <= rank(tally.standing()));
        }

        #[test]
        fn twelve_liars_change_neither_a_true_pass_nor_a_true_fail(
            tally in tally(), liars in proptest::collection::hash_set(0..25_u8, 0..=12)
        ) {
            let seen = |truth| {
                let mut seen = tally;
                (0..25).filter(|id| !liars.contains(id)).for_each(|id| seen.set(id, truth));
                seen.standing()
            };
            prop_assert!(matches!(seen(Vote::Pass), Standing::Authentic | Standing::Fractured));
            prop_assert_eq!(seen(Vote::Fail), Standing::Counterfeit);
        }

        #[test]
        fn letters_tell_every_word(tally in tally()) {
            let shown = tally.to_string();
            for (letter, vote) in [('p', Vote::Pass), ('f', Vote::Fail), ('n', Vote::Unknown), ('u', Vote::NotAsked)] {
                let told: Vec<_> = (0..25).zip(shown.chars()).filter(|(_, c)| *c == letter).map(|(id, _)| id).collect();
                prop_assert_eq!(told, tally.those(vote).collect::<Vec<u8>>());
            }
        }
    }

    #[test]
    fn few_nodes_decide_only_together() {
        assert!(is_enough(1, 1) && is_enough(12, 12) && is_enough(13, 25));
        assert!(!is_enough(0, 0) && !is_enough(11, 12) && !is_enough(12, 25));
        let mut tally = Tally::default();
        tally.set(3, Vote::Pass);
        assert!(tally.is_good() && tally.standing() == Standing::Undecided);
        tally.set(4, Vote::Unknown);
        assert!(!tally.is_carried());
    }

    #[test]
    fn ids_above_24_have_no_say() {
        let mut tally = Tally::default();
        tally.set(25, Vote::Pass);
        assert_eq!((tally, tally.of(25)), (Tally::default(), Vote::NotAsked));
    }
}
