//! Who plays the exchange cases: a real node, and the state that it has to be in.

use std::fmt;

use raida_wire::{AuthenticityNumber, CoinId, Month};

use crate::case::{Fields, Reason};
use crate::profile::coin_id;

/// A way to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// A connection per request.
    Tcp,
    /// One datagram there, one back.
    Udp,
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
        })
    }
}

/// Starts nodes and asks them. What goes wrong on the way is told as a text.
pub trait Player {
    /// Starts a node in this state, in place of the one before it.
    ///
    /// # Errors
    ///
    /// Why there is no such node. The cases then fail for this reason.
    fn start(&mut self, state: &State) -> Result<(), String>;

    /// Sends a whole request to the node and gives all octets that come back.
    ///
    /// # Errors
    ///
    /// Why nothing came back. The case then fails for this reason.
    fn ask(&mut self, transport: Transport, request: &[u8]) -> Result<Vec<u8>, String>;
}

/// The state that a file assumes its node to be in.
#[derive(Debug)]
pub struct State {
    /// The node's number in the network.
    pub raida_id: u8,
    /// The coin network.
    pub coin_id: u16,
    /// The longest datagram.
    pub datagram_max: usize,
    /// What admin commands must carry.
    pub admin_key: AuthenticityNumber,
    /// Every record that exists: coin, number, month. Without a month, the coin is not issued.
    pub records: Vec<(CoinId, AuthenticityNumber, Month)>,
}

impl State {
    pub(crate) fn read(profile: Fields<'_>) -> Result<Self, Reason> {
        let record = |value| {
            let coin = Fields::new("coin", value);
            Ok((coin_id(coin, "den", "sn")?, coin.array("an")?.into(), Month(coin.number("mfs")?)))
        };
        Ok(Self {
            raida_id: profile.number("raida_id")?,
            coin_id: profile.number("coin_id")?,
            datagram_max: profile.number("udp_payload_limit")?,
            admin_key: profile.array("admin_key")?.into(),
            records: profile.list("coins")?.iter().map(record).collect::<Result<_, Reason>>()?,
        })
    }
}
