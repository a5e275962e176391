//! What a node asks other nodes.

use std::fmt;
use std::num::NonZeroU32;
use std::ops::ControlFlow;

use raida_wire::CoinId;

/// The other nodes of the network, as far as Fix needs them. Who implements it has the sockets; the node has none.
///
/// Source: protocol §5.4
pub trait Peers: Send + Sync {
    /// Redeems tickets, each at the node that gave it out, at all of these at the same time. Blocks.
    ///
    /// Every testimony goes to `each` as it arrives, at most one per node, in no order. The wait ends when all have come,
    /// when their time is over, or when `each` breaks it off. A node that refuses, is not known, does not answer in time
    /// or answers nonsense gives no testimony. Of several tickets of one node only the first counts.
    ///
    /// # Errors
    ///
    /// When so much of this is going on already that nobody is asked.
    fn redeem(&self, tickets: &[Ticket], each: &mut dyn FnMut(Testimony) -> ControlFlow<()>) -> Result<(), Busy>;
}

/// A ticket that another node gave out. `Debug` does not show its number.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Ticket {
    /// The node that gave it out, 0 to 24.
    pub raida_id: u8,
    /// Its number at that node.
    pub number: NonZeroU32,
}

/// What one other node says about a ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Testimony {
    /// The node that was asked and answered.
    pub raida_id: u8,
    /// The coins that it found authentic: ascending, each once. Nothing says that they are those which somebody asks for.
    pub coins: Vec<CoinId>,
}

/// As many tickets are being redeemed as may be at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Busy;

/// No other node is known: nobody is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NoPeers;

impl Peers for NoPeers {
    fn redeem(&self, _: &[Ticket], _: &mut dyn FnMut(Testimony) -> ControlFlow<()>) -> Result<(), Busy> {
        Ok(())
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticket").field("raida_id", &self.raida_id).finish_non_exhaustive()
    }
}

impl fmt::Display for Busy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("as many tickets are being redeemed as may be at once")
    }
}

impl std::error::Error for Busy {}
