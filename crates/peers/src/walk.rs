//! The way down from agreed roots to the pages that differ, believing nothing that does not hash to what is above it.

use std::fmt;
use std::sync::Arc;

use raida_store::{Forest, PageId};
use raida_wire::Denomination;
use raida_wire::merkle::{self, LEAVES, MISSING_LEAF, Node};
use raida_wire::vote::ROOTS_LEN;

/// A walk through the trees of others, beside one's own. It holds no socket: [`wanted`](Self::wanted) says what to ask
/// next, and what comes back is handed in.
///
/// Every node on its way has been hashed up to one of the roots that it began with, so whoever answers can be another one
/// at every step.
///
/// Source: protocol §6.2, §6.4
#[derive(Debug)]
pub struct Walk {
    own: Arc<Forest>,
    /// Nodes that are proven and differ from our own; the next one last.
    open: Vec<Branch>,
}

#[derive(Clone, Copy, Debug)]
struct Branch {
    denomination: Denomination,
    level: u32,
    index: u32,
    node: Node,
}

/// What a walk asks for next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Two neighbouring nodes of a tree: for [`Walk::children`].
    Children {
        /// Of this tree.
        denomination: Denomination,
        /// Their level; 0 are the leaves.
        level: u32,
        /// The left one's place.
        left: u32,
        /// The right one's place; `None` where an odd level ends.
        right: Option<u32>,
    },
    /// A page that differs from our own: then [`Walk::leave`].
    Page {
        /// This one.
        page: PageId,
        /// Its proven leaf. [`MISSING_LEAF`] where the others have none.
        leaf: Node,
    },
}

/// A pair of nodes that does not hash to the proven node above it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forged;

impl Walk {
    /// Begins at every root that differs from our own. A root of zeros stands for no tree, and is left out.
    #[must_use]
    pub fn new(own: Arc<Forest>, roots: &[u8; ROOTS_LEN]) -> Self {
        let top = u32::try_from(merkle::levels(LEAVES).saturating_sub(1)).unwrap_or_default();
        let begin = |(denomination, root): (_, &Node)| Branch { denomination, level: top, index: 0, node: *root };
        let open = Denomination::all().zip(roots.as_chunks().0).rev().map(begin);
        let mut walk = Self { own: Arc::clone(&own), open: Vec::new() };
        open.filter(|branch| branch.node != MISSING_LEAF).for_each(|branch| walk.open_if_other(branch));
        walk
    }

    /// What to ask next; `None` when nothing is left that differs. The same again until it was answered.
    #[must_use]
    pub fn wanted(&self) -> Option<Wanted> {
        let Branch { denomination, level, index, node } = *self.open.last()?;
        let Some(below) = level.checked_sub(1) else {
            return Some(Wanted::Page { page: PageId::new(denomination, index)?, leaf: node });
        };
        let width = u32::try_from(merkle::width(LEAVES, below as usize)).unwrap_or_default();
        let right = Some(2 * index + 1).filter(|right| *right < width);
        Some(Wanted::Children { denomination, level: below, left: 2 * index, right })
    }

    /// Takes the pair of nodes that [`wanted`](Self::wanted) asks for; goes on with those that differ from our own.
    ///
    /// # Errors
    ///
    /// They do not hash to the node above them. Nothing has changed: ask somebody else.
    pub fn children(&mut self, left: &Node, right: Option<&Node>) -> Result<(), Forged> {
        let Some(Wanted::Children { denomination, level, left: place, right: other }) = self.wanted() else {
            return Err(Forged);
        };
        // The last of an odd level is its own neighbour.
        let right = other.zip(right).map_or((place, left), |(place, node)| (place, node));
        if self.open.last().is_none_or(|above| above.node != merkle::parent(left, right.1)) {
            return Err(Forged);
        }
        self.open.pop();
        let branch = |(index, node): (u32, &Node)| Branch { denomination, level, index, node: *node };
        other.into_iter().for_each(|_| self.open_if_other(branch(right)));
        self.open_if_other(branch((place, left)));
        Ok(())
    }

    /// Goes on behind the page or the pair that [`wanted`](Self::wanted) asks for.
    pub fn leave(&mut self) {
        self.open.pop();
    }

    fn open_if_other(&mut self, branch: Branch) {
        if self.own.node(branch.denomination, branch.level, branch.index) != Some(branch.node) {
            self.open.push(branch);
        }
    }
}

impl fmt::Display for Forged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nodes do not hash to the node above them")
    }
}

impl std::error::Error for Forged {}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use raida_store::testing::Disk;
    use raida_store::{Options, Record, Store};
    use raida_wire::{CoinId, Month};

    use super::*;

    /// The trees of a store with these coins.
    fn forest(coins: &BTreeSet<CoinId>) -> Arc<Forest> {
        let store = Store::open_on(Disk::new().plug_in(), &Options::new([7; 32])).unwrap();
        let mut batch = store.write().unwrap();
        let record = Record { an: [9; 16].into(), month: Month(45) };
        batch.request(|changes| coins.iter().try_for_each(|coin| changes.set(*coin, &record))).unwrap();
        batch.commit().unwrap();
        store.refresh_trees().unwrap();
        store.forest()
    }

    /// The pages that a walk finds, asking `theirs`. Every answer is also tried with one bit wrong.
    fn found(walk: &mut Walk, theirs: &Forest) -> BTreeSet<PageId> {
        let mut pages = BTreeSet::new();
        while let Some(wanted) = walk.wanted() {
            match wanted {
                Wanted::Page { page, leaf } => {
                    assert_eq!(theirs.node(page.denomination(), 0, page.number().into()), Some(leaf));
                    assert!(pages.insert(page), "every page once");
                    walk.leave();
                }
                Wanted::Children { denomination, level, left, right } => {
                    let node = |index| theirs.node(denomination, level, index).unwrap();
                    let (left, right) = (node(left), right.map(node));
                    let mut wrong = left;
                    wrong[31] ^= 1;
                    assert_eq!(walk.children(&wrong, right.as_ref()), Err(Forged));
                    if let Some(right) = right {
                        assert_eq!(walk.children(&right, Some(&left)).is_ok(), left == right);
                        if left == right {
                            continue;
                        }
                    }
                    assert_eq!(walk.children(&left, right.as_ref()), Ok(()));
                }
            }
        }
        pages
    }

    fn coins() -> impl Strategy<Value = BTreeSet<CoinId>> {
        let coin = (-8_i8..=6, prop_oneof![0_u32..4096, 1_019_904_u32..1_024_000]);
        proptest::collection::btree_set(coin.prop_map(|(d, sn)| CoinId::new(d, sn).unwrap()), 0..12)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn a_walk_finds_exactly_the_pages_that_differ(ours in coins(), theirs in coins()) {
            let (own, other) = (forest(&ours), forest(&theirs));
            let expected: BTreeSet<_> = ours.symmetric_difference(&theirs).map(|coin| PageId::of(*coin)).collect();
            prop_assert_eq!(found(&mut Walk::new(own, other.roots()), &other), expected);
        }
    }

    #[test]
    fn a_denomination_without_a_tree_is_not_looked_at() {
        let own = forest(&BTreeSet::from([CoinId::new(0, 1).unwrap()]));
        assert_eq!(Walk::new(own, &[0; ROOTS_LEN]).wanted(), None);
    }
}
