//! Doubly linked lists of small numbers, in two words per number and without allocation after start.

/// Lists over the items `0..items`, each item on at most one list at a time.
///
/// Nodes `0..items` are the items, the nodes behind them are the heads of the lists; every list is a ring through its
/// head, and an item on no list is a ring of itself. Numbers out of range are on no list.
#[derive(Debug)]
pub(crate) struct Lists {
    nodes: Box<[Node]>,
    items: u32,
    heads: u32,
}

/// The neighbours of one node.
#[derive(Clone, Copy, Debug)]
struct Node {
    next: u32,
    prev: u32,
}

impl Lists {
    /// `heads` empty lists for `items` items.
    pub(crate) fn new(items: u32, heads: u32) -> Self {
        let alone = |node| Node { next: node, prev: node };
        Self { nodes: (0..items.saturating_add(heads)).map(alone).collect(), items, heads }
    }

    /// Puts `item` last on list `head`, taking it from the list it was on.
    pub(crate) fn push_back(&mut self, head: u32, item: u32) {
        if item >= self.items || head >= self.heads {
            return;
        }
        self.remove(item);
        let head = self.items + head;
        let last = self.node(head).prev;
        self.set_next(last, item);
        self.set_next(item, head);
        self.set_prev(item, last);
        self.set_prev(head, item);
    }

    /// Takes `item` off its list, and says whether it was on one.
    pub(crate) fn remove(&mut self, item: u32) -> bool {
        if item >= self.items || !self.contains(item) {
            return false;
        }
        let Node { next, prev } = self.node(item);
        self.set_next(prev, next);
        self.set_prev(next, prev);
        self.set_next(item, item);
        self.set_prev(item, item);
        true
    }

    /// Whether `item` is on a list.
    pub(crate) fn contains(&self, item: u32) -> bool {
        self.node(item).next != item
    }

    /// The first item of list `head`.
    pub(crate) fn front(&self, head: u32) -> Option<u32> {
        self.item(self.node(self.items.saturating_add(head)).next)
    }

    /// The item behind `item` on the same list.
    pub(crate) fn behind(&self, item: u32) -> Option<u32> {
        let next = self.node(item).next;
        if next == item { None } else { self.item(next) }
    }

    fn item(&self, node: u32) -> Option<u32> {
        (node < self.items).then_some(node)
    }

    fn node(&self, node: u32) -> Node {
        self.nodes.get(node as usize).copied().unwrap_or(Node { next: node, prev: node })
    }

    fn set_next(&mut self, node: u32, next: u32) {
        if let Some(node) = self.nodes.get_mut(node as usize) {
            node.next = next;
        }
    }

    fn set_prev(&mut self, node: u32, prev: u32) {
        if let Some(node) = self.nodes.get_mut(node as usize) {
            node.prev = prev;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn lists_agree_with_queues(moves in prop::collection::vec((0u32..3, 0u32..9, any::<bool>()), 0..200)) {
            let (mut lists, mut model) = (Lists::new(8, 2), [VecDeque::new(), VecDeque::new()]);
            for (head, item, push) in moves {
                let held = model.iter().any(|queue: &VecDeque<u32>| queue.contains(&item));
                let possible = item < 8 && head < 2;
                if !push || possible {
                    model.iter_mut().for_each(|queue| queue.retain(|&held| held != item));
                }
                if push {
                    lists.push_back(head, item);
                    if possible {
                        model[head as usize].push_back(item);
                    }
                } else {
                    prop_assert_eq!(lists.remove(item), held);
                }
                for (head, queue) in (0u32..).zip(&model) {
                    let listed: VecDeque<u32> = std::iter::successors(lists.front(head), |&item| lists.behind(item)).collect();
                    prop_assert_eq!(&listed, queue);
                }
            }
        }
    }
}
