//! The buffers of one reactor: two sizes, bounded in total, wiped when they come back.

use crate::buffer::{Buffer, LARGE, SMALL};

/// Length of a buffer that holds a refusal and nothing else, in octets.
pub const TINY: usize = 64;

/// Hands out buffers and takes them back.
///
/// Sizes are [`SMALL`] and [`LARGE`]; both count against one bound, free ones included, so the memory can be named in
/// advance. [`TINY`] ones do not count: a refusal must always be possible. There is one per connection at most, and no other
/// answer joins it there.
///
/// A request that is still being read is in the hands of its peer, who may take his time. [`take_to_read`] therefore
/// leaves a quarter of the bound to requests that are whole: peers who never finish cannot keep the others from being
/// answered.
///
/// [`take_to_read`]: Self::take_to_read
#[derive(Debug)]
pub struct BufferPool {
    tiny: Vec<Buffer>,
    tiny_lent: usize,
    small: Vec<Buffer>,
    large: Vec<Buffer>,
    booked: usize,
    /// Octets of those that have grown and are lent out.
    grown: usize,
    bound: usize,
}

impl BufferPool {
    /// A pool that never owns more than `bound` octets, [`TINY`] buffers and grown answers aside. Allocates nothing yet.
    #[must_use]
    pub const fn new(bound: usize) -> Self {
        Self { tiny: Vec::new(), tiny_lent: 0, small: Vec::new(), large: Vec::new(), booked: 0, grown: 0, bound }
    }

    /// Gives the pool another bound. What it owns beyond it is kept, and nothing is added.
    pub const fn rebound(&mut self, bound: usize) {
        self.bound = bound;
    }

    /// A zeroed buffer of at least `len` octets, or `None` where the bound is reached or `len` is above [`LARGE`].
    pub fn take(&mut self, len: usize) -> Option<Buffer> {
        if len <= SMALL {
            self.small.pop().or_else(|| self.allocate(SMALL))
        } else if len <= LARGE {
            self.large.pop().or_else(|| self.allocate(LARGE))
        } else {
            None
        }
    }

    /// As [`take`](Self::take), for octets that a peer still owes: `None` also where that would leave less than a quarter
    /// of the bound.
    pub fn take_to_read(&mut self, len: usize) -> Option<Buffer> {
        if size(len) > self.free_to_read() { None } else { self.take(len) }
    }

    /// Octets that are left for what peers still owe.
    pub(crate) fn free_to_read(&self) -> usize {
        (self.bound - self.bound / 4).saturating_sub(self.lent())
    }

    /// A buffer with `octets` at its front.
    pub fn take_copy(&mut self, octets: &[u8]) -> Option<Buffer> {
        let mut buffer = self.take(octets.len())?;
        buffer.front_mut(octets.len()).get_mut(..octets.len())?.copy_from_slice(octets);
        Some(buffer)
    }

    /// A zeroed buffer of [`TINY`] octets.
    pub fn take_tiny(&mut self) -> Buffer {
        self.tiny_lent += 1;
        self.tiny.pop().unwrap_or_else(|| Buffer::zeroed(TINY))
    }

    /// Takes a buffer back and wipes it. One that has grown is freed, so that the sizes stay what they are.
    pub fn put(&mut self, mut buffer: Buffer) {
        let class = match (buffer.len(), buffer.booked()) {
            (TINY, 0) => {
                self.tiny_lent = self.tiny_lent.saturating_sub(1);
                &mut self.tiny
            }
            (SMALL, SMALL) => &mut self.small,
            (LARGE, LARGE) => &mut self.large,
            _ => {
                self.booked = self.booked.saturating_sub(buffer.booked());
                self.grown = self.grown.saturating_sub(grown(&buffer));
                return;
            }
        };
        buffer.wipe();
        class.push(buffer);
    }

    /// Whether what a buffer has grown by can be booked within the bound. Free buffers give way to it, but those that have
    /// grown take half of the bound at most: peers who are slow to read long answers cannot keep the others from theirs.
    pub fn make_room(&mut self, buffer: &Buffer) -> bool {
        let growth = growth(buffer);
        if growth == 0 {
            return true;
        }
        self.grown + buffer.len() <= self.bound / 2 && self.shrink(growth)
    }

    /// Books what a buffer has grown by since it was taken. May pass the bound: then nothing is handed out for a while.
    pub fn book_growth(&mut self, buffer: &mut Buffer) {
        let growth = growth(buffer);
        if growth > 0 {
            self.grown -= grown(buffer);
            self.booked += growth;
            let len = buffer.len();
            buffer.book(len);
            self.grown += grown(buffer);
        }
    }

    /// Octets owned now, free ones included.
    #[must_use]
    pub fn octets(&self) -> usize {
        self.booked
    }

    /// How many buffers for refusals are lent out now.
    #[must_use]
    pub fn tiny_lent(&self) -> usize {
        self.tiny_lent
    }

    /// Octets lent out now, those of refusals aside.
    #[must_use]
    pub fn lent(&self) -> usize {
        self.booked - self.small.len() * SMALL - self.large.len() * LARGE
    }

    /// A new buffer, for which free ones of the other size give way.
    fn allocate(&mut self, len: usize) -> Option<Buffer> {
        if !self.shrink(len) {
            return None;
        }
        self.booked += len;
        let mut buffer = Buffer::zeroed(len);
        buffer.book(len);
        Some(buffer)
    }

