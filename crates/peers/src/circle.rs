//! Whom an integrity cycle asks.

use std::error::Error;
use std::fmt;

use raida_client::{Address, Target};

use crate::heal::Healing;

/// Most peers that are asked, so that thirteen of them are a majority.
pub const PEERS_MAX: usize = 24;

/// Whom an integrity cycle asks. Only mirrors can be healed from: every node of the network has other authenticity
/// numbers for the same coin.
///
/// ```
/// use raida_peers::{Address, Circle, CircleError};
///
/// let nodes: Vec<Address> = (50_000..50_025).map(|port| format!("192.0.2.1:{port}").parse()).collect::<Result<_, _>>()?;
/// assert_eq!(Circle::network(7, 6, nodes.clone())?.len(), 24);
/// assert_eq!(Circle::mirrors(7, 6, nodes, None).err(), Some(CircleError::TooMany(25)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Source: protocol §6.4
#[derive(Clone, Debug)]
pub struct Circle {
    pub(crate) peers: Vec<Target>,
    pub(crate) kind: Kind,
}

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// The other nodes of the network. Their trees are none of our business.
    Network,
    /// Nodes of the same id with the same coins.
    Mirrors {
        /// `None`: what differs is looked for and reported, and nothing is changed.
        healing: Option<Healing>,
    },
}

impl Circle {
    /// The other nodes of the network: their roots agree with ours only while nothing is issued. `nodes` are all, in the
    /// order of their ids; this one, `raida_id`, is left out.
    ///
    /// # Errors
    ///
    /// More than [`PEERS_MAX`] others, or the same address twice.
    pub fn network(raida_id: u8, coin_id: u16, nodes: Vec<Address>) -> Result<Self, CircleError> {
        let all = (0..=u8::MAX).zip(nodes);
        let others = all.filter(|(id, _)| *id != raida_id).map(|(id, address)| target(id, coin_id, address));
        Self::new(others.collect(), Kind::Network)
    }

    /// The other mirrors of this node, without itself. All are `raida_id`.
    ///
    /// # Errors
    ///
    /// More than [`PEERS_MAX`], or the same address twice.
    pub fn mirrors(
        raida_id: u8,
        coin_id: u16,
        mirrors: Vec<Address>,
        healing: Option<Healing>,
    ) -> Result<Self, CircleError> {
        let peers = mirrors.into_iter().map(|address| target(raida_id, coin_id, address)).collect();
        Self::new(peers, Kind::Mirrors { healing })
    }

    /// How many are asked.
    #[must_use]
    pub fn len(&self) -> usize {
        self.peers.len()
    }

    /// Whether nobody is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.peers.is_empty()
    }

    fn new(peers: Vec<Target>, kind: Kind) -> Result<Self, CircleError> {
        if peers.len() > PEERS_MAX {
            return Err(CircleError::TooMany(peers.len()));
        }
        for (place, peer) in peers.iter().enumerate() {
            if peers.iter().take(place).any(|other| other.address == peer.address) {
                return Err(CircleError::Twice(peer.address.clone()));
            }
        }
        Ok(Self { peers, kind })
    }
}

fn target(raida_id: u8, coin_id: u16, address: Address) -> Target {
    Target { raida_id, coin_id, ..Target::new(address) }
}

/// Why these peers are no circle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CircleError {
    /// So many, more than [`PEERS_MAX`]: thirteen would be no majority.
    TooMany(usize),
    /// One address that is listed twice would have two votes.
    Twice(Address),
}

impl fmt::Display for CircleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooMany(found) => write!(f, "{found} peers, expected {PEERS_MAX} at most"),
            Self::Twice(address) => write!(f, "peer {address} is listed twice, expected once"),
        }
    }
}

impl Error for CircleError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_one_vote() {
        let address: Address = "mirror.example:50000".parse().unwrap();
        let error = Circle::mirrors(3, 6, vec![address.clone(), address], None).unwrap_err();
        assert_eq!(error.to_string(), "peer mirror.example:50000 is listed twice, expected once");
    }
}
