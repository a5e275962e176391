//! The Merkle roots that votes are answered from.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use raida_wire::vote::{self, ANSWER_LEN, ROOTS_LEN};

/// The newest fifteen roots as one immutable snapshot, zero for every denomination without a tree.
///
/// Whoever builds trees publishes a new snapshot whole; whoever answers a vote reads the one that is there, without lock
/// or allocation, and never half of one and half of the next.
///
/// Source: protocol §6.1
pub struct Roots(ArcSwap<[u8; ROOTS_LEN]>);

impl Roots {
    /// No denomination has a tree.
    #[must_use]
    pub fn none() -> Self {
        Self(ArcSwap::from_pointee([0; ROOTS_LEN]))
    }

    /// Puts these roots in place of the former ones: 15 of 32 octets, denominations -8 to 6.
    pub fn publish(&self, roots: [u8; ROOTS_LEN]) {
        self.0.store(Arc::new(roots));
    }

    /// Answers a vote packet. How long it takes does not depend on where the roots differ.
    #[must_use]
    pub fn answer(&self, request: &vote::Request<'_>) -> [u8; ANSWER_LEN] {
        vote::answer(request, &self.0.load())
    }
}

impl Default for Roots {
    fn default() -> Self {
        Self::none()
    }
}

impl fmt::Debug for Roots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Roots").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asks(roots: &Roots, asked: &[u8; ROOTS_LEN]) -> Result<bool, vote::AnswerError> {
        let mut packet = [0; vote::REQUEST_LEN];
        vote::ask(asked, &[0x5A; 16], &mut packet);
        let request = vote::Request::parse(&packet).expect("a vote packet");
        vote::read(&roots.answer(&request), &[0x5A; 16])
    }

    #[test]
    fn a_node_without_trees_agrees_with_zeros_and_with_nothing_else() {
        assert_eq!(asks(&Roots::none(), &[0; ROOTS_LEN]), Ok(true));
        let mut other = [0; ROOTS_LEN];
        other[479] = 1;
        assert_eq!(asks(&Roots::none(), &other), Ok(false));
    }

    #[test]
    fn a_vote_is_answered_from_what_was_published_last() {
        let roots = Roots::none();
        roots.publish([7; ROOTS_LEN]);
        assert_eq!(asks(&roots, &[7; ROOTS_LEN]), Ok(true));
        assert_eq!(asks(&roots, &[0; ROOTS_LEN]), Ok(false));
    }
}
