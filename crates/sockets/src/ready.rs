//! The ready list: who has something to do, in the order in which it came about.

use std::collections::VecDeque;

use crate::source::Source;

/// A queue of sources. Each is in it at most once, which its own [`Place`] remembers: the queue never outgrows the number
/// of places, and everybody in it gets one turn before anybody gets a second.
#[derive(Debug)]
pub struct Ready {
    queue: VecDeque<Source>,
}

/// Whether a source stands in the ready list.
#[derive(Debug, Default)]
pub struct Place {
    taken: bool,
}

impl Ready {
    /// For `places` sources.
    #[must_use]
    pub fn new(places: usize) -> Self {
        Self { queue: VecDeque::with_capacity(places) }
    }

    /// Puts `source`, whose place this is, at the end, unless it stands there already.
    pub fn push(&mut self, source: Source, place: &mut Place) {
        if !place.taken {
            place.taken = true;
            self.queue.push_back(source);
        }
    }

    /// Who is next. The caller frees the place.
    pub fn pop(&mut self) -> Option<Source> {
        self.queue.pop_front()
    }

    /// Whether nobody is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }
}

impl Place {
    /// Notes that the source has left the list.
    pub fn free(&mut self) {
        self.taken = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_gets_a_turn_before_anybody_gets_a_second() {
        let (mut ready, mut first, mut second) = (Ready::new(2), Place::default(), Place::default());
        ready.push(Source::Listener(0), &mut first);
        ready.push(Source::Listener(1), &mut second);
        ready.push(Source::Listener(0), &mut first);
        assert_eq!(ready.pop(), Some(Source::Listener(0)));
        first.free();
        ready.push(Source::Listener(0), &mut first);
        assert_eq!(ready.pop(), Some(Source::Listener(1)));
        assert_eq!(ready.pop(), Some(Source::Listener(0)));
        assert!(ready.is_empty());
    }
}
