//! The other nodes of the network, as the configuration lists them.

use std::num::NonZeroUsize;
use std::sync::Arc;

use raida_config::Config;
use raida_node::{NoPeers, Peers};
use raida_peers::{Address, Circle, Cycle, Keeper, Patience, Redeemer};
use raida_store::Store;

use crate::error::VaultError;

/// How many Fix requests are served at once.
pub(crate) const FIXES_MAX: NonZeroUsize = NonZeroUsize::MIN.saturating_add(1);

/// Whom Fix asks.
pub(crate) fn peers(config: &Config) -> Result<Arc<dyn Peers>, VaultError> {
    let server = &config.server;
    if server.raida_servers.is_empty() {
        return Ok(Arc::new(NoPeers));
    }
    let redeemer = Redeemer::new(server.raida_id, server.coin_id, addresses(config), Patience::default(), FIXES_MAX);
    Ok(Arc::new(redeemer.map_err(|error| VaultError::Thread { purpose: "names of nodes", error })?))
}

/// Asks them for their votes from time to time, where the configuration says so.
pub(crate) fn integrity(config: &Config, store: &Arc<Store>) -> Result<Option<Keeper>, VaultError> {
    let server = &config.server;
    if server.raida_servers.is_empty() || !server.synchronization_enabled {
        return Ok(None);
    }
    let circle = Circle::network(server.raida_id, server.coin_id, addresses(config)).map_err(VaultError::Circle)?;
    let keeper = Keeper::start(store, Cycle::new(circle), server.integrity_interval, drop);
    keeper.map(Some).map_err(|error| VaultError::Thread { purpose: "integrity cycles", error })
}

fn addresses(config: &Config) -> Vec<Address> {
    // Both read the same texts; a test compares them.
    config.server.raida_servers.iter().filter_map(|peer| peer.to_string().parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_peer_that_can_be_configured_can_be_asked() {
        let mut config = Config::load(&raida_config::Sources::default()).unwrap().config;
        let peers = ["raida0.example.com:50000", "192.0.2.7:1", "[2001:db8::1]:65535", "under_score:7"];
        config.server.raida_servers = peers.iter().map(|text| text.parse().unwrap()).collect();
        let found: Vec<_> = addresses(&config).iter().map(ToString::to_string).collect();
        assert_eq!(found, peers);
    }
}
