//! A hashed timer wheel: deadlines armed, moved and disarmed in constant time.

use std::time::Duration;

use raida_conn::Instant;

use crate::lists::Lists;

/// How late a deadline may be noticed. It is never noticed early.
pub const TICK: Duration = Duration::from_micros(TICK_US);

const TICK_US: u64 = 8192;
const BUCKETS: u32 = 512;
const WORDS: usize = (BUCKETS / 64) as usize;
/// The list behind the buckets: what has expired and was not collected yet.
const DUE: u32 = BUCKETS;

/// One deadline for each of `items` numbers.
///
/// A deadline is rounded up to the next tick and hung into the bucket of that tick; deadlines further away than one turn
/// of the wheel (about four seconds) are passed over until their turn comes.
#[derive(Debug)]
pub struct Wheel {
    lists: Lists,
    /// The tick at which an armed item is due.
    ticks: Box<[u64]>,
    /// One bit per bucket that is not empty.
    occupied: [u64; WORDS],
    /// The first tick that has not been looked at.
    hand: u64,
}

impl Wheel {
    /// A wheel for the items `0..items`, none of them armed.
    #[must_use]
    pub fn new(items: u32) -> Self {
        let ticks = (0..items).map(|_| 0).collect();
        Self { lists: Lists::new(items, BUCKETS + 1), ticks, occupied: [0; WORDS], hand: 0 }
    }

    /// Sets the item's deadline, in place of an earlier one.
    pub fn arm(&mut self, item: u32, deadline: Instant) {
        self.disarm(item);
        let tick = deadline.as_micros().div_ceil(TICK_US);
        let Some(own) = self.ticks.get_mut(item as usize) else { return };
        *own = tick;
        if tick < self.hand {
            self.lists.push_back(DUE, item);
        } else {
            self.lists.push_back(bucket(tick), item);
            self.mark(bucket(tick), true);
        }
    }

    /// Sees to it that the item is told of by its deadline. An earlier one stays where it is, because moving it costs more
    /// than being told too early once: whoever is told looks at the deadline again.
    pub fn arm_by(&mut self, item: u32, deadline: Instant) {
        if !self.lists.contains(item) || self.tick(item) > deadline.as_micros().div_ceil(TICK_US) {
            self.arm(item, deadline);
        }
    }

    /// Forgets the item's deadline.
    pub fn disarm(&mut self, item: u32) {
        if self.lists.remove(item) {
            self.unmark_if_empty(bucket(self.tick(item)));
        }
    }

    /// When to call [`pop`](Self::pop) next, at the latest: the nearest deadline or, where that is more than one turn of
    /// the wheel away, something earlier. `None`: nothing is armed.
    #[must_use]
    pub fn next(&self) -> Option<Instant> {
        if self.lists.front(DUE).is_some() {
            return Some(Instant::from_micros(0));
        }
        let tick = self.hand.saturating_add(self.first_marked()?);
        Some(Instant::from_micros(tick.saturating_mul(TICK_US)))
    }

    /// How many buckets behind the hand's the first one is that is not empty, once round.
    fn first_marked(&self) -> Option<u64> {
        let (word, bit) = (bucket(self.hand) as usize / 64, bucket(self.hand) % 64);
        let behind_the_hand = !0_u64 << bit;
        (0..=WORDS).find_map(|step| {
            let marks = self.occupied.get((word + step) % WORDS)?;
            let marks = match step {
                0 => marks & behind_the_hand,
                WORDS => marks & !behind_the_hand,
                _ => *marks,
            };
            (marks != 0).then(|| 64 * step as u64 + u64::from(marks.trailing_zeros()) - u64::from(bit))
        })
    }

    /// Takes an item whose deadline has passed, and disarms it.
    pub fn pop(&mut self, now: Instant) -> Option<u32> {
        self.advance(now.as_micros() / TICK_US);
        let item = self.lists.front(DUE)?;
        self.lists.remove(item);
        Some(item)
    }

