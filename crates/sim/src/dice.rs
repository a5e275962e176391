//! Chance, all of it from one seed.

/// A stream of numbers that is the same for the same seed, on every machine.
#[derive(Clone, Debug)]
pub struct Dice {
    state: u64,
}

impl Dice {
    /// The stream of `seed`.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next number, any of 64 bits.
    pub fn roll(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.state;
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        word ^ (word >> 31)
    }

    /// A number below `bound`; 0 where there is none.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.roll().checked_rem(bound).unwrap_or(0)
    }

    /// An index below `len`; 0 where there is none.
    pub fn index(&mut self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).unwrap_or(0)
    }

    /// True in `percent` of a hundred cases.
    pub fn odds(&mut self, percent: u8) -> bool {
        self.below(100) < u64::from(percent)
    }

    /// How many of `len` octets get through at once: all of them or, in `percent` of a hundred cases, fewer; at least one.
    pub fn part(&mut self, len: usize, percent: u8) -> usize {
        if len > 1 && self.odds(percent) { 1 + self.index(len - 1) } else { len }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_gives_one_stream() {
        let stream = |seed| {
            let mut dice = Dice::new(seed);
            [(); 8].map(|()| dice.roll())
        };
        assert_eq!(stream(7), stream(7));
        assert_ne!(stream(7), stream(8));
    }

    #[test]
    fn a_part_is_never_nothing_and_never_more() {
        let mut dice = Dice::new(1);
        for len in 1..200 {
            assert!((1..=len).contains(&dice.part(len, 90)));
        }
    }
}
