//! Merkle trees over coins: the hash of a page, of a pair of nodes, and the shape of a tree.
//!
//! Source: protocol §6.2

use sha2::{Digest, Sha256};

/// The size of a node, in octets.
pub const NODE_LEN: usize = 32;

/// One node: a SHA-256.
pub type Node = [u8; NODE_LEN];

/// How many records a leaf covers: one page.
pub const RECORDS: usize = 1024;

/// How many leaves the tree of a denomination has: one per page.
pub const LEAVES: usize = 1000;

/// The leaf of a page in which nothing is issued: the hash of 16,384 zero octets.
pub const EMPTY_LEAF: Node = [
    0x4F, 0xE7, 0xB5, 0x9A, 0xF6, 0xDE, 0x3B, 0x66, 0x5B, 0x67, 0x78, 0x8C, 0xC2, 0xF9, 0x98, 0x92, 0xAB, 0x82, 0x7E,
    0xFA, 0xE3, 0xA4, 0x67, 0x34, 0x2B, 0x3B, 0xB4, 0xE3, 0xBC, 0x8E, 0x5B, 0xFE,
];

/// The leaf of a page that a file-based server lacks. Not a hash.
pub const MISSING_LEAF: Node = [0; NODE_LEN];

/// The leaf of one page: `records` are its authenticity numbers in order, `None` where nothing is issued.
///
/// Records that `records` does not reach count as not issued; what comes after the 1024th is left out.
///
/// ```
/// use raida_wire::merkle;
///
/// assert_eq!(merkle::leaf([]), merkle::EMPTY_LEAF);
/// assert_ne!(merkle::leaf([Some(&[7; 16])]), merkle::EMPTY_LEAF);
/// ```
pub fn leaf<'r>(records: impl IntoIterator<Item = Option<&'r [u8; 16]>>) -> Node {
    let records = records.into_iter().chain(core::iter::repeat(None)).take(RECORDS);
    let hash = records.fold(Sha256::new(), |hash, record| hash.chain_update(record.unwrap_or(&[0; 16])));
    hash.finalize().into()
}

/// The node above two neighbours.
#[must_use]
pub fn parent(left: &Node, right: &Node) -> Node {
    Sha256::new().chain_update(left).chain_update(right).finalize().into()
}

/// Turns one level of a tree into the level above it, in place: afterwards its nodes stand at the front of `nodes`.
/// Returns how many there are. The last of an odd number of nodes is paired with itself.
///
/// ```
/// use raida_wire::merkle;
///
/// let mut nodes = [[1; 32], [2; 32], [3; 32]];
/// assert_eq!(merkle::ascend(&mut nodes), 2);
/// assert_eq!(nodes[1], merkle::parent(&[3; 32], &[3; 32]));
/// ```
pub fn ascend(nodes: &mut [Node]) -> usize {
    let above = nodes.len().div_ceil(2);
    for place in 0..above {
        let (left, right) = (nodes.get(2 * place).copied(), nodes.get(2 * place + 1).copied());
        if let (Some(left), Some(node)) = (left, nodes.get_mut(place)) {
            *node = parent(&left, &right.unwrap_or(left));
        }
    }
    above
}

/// How many levels a tree over so many leaves has, the leaves counted. 0 for none.
///
/// ```
/// assert_eq!(raida_wire::merkle::levels(1000), 11);
/// ```
#[must_use]
pub const fn levels(leaves: usize) -> usize {
    match leaves {
        0 => 0,
        _ => leaves.next_power_of_two().trailing_zeros() as usize + 1,
    }
}

/// How many nodes a level has, level 0 being the leaves. 0 above the root.
///
/// ```
/// use raida_wire::merkle::width;
///
/// assert_eq!([0, 4, 10, 11].map(|level| width(1000, level)), [1000, 63, 1, 0]);
/// ```
#[must_use]
pub const fn width(leaves: usize, level: usize) -> usize {
    if level < levels(leaves) { leaves.div_ceil(1 << level) } else { 0 }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::vec;

    use super::*;

    #[test]
    fn page_ends_at_its_last_record() {
        let full = leaf([Some(&[1; 16]); RECORDS]);
        assert_eq!(leaf([Some(&[1; 16]); RECORDS + 1]), full);
        assert_ne!(leaf([Some(&[1; 16]); RECORDS - 1]), full);
    }

    #[test]
    fn climbing_a_tree_meets_every_level_and_ends_at_the_root() {
        for leaves in 1..70 {
            let mut nodes = vec![[7; NODE_LEN]; leaves];
            for level in 0..levels(leaves) {
                assert_eq!(nodes.len(), width(leaves, level));
                let above = ascend(&mut nodes);
                nodes.truncate(above);
            }
            assert_eq!((nodes.len(), width(leaves, levels(leaves))), (1, 0));
        }
        assert_eq!((levels(0), ascend(&mut [])), (0, 0));
    }
}
