//! What a node has to be told, and what it works with.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use raida_reactor::clock::Clock;
use raida_reactor::counters::Counters;
use raida_store::Store;
use raida_wire::{CoinId, Month};

use crate::admin_key::AdminKey;
use crate::peers::Peers;
use crate::rounds::Rounds;

/// What a node has to be told.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its number in the network, 0 to 24.
    pub raida_id: u8,
    /// The counters of its integrity rounds, which others run.
    pub rounds: Arc<Rounds>,
    /// What Show Stats and the executive commands ask for.
    pub admin_key: AdminKey,
    /// The counters of the reactors it serves, where datagrams are counted.
    pub reactors: Vec<Arc<Counters>>,
    /// Whether executive commands may come from anywhere in clear. The admin key is then for everybody to read.
    ///
    /// Source: protocol §5.5
    pub admin_in_clear: bool,
    /// Whether a node's claims on tickets are taken from that node's address only, where peers are configured.
    ///
    /// Source: protocol §5.4
    pub claims_by_address: bool,
    /// How many Fix requests are served at once, one of each source (/24, /64); datagrams in clear, whose address may be
    /// anybody's, get half of these places, but one at least. Each keeps a worker until its peers have answered: there have
    /// to be more workers than that.
    pub fixes_max: usize,
    /// Whether loopback addresses may have any number of Fix requests among these.
    pub fixes_loopback_exempt: bool,
    /// How often one address may break coins.
    pub breaks: BreakLimit,
    /// How many serial numbers are kept for change.
    pub reservations: ReservationLimit,
    /// How many answers are kept for datagrams that come again; a quarter of them may be failures.
    pub resends_max: usize,
    /// How many nonces of requests under types 1 and 2 are remembered, so that none is used twice. 0: none, and clients may
    /// use one nonce for everything.
    ///
    /// Source: protocol §2.3
    pub nonces_max: usize,
    /// Whether there are Merkle trees for others to see. Where not, all roots are zero.
    ///
    /// Source: protocol §6.4
    pub integrity: bool,
    /// The coins whose owners may fetch whole pages, that is the secrets of 1024 coins at once: mirrors of this node.
    ///
    /// Source: protocol §5.8
    pub mirror_keys: Vec<CoinId>,
}

impl Settings {
    /// The safe and usual: no admin key in clear, claims by address, no mirrors, integrity on.
    #[must_use]
    pub fn new(raida_id: u8, admin_key: AdminKey) -> Self {
        Self {
            raida_id,
            admin_key,
            rounds: Arc::default(),
            reactors: Vec::new(),
            admin_in_clear: false,
            claims_by_address: true,
            fixes_max: 2,
            fixes_loopback_exempt: true,
            breaks: BreakLimit::default(),
            reservations: ReservationLimit::default(),
            resends_max: 4096,
            nonces_max: 0,
            integrity: true,
            mirror_keys: Vec::new(),
        }
    }
}

/// How often one address may break coins.
///
/// Source: protocol §5.7
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakLimit {
    /// So many calls.
    pub calls: usize,
    /// Within any span of this length.
    pub span: Duration,
    /// Whether loopback addresses may call as often as they like.
    pub loopback_exempt: bool,
}

impl Default for BreakLimit {
    /// Thirty in eight hours; loopback is exempt.
    fn default() -> Self {
        Self { calls: 30, span: Duration::from_secs(8 * 60 * 60), loopback_exempt: true }
    }
}

/// How many serial numbers are kept for sessions at once. Anybody may ask for them, so that there have to be bounds.
///
/// Source: protocol §5.7
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReservationLimit {
    /// For all. Where more are asked for, whoever has most gives his oldest up. Half is for those who ask over connections,
    /// half for those who send datagrams, where both do. Some 12 bytes of memory each, 256 at most.
    pub numbers_max: usize,
    /// For one address, or one network of IPv6 (/64): so many over connections, and so many by datagrams, which anybody may
    /// send in its name.
    pub per_address_max: usize,
}

impl Default for ReservationLimit {
    /// 65 536, of which one address has 1024: sixteen calls of 64 numbers each.
    fn default() -> Self {
        Self { numbers_max: 65_536, per_address_max: 1024 }
    }
}

/// What a node works with.
#[derive(Clone)]
pub struct Surroundings {
    /// Its coins.
    pub store: Arc<Store>,
    /// How long ago things were.
    pub clock: Arc<dyn Clock + Send + Sync>,
    /// Which month it is.
    pub calendar: Arc<dyn Calendar>,
    /// The other nodes.
    pub peers: Arc<dyn Peers>,
}

impl fmt::Debug for Surroundings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Surroundings").field("store", &self.store).finish_non_exhaustive()
    }
}

/// Tells the month, for coins that change hands.
pub trait Calendar: Send + Sync + 'static {
    /// The present month, by UTC.
    fn month(&self) -> Month;
}

impl<F: Fn() -> Month + Send + Sync + 'static> Calendar for F {
    fn month(&self) -> Month {
        self()
    }
}
