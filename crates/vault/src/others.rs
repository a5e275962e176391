//! The other nodes of the network, as the configuration lists them.

use std::sync::Arc;

use raida_config::{Config, Peer};
use raida_node::{NoPeers, Peers};
use raida_peers::{Address, Circle, Cycle, Healing, Keeper, Patience, Redeemer};
use raida_store::Store;

use crate::error::VaultError;

/// Whom Fix asks.
pub(crate) fn peers(config: &Config) -> Result<Arc<dyn Peers>, VaultError> {
    let (server, fixes_max) = (&config.server, config.peers.fixes_max);
    if server.raida_servers.is_empty() {
        return Ok(Arc::new(NoPeers));
    }
    let nodes = addresses(&server.raida_servers);
    let redeemer = Redeemer::new(server.raida_id, server.coin_id, nodes, patience(config), fixes_max);
    Ok(Arc::new(redeemer.map_err(|error| VaultError::Thread { purpose: "names of nodes", error })?))
}

/// Compares roots with those of the mirrors, or else of the network, from time to time, where the configuration says so.
pub(crate) fn integrity(config: &Config, store: &Arc<Store>) -> Result<Option<Keeper>, VaultError> {
    let (server, integrity) = (&config.server, &config.integrity);
    let (id, coin_id, mirrors) = (server.raida_id, server.coin_id, addresses(&integrity.mirrors));
    let healing = integrity.heal.then(|| Healing { keys: integrity.mirror_keys.clone() });
    let circle = if mirrors.is_empty() {
        Circle::network(id, coin_id, addresses(&server.raida_servers))
    } else {
        Circle::mirrors(id, coin_id, mirrors, healing)
    };
    let circle = circle.map_err(VaultError::Circle)?;
    if circle.is_empty() || !server.synchronization_enabled {
        return Ok(None);
    }
    let (vote_wait, pages_max) = (integrity.vote, integrity.pages_max);
    let cycle = Cycle { vote_wait, pages_max, patience: patience(config), ..Cycle::new(circle) };
    let keeper = Keeper::start(store, cycle, server.integrity_interval, drop);
    keeper.map(Some).map_err(|error| VaultError::Thread { purpose: "integrity cycles", error })
}

fn patience(config: &Config) -> Patience {
    Patience::new(config.peers.connect, config.peers.total)
}

fn addresses(peers: &[Peer]) -> Vec<Address> {
    // Both read the same texts; a test compares them.
    peers.iter().filter_map(|peer| peer.to_string().parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_peer_that_can_be_configured_can_be_asked() {
        let mut config = Config::load(&raida_config::Sources::default()).unwrap().config;
        let peers = ["raida0.example.com:50000", "192.0.2.7:1", "[2001:db8::1]:65535", "under_score:7"];
        config.server.raida_servers = peers.iter().map(|text| text.parse().unwrap()).collect();
        let found: Vec<_> = addresses(&config.server.raida_servers).iter().map(ToString::to_string).collect();
        assert_eq!(found, peers);
    }
}