    /// Moves what is due at tick `now` or before to the due list. Every bucket is looked at once at most.
    fn advance(&mut self, now: u64) {
        let first = self.hand.max((now + 1).saturating_sub(u64::from(BUCKETS)));
        for tick in first..=now {
            if self.is_marked(bucket(tick)) {
                self.sweep(bucket(tick), now);
            }
        }
        self.hand = self.hand.max(now + 1);
    }

    fn sweep(&mut self, bucket: u32, now: u64) {
        let mut next = self.lists.front(bucket);
        while let Some(item) = next {
            next = self.lists.behind(item);
            if self.tick(item) <= now {
                self.lists.push_back(DUE, item);
            }
        }
        self.unmark_if_empty(bucket);
    }

    fn tick(&self, item: u32) -> u64 {
        self.ticks.get(item as usize).copied().unwrap_or(0)
    }

    fn unmark_if_empty(&mut self, bucket: u32) {
        if self.lists.front(bucket).is_none() {
            self.mark(bucket, false);
        }
    }

    fn mark(&mut self, bucket: u32, occupied: bool) {
        if let Some(word) = self.occupied.get_mut(bucket as usize / 64) {
            let bit = 1 << (bucket % 64);
            *word = if occupied { *word | bit } else { *word & !bit };
        }
    }

    fn is_marked(&self, bucket: u32) -> bool {
        self.occupied.get(bucket as usize / 64).is_some_and(|word| word & (1 << (bucket % 64)) != 0)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the remainder is below the number of buckets")]
fn bucket(tick: u64) -> u32 {
    (tick % u64::from(BUCKETS)) as u32
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Move {
        Arm(u32, u64),
        ArmBy(u32, u64),
        Disarm(u32),
        Pass(u64),
    }

    fn moves() -> impl Strategy<Value = Vec<Move>> {
        let one = prop_oneof![
            (0u32..12, 0u64..30_000_000).prop_map(|(item, ahead)| Move::Arm(item, ahead)),
            (0u32..12, 0u64..50_000).prop_map(|(item, ahead)| Move::Arm(item, ahead)),
            (0u32..12, 0u64..9_000_000).prop_map(|(item, ahead)| Move::ArmBy(item, ahead)),
            (0u32..12).prop_map(Move::Disarm),
            (0u64..20_000).prop_map(Move::Pass),
            (0u64..40_000_000).prop_map(Move::Pass),
        ];
        prop::collection::vec(one, 0..120)
    }

    proptest! {
        #[test]
        fn the_wheel_agrees_with_a_sorted_map(start in 0u64..10_000_000_000, moves in moves()) {
            let (mut wheel, mut model) = (Wheel::new(12), BTreeMap::new());
            let mut now = start;
            for step in moves {
                match step {
                    Move::Arm(item, ahead) => {
                        wheel.arm(item, Instant::from_micros(now + ahead));
                        model.insert(item, now + ahead);
                    }
                    Move::ArmBy(item, ahead) => {
                        wheel.arm_by(item, Instant::from_micros(now + ahead));
                        // Within a tick, which of the two stays makes no difference.
                        let earlier = model.get(&item).copied().filter(|at: &u64| at.div_ceil(TICK_US) <= (now + ahead).div_ceil(TICK_US));
                        model.insert(item, earlier.unwrap_or(now + ahead));
                    }
                    Move::Disarm(item) => {
                        wheel.disarm(item);
                        model.remove(&item);
                    }
                    Move::Pass(by) => now += by,
                }
                while let Some(item) = wheel.pop(Instant::from_micros(now)) {
                    let deadline = model.remove(&item).expect("only armed items expire, once");
                    prop_assert!(deadline <= now, "noticed early");
                }
                prop_assert!(model.values().all(|&deadline| deadline + TICK_US > now), "noticed too late");
                let nearest = model.values().min();
                prop_assert_eq!(wheel.next().is_some(), nearest.is_some());
                if let (Some(next), Some(nearest)) = (wheel.next(), nearest) {
                    prop_assert!(next.as_micros() < nearest + TICK_US, "the wait would be too long");
                    prop_assert!(next.as_micros() > now, "the wait would be none");
                }
            }
        }
    }
}
