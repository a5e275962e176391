//! A descriptor kept back for bad times.

use crate::sys::Eventfd;

/// A descriptor that is given up when there are no others, so that waiting connections can be closed instead of being
/// left to time out. An eventfd, because it needs no file system.
#[derive(Debug)]
pub struct Reserve(Option<Eventfd>);

impl Default for Reserve {
    fn default() -> Self {
        Self::new()
    }
}

impl Reserve {
    /// Takes a descriptor into reserve, if there is one.
    #[must_use]
    pub fn new() -> Self {
        Self(Eventfd::new().ok())
    }

    /// Frees the descriptor.
    pub fn spend(&mut self) {
        self.0 = None;
    }

    /// Takes one into reserve again where there is none, if there is one to be had, and says whether there is one now.
    pub fn refill(&mut self) -> bool {
        if self.0.is_none() {
            *self = Self::new();
        }
        self.0.is_some()
    }
}
