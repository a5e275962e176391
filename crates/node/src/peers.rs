//! The other nodes of the network, as far as commands need them.

use std::fmt;
use std::net::IpAddr;
use std::ops::ControlFlow;

use raida_wire::{CoinId, Status};

/// Asks other nodes.
pub trait Peers: Send + Sync + 'static {
    /// Redeems tickets: each at the node of that id, as this node, all at once. Tells `hear` of each node the coins of its
    /// ticket, as the answers come, until that breaks off: those who are silent then are not waited for.
    ///
    /// Runs on a worker and may block, but not for longer than 32 seconds altogether.
    ///
    /// Source: protocol §5.4
    fn validate(&self, claims: &[(u8, u32)], hear: &mut Hear<'_>);

    /// Whether a claim in the name of this node may come from this address. Everybody's, where no peers are configured.
    ///
    /// Asked on the I/O thread: it must not block, nor look up names.
    ///
    /// Source: protocol §5.4
    fn may_claim(&self, raida_id: u8, from: IpAddr) -> bool;
}

/// What is done with one node's word. Breaks off where nothing that others may say would change anything.
pub type Hear<'a> = dyn FnMut(u8, Result<Vec<CoinId>, PeerError>) -> ControlFlow<()> + 'a;

/// Why a peer gave no coins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PeerError {
    /// Nobody said where it is.
    Unknown,
    /// It could not be reached in time, or did not answer in time.
    Unreachable,
    /// Its answer makes no sense.
    Garbled,
    /// It refused.
    Refused(Status),
}

impl fmt::Display for PeerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("its address is not configured"),
            Self::Unreachable => f.write_str("it could not be reached in time"),
            Self::Garbled => f.write_str("its answer makes no sense"),
            Self::Refused(status) => write!(f, "it answered {status}"),
        }
    }
}

impl std::error::Error for PeerError {}

/// A network of one: every claim fails, and anybody may claim.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoPeers;

impl Peers for NoPeers {
    fn validate(&self, claims: &[(u8, u32)], hear: &mut Hear<'_>) {
        let _ = claims.iter().try_for_each(|(raida_id, _)| hear(*raida_id, Err(PeerError::Unknown)));
    }

    fn may_claim(&self, _: u8, _: IpAddr) -> bool {
        true
    }
}
