//! The numbers of coins that are not issued: nobody can predict them, and nothing has to be written.

use hmac::{Hmac, KeyInit, Mac};
use raida_wire::{AuthenticityNumber, CoinId};
use sha2::Sha256;
use zeroize::Zeroizing;

/// A keyed function from coins to numbers.
///
/// Source: protocol §7.4
pub(crate) struct Unissued(Hmac<Sha256>);

impl Unissued {
    pub(crate) fn new(secret: &[u8; 32]) -> Self {
        // Any length of key is fine, and this one is fixed.
        let hmac = Hmac::new_from_slice(secret).unwrap_or_else(|_| Hmac::new(&Default::default()));
        Self(hmac)
    }

    pub(crate) fn number(&self, coin: CoinId) -> AuthenticityNumber {
        let octets: Zeroizing<[u8; 32]> = self.derive(b"raida unissued coin", &coin.raw().0);
        let (number, _) = octets.as_chunks::<16>();
        AuthenticityNumber::new(number.first().copied().unwrap_or_default())
    }

    /// Tells whether a store was made with the same secret, and tells nothing else.
    pub(crate) fn check_value(&self) -> [u8; 32] {
        *self.derive(b"raida store secret", &[])
    }

    fn derive(&self, domain: &[u8], name: &[u8]) -> Zeroizing<[u8; 32]> {
        let hmac = self.0.clone().chain_update([u8::try_from(domain.len()).unwrap_or(u8::MAX)]);
        Zeroizing::new(hmac.chain_update(domain).chain_update(name).finalize().into_bytes().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_depend_on_the_coin_and_on_the_secret() {
        let coins = [(0, 1), (1, 0), (0, 256), (-1, 1)].map(|(den, sn)| CoinId::new(den, sn).unwrap());
        let mut seen = Vec::new();
        for secret in [[1; 32], [2; 32]] {
            let unissued = Unissued::new(&secret);
            for coin in coins {
                assert_eq!(unissued.number(coin), unissued.number(coin));
                seen.push(*unissued.number(coin).octets());
            }
            seen.push(*unissued.check_value().first_chunk().unwrap());
        }
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 10);
    }
}
