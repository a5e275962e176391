//! The payload of a question, written once and wiped when dropped.

use raida_wire::{AuthenticityNumber, CoinId, RawCoinId};
use zeroize::Zeroizing;

/// Octets in the order in which they are written. The room is taken at once, so that no growth leaves a copy of a secret
/// behind.
pub(crate) struct Payload(Zeroizing<Vec<u8>>);

impl Payload {
    /// Room for so many octets.
    pub(crate) fn with_room(len: usize) -> Self {
        Self(Zeroizing::new(Vec::with_capacity(len)))
    }

    pub(crate) fn octets(mut self, octets: &[u8]) -> Self {
        self.0.extend_from_slice(octets);
        self
    }

    pub(crate) fn number(self, number: &AuthenticityNumber) -> Self {
        self.octets(number.octets())
    }

    pub(crate) fn coin(self, coin: CoinId) -> Self {
        let RawCoinId(octets) = coin.raw();
        self.octets(&octets)
    }

    pub(crate) fn coins(self, coins: impl IntoIterator<Item = CoinId>) -> Self {
        coins.into_iter().fold(self, Self::coin)
    }

    pub(crate) fn u32(self, number: u32) -> Self {
        self.octets(&number.to_be_bytes())
    }

    /// The octets, which are the caller's to wipe.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        std::mem::take(&mut *self.0)
    }
}
