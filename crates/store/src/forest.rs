//! The Merkle trees of all denominations, as one unchanging picture.

use std::sync::Arc;

use raida_wire::merkle::{self, LEAVES, Node};
use raida_wire::{Denomination, vote};

use crate::page_id::PageId;

/// Fifteen trees and their roots.
///
/// Source: protocol §6.2
#[derive(Clone, Debug)]
pub struct Forest {
    /// Ascending by denomination.
    trees: Vec<Arc<Tree>>,
    roots: Arc<[u8; vote::ROOTS_LEN]>,
}

impl Forest {
    /// The trees over these leaves; pages that are not listed have nothing issued.
    pub(crate) fn new(leaves: &[(PageId, Node)]) -> Self {
        let bare = Arc::new(Tree::bare());
        let trees = Denomination::all().map(|_| Arc::clone(&bare)).collect();
        Self { trees, roots: Arc::new([0; vote::ROOTS_LEN]) }.with(leaves)
    }

    /// The same with other leaves. Only the paths above them are hashed, only trees with a new leaf are copied.
    pub(crate) fn with(&self, leaves: &[(PageId, Node)]) -> Self {
        let mut trees = self.trees.clone();
        for (denomination, tree) in Denomination::all().zip(&mut trees) {
            let own = leaves.iter().filter(|(page, _)| page.denomination() == denomination);
            let mut own: Vec<_> = own.map(|(page, leaf)| (usize::from(page.number()), *leaf)).collect();
            own.sort_unstable();
            if !own.is_empty() {
                Arc::make_mut(tree).change(&own);
            }
        }
        let mut roots = [0; vote::ROOTS_LEN];
        for (root, tree) in roots.as_chunks_mut().0.iter_mut().zip(&trees) {
            *root = tree.root();
        }
        Self { trees, roots: Arc::new(roots) }
    }

    /// The fifteen roots, ascending by denomination, as the vote packet carries them.
    ///
    /// Source: protocol §6.1
    #[must_use]
    pub fn roots(&self) -> &Arc<[u8; vote::ROOTS_LEN]> {
        &self.roots
    }

    /// One node. Level 0 are the 1000 leaves, level 10 is the root. `None` where there is no such node.
    ///
    /// Source: protocol §5.8
    #[must_use]
    pub fn node(&self, denomination: Denomination, level: u32, index: u32) -> Option<Node> {
        let tree = self.trees.get(denomination.index())?;
        tree.level(usize::try_from(level).ok()?).get(usize::try_from(index).ok()?).copied()
    }
}

/// The nodes of one tree, level after level, the leaves first: 64 KB.
#[derive(Clone, Debug)]
struct Tree(Vec<Vec<Node>>);

impl Tree {
    /// Nothing is issued.
    fn bare() -> Self {
        let levels = (0..merkle::levels(LEAVES)).map(|level| vec![merkle::EMPTY_LEAF; merkle::width(LEAVES, level)]);
        let mut tree = Self(levels.collect());
        tree.climb((0..LEAVES).collect());
        tree
    }

    /// `leaves` ascend by place.
    fn change(&mut self, leaves: &[(usize, Node)]) {
        for (place, leaf) in leaves {
            if let Some(node) = self.0.first_mut().and_then(|level| level.get_mut(*place)) {
                *node = *leaf;
            }
        }
        self.climb(leaves.iter().map(|(place, _)| *place).collect());
    }

    /// Hashes what stands above these leaves.
    fn climb(&mut self, mut places: Vec<usize>) {
        let mut levels = self.0.iter_mut();
        let Some(mut below) = levels.next() else { return };
        for level in levels {
            places.iter_mut().for_each(|place| *place /= 2);
            places.dedup();
            for place in &places {
                let (left, right) = (below.get(2 * place), below.get(2 * place + 1));
                if let (Some(left), Some(node)) = (left, level.get_mut(*place)) {
                    *node = merkle::parent(left, right.unwrap_or(left));
                }
            }
            below = level;
        }
    }

    fn level(&self, level: usize) -> &[Node] {
        self.0.get(level).map_or(&[], Vec::as_slice)
    }

    fn root(&self) -> Node {
        self.0.last().and_then(|level| level.first()).copied().unwrap_or(merkle::MISSING_LEAF)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The root by the plain construction.
    fn root(mut nodes: Vec<Node>) -> Node {
        while nodes.len() > 1 {
            let above = merkle::ascend(&mut nodes);
            nodes.truncate(above);
        }
        nodes[0]
    }

    #[test]
    fn root_of_nothing_is_the_documented_one() {
        let forest = Forest::new(&[]);
        let hex: String = forest.roots()[..32].iter().map(|octet| format!("{octet:02x}")).collect();
        assert_eq!(hex, "c8d2a90e63fef3657908231f1006c64a5c2af966460d3e7af193f3369c442c77");
        assert!(forest.roots().as_chunks::<32>().0.iter().all(|root| root[..] == forest.roots()[..32]));
    }

    #[test]
    fn changed_leaves_give_the_roots_of_a_tree_built_anew() {
        let (mut forest, mut leaves) = (Forest::new(&[]), vec![merkle::EMPTY_LEAF; LEAVES]);
        for round in 0..20_u8 {
            let changes: Vec<_> = (0..usize::from(round)).map(|n| (n * 251 + 997) % LEAVES).collect();
            let changes: Vec<_> = changes.into_iter().map(|place| (place, [round; 32])).collect();
            let page = |place: usize| PageId::at(14 * PageId::PER_DENOMINATION + place).unwrap();
            forest = forest.with(&changes.iter().map(|(place, leaf)| (page(*place), *leaf)).collect::<Vec<_>>());
            changes.iter().for_each(|(place, leaf)| leaves[*place] = *leaf);
            assert_eq!(forest.roots()[448..], root(leaves.clone()));
            assert_eq!(forest.roots()[..32], root(vec![merkle::EMPTY_LEAF; LEAVES]));
        }
    }

    #[test]
    fn nodes_outside_of_the_tree_are_none() {
        let forest = Forest::new(&[]);
        let node = |level, index| forest.node(Denomination::MAX, level, index);
        assert_eq!(node(0, 999), Some(merkle::EMPTY_LEAF));
        assert_eq!(node(10, 0).as_ref(), forest.roots().as_chunks().0.last());
        for (level, index) in [(0, 1000), (1, 500), (10, 1), (11, 0), (u32::MAX, 0), (0, 0x8000_0000)] {
            assert_eq!(node(level, index), None);
        }
    }
}
