//! Whom to ask.

use std::fmt;

use crate::address::Address;
use crate::envelope::Envelope;

/// One node: where it is, who it is, and how questions to it are protected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Where it listens, for TCP and for UDP.
    pub address: Address,
    /// Its id, 0 to 24. It refuses questions to another one, and an answer from another one is not accepted.
    pub raida_id: u8,
    /// The coin network it serves.
    pub coin_id: u16,
    /// How questions to it are protected.
    pub envelope: Envelope,
}

impl Target {
    /// The live coin network.
    pub const COIN_ID: u16 = 6;

    /// The node at an address, asked in clear: the RAIDA id that goes with the port (0 if none does), coin id 6. Change
    /// the fields for anything else.
    #[must_use]
    pub fn new(address: Address) -> Self {
        let raida_id = address.customary_raida_id().unwrap_or(0);
        Self { address, raida_id, coin_id: Self::COIN_ID, envelope: Envelope::Clear }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (RAIDA {})", self.address, self.raida_id)
    }
}
