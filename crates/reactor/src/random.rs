//! Random octets for the nonce field of refusals with a long header.

/// Draws from the operating system, many at a time.
///
/// Nothing is ever encrypted under what is drawn here: a refusal has no body. So where the system has no randomness to
/// give, the last octets are used again rather than leaving a client without its answer.
#[derive(Debug)]
pub(crate) struct Random {
    stock: [[u8; 24]; STOCK],
    left: usize,
}

const STOCK: usize = 40;

impl Random {
    /// An empty stock.
    pub(crate) const fn new() -> Self {
        Self { stock: [[0; 24]; STOCK], left: 0 }
    }

    /// The next 24 octets.
    pub(crate) fn draw(&mut self) -> [u8; 24] {
        if self.left == 0 {
            // A failure leaves the old octets; see above.
            let _ = getrandom::fill(self.stock.as_flattened_mut());
            self.left = STOCK;
        }
        self.left -= 1;
        self.stock.get(self.left).copied().unwrap_or_default()
    }
}

/// A word nobody outside can guess, for keyed tables.
pub(crate) fn secret_word() -> u64 {
    getrandom::u64().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_draws_are_alike() {
        let mut random = Random::new();
        let mut drawn: Vec<_> = (0..200).map(|_| random.draw()).collect();
        drawn.sort_unstable();
        drawn.dedup();
        assert_eq!(drawn.len(), 200);
    }
}
