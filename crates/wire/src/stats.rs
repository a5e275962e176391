//! The payload of the answer to Show Stats: four counters, the one little-endian thing on the wire.

use core::fmt;

use crate::octets::put;

/// The size of the payload: four u64.
///
/// Source: protocol §5.3
pub const LEN: usize = 32;

/// What a node has counted since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Echoes answered.
    pub echoes: u64,
    /// Coins powned or stored into lockers.
    pub coins_powned: u64,
    /// Their value, in units of 10^-8 coin.
    pub value_powned: u64,
    /// UDP datagrams received.
    pub udp_datagrams: u64,
}

impl Stats {
    /// Writes the payload.
    pub fn emit(&self, out: &mut [u8; LEN]) {
        put::<0, _, _>(out, self.echoes.to_le_bytes());
        put::<8, _, _>(out, self.coins_powned.to_le_bytes());
        put::<16, _, _>(out, self.value_powned.to_le_bytes());
        put::<24, _, _>(out, self.udp_datagrams.to_le_bytes());
    }

    /// Reads the payload.
    ///
    /// # Errors
    /// When it does not have 32 octets.
    pub fn parse(payload: &[u8]) -> Result<Self, StatsError> {
        let &[echoes, coins_powned, value_powned, udp_datagrams] = payload.as_chunks::<8>().0 else {
            return Err(StatsError { found: payload.len() });
        };
        if payload.len() != LEN {
            return Err(StatsError { found: payload.len() });
        }
        Ok(Self {
            echoes: u64::from_le_bytes(echoes),
            coins_powned: u64::from_le_bytes(coins_powned),
            value_powned: u64::from_le_bytes(value_powned),
            udp_datagrams: u64::from_le_bytes(udp_datagrams),
        })
    }
}

/// Octets that are no stats payload: their number is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatsError {
    /// How many there are, instead of 32.
    pub found: usize,
}

impl fmt::Display for StatsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stats payload has {} octets, expected {LEN}", self.found)
    }
}

impl core::error::Error for StatsError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_come_back_as_they_went_in() {
        let stats = Stats { echoes: 1, coins_powned: 1 << 40, value_powned: u64::MAX, udp_datagrams: 7 };
        let mut octets = [0; LEN];
        stats.emit(&mut octets);
        assert_eq!(octets[0], 1, "little-endian");
        assert_eq!(Stats::parse(&octets), Ok(stats));
        for length in [0, 31] {
            assert_eq!(Stats::parse(&octets[..length]), Err(StatsError { found: length }));
        }
        assert_eq!(Stats::parse(&[0; 33]), Err(StatsError { found: 33 }));
    }
}
