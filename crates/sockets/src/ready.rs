//! The ready list: who has something to do, in the order in which it came about.

use std::collections::VecDeque;

use crate::source::Source;

/// A queue of sources. Each is in it at most once, which its own [`Place`] remembers: the queue never outgrows the number
/// of places. Every connection in it gets one turn before any of them gets a second. Whom newcomers and results come through
/// waits for some of the others at most: else thousands of busy connections would let in one newcomer a round.
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

    /// Puts `source`, whose place this is, in the line, unless it stands there already.
    pub fn push(&mut self, source: Source, place: &mut Place) {
        if !place.taken {
            place.taken = true;
            self.queue.insert(patience(source).min(self.queue.len()), source);
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

/// Behind how many others a source may have to stand. There are not more listeners than that, so they can not keep everybody
/// else waiting; and a batch of datagrams is as much work as so many turns.
const fn patience(source: Source) -> usize {
    match source {
        Source::Waker => 0,
        Source::Listener(_) => 16,
        Source::DatagramPort(_) => 64,
        Source::Connection(_) => usize::MAX,
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
    use raida_reactor::token::Token;

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

    #[test]
    fn a_crowd_holds_up_newcomers_for_some_turns_only_and_is_served_itself() {
        let mut ready = Ready::new(1018);
        let crowd = |slot| Source::Connection(Token::new(slot, 0));
        (0..1000).for_each(|slot| ready.push(crowd(slot), &mut Place::default()));
        (0..16).for_each(|number| ready.push(Source::Listener(number), &mut Place::default()));
        ready.push(Source::DatagramPort(0), &mut Place::default());
        let mut turns = [0; 3];
        for _ in 0..1700 {
            let Some(source) = ready.pop() else { break };
            let kind = match source {
                Source::Waker | Source::DatagramPort(_) => 0,
                Source::Listener(_) => 1,
                Source::Connection(_) => 2,
            };
            turns[kind] += 1;
            ready.push(source, &mut Place::default());
        }
        assert!(turns[1] >= 1500, "sixteen busy listeners: {turns:?}");
        assert!(turns[0] >= 1 && turns[2] >= 50, "the others: {turns:?}");
        ready.push(Source::Waker, &mut Place::default());
        assert_eq!(ready.pop(), Some(Source::Waker));
    }
}
