//! Kind `merkle`: trees over the leaves of pages.

use raida_wire::merkle::{self, MISSING_LEAF, Node};
use serde_json::Value;

use crate::case::{Case, Fields, Reason, octets, same, same_octets};

pub(crate) fn check(case: &Case<'_>) -> Result<(), Reason> {
    let (given, expect) = (case.given, case.expect);
    let tree = if given.has("leaves") {
        let tree = grow(nodes(given, "leaves")?);
        check_widths(&tree, expect)?;
        let levels = expect.list("tree")?;
        same("levels of the tree", tree.len(), levels.len())?;
        for (level, expected) in tree.iter().zip(levels) {
            check_level(level, expected)?;
        }
        tree
    } else if given.has("leaf_999") {
        let mut leaves = vec![given.array("other_leaves")?; usize::from(given.number::<u16>("pages")?)];
        *leaves.get_mut(999).ok_or_else(|| Reason::new("there is no leaf 999"))? = given.array("leaf_999")?;
        let tree = grow(leaves);
        let branch: Vec<Node> =
            tree.iter().zip(0..).filter_map(|(nodes, level)| nodes.get(999 >> level)).copied().collect();
        same_octets("branch", branch.as_flattened(), nodes(expect, "branch_999")?.as_flattened())?;
        tree
    } else if given.has("missing") {
        same("missing", given.text("missing")?, "all")?;
        grow(vec![MISSING_LEAF; usize::from(given.number::<u16>("pages")?)])
    } else {
        same("issued", given.list("issued")?.len(), 0)?;
        let leaf = merkle::leaf([]);
        same_octets("leaf", &leaf, &expect.array::<32>("leaf")?)?;
        same_octets("leaf as a constant", &merkle::EMPTY_LEAF, &leaf)?;
        let tree = grow(vec![leaf; usize::from(given.number::<u16>("pages")?)]);
        check_widths(&tree, expect)?;
        tree
    };
    same("levels", tree.len(), expect.number("levels")?)?;
    let root = tree.last().and_then(|level| level.first()).ok_or_else(|| Reason::new("there is no root"))?;
    same_octets("root", root, &case.bytes)?;
    same_octets("root", root, &expect.array::<32>("root")?)
}

/// All levels, the leaves first.
fn grow(mut nodes: Vec<Node>) -> Vec<Vec<Node>> {
    let levels = merkle::levels(nodes.len());
    let mut tree = Vec::with_capacity(levels);
    for _ in 0..levels {
        tree.push(nodes.clone());
        let above = merkle::ascend(&mut nodes);
        nodes.truncate(above);
    }
    tree
}

fn check_widths(tree: &[Vec<Node>], expect: Fields<'_>) -> Result<(), Reason> {
    let leaves = tree.first().map_or(0, Vec::len);
    let expected: Vec<_> = expect.list("nodes_per_level")?.iter().map(Value::as_u64).collect();
    let found: Vec<_> = tree.iter().map(|level| u64::try_from(level.len()).ok()).collect();
    same("nodes per level", &found, &expected)?;
    let computed = (0..tree.len()).map(|level| u64::try_from(merkle::width(leaves, level)).ok());
    same("nodes per level as computed", computed.collect(), expected)
}

fn check_level(level: &[Node], expected: &Value) -> Result<(), Reason> {
    let expected = expected.as_array().ok_or_else(|| Reason::new("a level of the tree is no list"))?;
    same_octets("level", level.as_flattened(), parse(expected)?.as_flattened())
}

fn nodes(fields: Fields<'_>, key: &str) -> Result<Vec<Node>, Reason> {
    parse(fields.list(key)?)
}

fn parse(nodes: &[Value]) -> Result<Vec<Node>, Reason> {
    let node = |node: &Value| octets(node.as_str()?)?.try_into().ok();
    nodes.iter().map(|value| node(value).ok_or_else(|| Reason::new("a node is odd, expected 32 octets"))).collect()
}
