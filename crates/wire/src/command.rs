//! Commands: what octets 4 and 5 of a request ask for.

use core::fmt;

/// A command: its group and its number within the group. Whether it exists is for [`registry`](crate::registry) to say.
///
/// Source: protocol §5.1
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Command {
    /// The group, header octet 4.
    pub group: u8,
    /// The number, header octet 5.
    pub code: u8,
}

impl Command {
    /// Any group and any number.
    #[must_use]
    pub const fn new(group: u8, code: u8) -> Self {
        Self { group, code }
    }

    /// Whether the node answers it without a body and without proof: type 0 Echo, Version and Audit.
    ///
    /// Source: protocol §3.3
    #[must_use]
    pub const fn may_be_bodyless(self) -> bool {
        matches!((self.group, self.code), (0, 0 | 1 | 3))
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.group, self.code)
    }
}