    /// Frees free buffers until `len` more octets are within the bound, if that is possible.
    fn shrink(&mut self, len: usize) -> bool {
        while self.booked + len > self.bound {
            let Some(freed) = self.large.pop().or_else(|| self.small.pop()) else { return false };
            self.booked -= freed.booked();
        }
        true
    }
}

/// What a buffer that counts has grown by since that was booked.
fn growth(buffer: &Buffer) -> usize {
    if buffer.booked() == 0 { 0 } else { buffer.len().saturating_sub(buffer.booked()) }
}

/// What a buffer counts among those that have outgrown their size.
fn grown(buffer: &Buffer) -> usize {
    if matches!(buffer.booked(), 0 | SMALL | LARGE) { 0 } else { buffer.booked() }
}

/// How long the buffer is that holds `len` octets.
pub(crate) const fn size(len: usize) -> usize {
    if len <= SMALL { SMALL } else { LARGE }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_a_peer_wrote_is_gone_when_the_buffer_comes_back() {
        let mut pool = BufferPool::new(SMALL);
        let mut buffer = pool.take(10).unwrap();
        buffer.as_mut().fill(0xA5);
        pool.put(buffer);
        assert!(pool.take(SMALL).unwrap().as_ref().iter().all(|&octet| octet == 0));
    }

    #[test]
    fn of_an_answer_what_was_asked_for_is_wiped() {
        let mut pool = BufferPool::new(SMALL);
        let mut buffer = pool.take(10).unwrap();
        buffer.front_mut(100).fill(0xA5);
        assert_eq!(buffer.front_mut(10).len(), 100, "what was written can be read again");
        buffer.front_mut(SMALL + 1).fill(0xA5);
        pool.put(buffer);
        let mut buffer = pool.take(10).unwrap();
        buffer.front_mut(100).fill(0xA5);
        pool.put(buffer);
        assert!(pool.take(SMALL).unwrap().as_ref().iter().all(|&octet| octet == 0));
    }

    #[test]
    fn free_buffers_of_one_size_give_way_to_the_other() {
        let mut pool = BufferPool::new(LARGE + SMALL);
        let (first, second) = (pool.take(1).unwrap(), pool.take(1).unwrap());
        assert!(pool.take(LARGE).is_none(), "two small ones are out");
        pool.put(first);
        pool.put(second);
        assert!(pool.take(LARGE).is_some());
        assert!(pool.octets() <= LARGE + SMALL);
    }

    #[test]
    fn requests_being_read_leave_a_quarter_to_whole_ones() {
        let mut pool = BufferPool::new(4 * LARGE);
        let being_read: Vec<Buffer> = std::iter::from_fn(|| pool.take_to_read(LARGE)).collect();
        assert_eq!(being_read.len(), 3);
        assert!(pool.take_to_read(1).is_none());
        assert!(pool.take(1).is_some() && pool.octets() <= 4 * LARGE);
    }

    #[test]
    fn a_grown_answer_is_booked_and_freed() {
        let mut pool = BufferPool::new(10 * SMALL);
        let mut buffer = pool.take(1).unwrap();
        buffer.grow(20 * SMALL);
        pool.book_growth(&mut buffer);
        assert!(pool.take(1).is_none(), "the bound is passed");
        pool.put(buffer);
        assert_eq!(pool.octets(), 0);
        assert!(pool.take(1).is_some());
    }

    #[test]
    fn grown_answers_have_half_of_the_bound_and_no_more() {
        let mut pool = BufferPool::new(100 * SMALL);
        let mut grown: Vec<Buffer> = Vec::new();
        for fits in [true, true, false] {
            let mut buffer = pool.take(1).unwrap();
            buffer.grow(20 * SMALL);
            assert_eq!(pool.make_room(&buffer), fits);
            if fits {
                pool.book_growth(&mut buffer);
            }
            grown.push(buffer);
        }
        assert!(pool.octets() <= 100 * SMALL);
        grown.drain(1..).for_each(|buffer| pool.put(buffer));
        let mut buffer = pool.take(1).unwrap();
        buffer.grow(20 * SMALL);
        assert!(pool.make_room(&buffer), "one has gone");
    }

    #[test]
    fn free_buffers_give_way_to_a_long_answer() {
        let mut pool = BufferPool::new(100 * SMALL);
        let small: Vec<Buffer> = std::iter::from_fn(|| pool.take(1)).collect();
        small.into_iter().for_each(|buffer| pool.put(buffer));
        let mut answer = pool.take(1).unwrap();
        answer.grow(40 * SMALL);
        assert!(pool.make_room(&answer));
        pool.book_growth(&mut answer);
        assert!(pool.octets() <= 100 * SMALL);
    }

    proptest! {
        #[test]
        fn the_bound_holds_and_the_books_balance(
            bound in 0usize..5 * LARGE,
            moves in prop::collection::vec((any::<bool>(), 1usize..LARGE + 100, any::<prop::sample::Index>()), 0..100),
        ) {
            let mut pool = BufferPool::new(bound);
            let mut lent: Vec<Buffer> = Vec::new();
            for (take, len, pick) in moves {
                if take {
                    if let Some(buffer) = pool.take(len) {
                        prop_assert!(buffer.len() >= len);
                        lent.push(buffer);
                    }
                } else if !lent.is_empty() {
                    pool.put(lent.swap_remove(pick.index(lent.len())));
                }
                prop_assert!(pool.octets() <= bound);
                prop_assert_eq!(pool.lent(), lent.iter().map(Buffer::len).sum::<usize>());
            }
            lent.into_iter().for_each(|buffer| pool.put(buffer));
            prop_assert_eq!(pool.lent(), 0);
        }
    }
}
