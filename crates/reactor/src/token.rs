//! The name of one connection in one slot, never valid for the slot's next tenant.

/// Names a slot and the tenancy it was given out for.
///
/// A slot is reused; a token is not. Every completion carries the token its operation was started with, and a token
/// whose generation is not the slot's present one is dropped at the entrance: a late answer can never reach a stranger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Token {
    slot: u32,
    generation: u32,
}

impl Token {
    /// Names tenancy `generation` of `slot`.
    #[must_use]
    pub const fn new(slot: u32, generation: u32) -> Self {
        Self { slot, generation }
    }

    /// Which slot, counted from 0.
    #[must_use]
    pub const fn slot(self) -> u32 {
        self.slot
    }

    /// Which tenancy of the slot.
    #[must_use]
    pub const fn generation(self) -> u32 {
        self.generation
    }

    /// Both numbers in one word, for kernel interfaces that carry 64 bits of the caller's.
    #[must_use]
    pub const fn to_word(self) -> u64 {
        ((self.generation as u64) << 32) | self.slot as u64
    }

    /// Takes [`to_word`](Self::to_word) apart again.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "each half is 32 bits wide by construction")]
    pub const fn from_word(word: u64) -> Self {
        Self { slot: word as u32, generation: (word >> 32) as u32 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_survives_the_trip_through_a_word() {
        for token in [Token::new(0, 0), Token::new(u32::MAX, 1), Token::new(7, u32::MAX)] {
            assert_eq!(Token::from_word(token.to_word()), token);
        }
    }
}
