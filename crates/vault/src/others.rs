//! The other nodes of the network, as the configuration lists them.

use std::net::{IpAddr, SocketAddr, UdpSocket};
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
    if let Some(mirror) = integrity.mirrors.iter().find(|mirror| is_here(mirror, &config.listen_addresses())) {
        return Err(VaultError::OwnMirror(mirror.clone()));
    }
    if circle.is_empty() || !server.synchronization_enabled {
        return Ok(None);
    }
    let (vote_wait, pages_max) = (integrity.vote, integrity.pages_max);
    let cycle = Cycle { vote_wait, pages_max, patience: patience(config), ..Cycle::new(circle) };
    let keeper = Keeper::start(store, cycle, server.integrity_interval, drop);
    keeper.map(Some).map_err(|error| VaultError::Thread { purpose: "integrity cycles", error })
}

/// Whether this node listens there itself: on that port, at an address of this host. Names are not looked up.
fn is_here(mirror: &Peer, listened_at: &[SocketAddr]) -> bool {
    let Ok(address) = mirror.host().parse::<IpAddr>() else { return false };
    let listens = |at: &SocketAddr| at.port() == mirror.port() && (at.ip().is_unspecified() || at.ip() == address);
    // The system lets nobody bind to an address that is not this host's.
    listened_at.iter().any(listens) && UdpSocket::bind((address, 0)).is_ok()
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
    fn a_node_is_not_its_own_mirror() {
        let peer = |text: &str| text.parse::<Peer>().unwrap();
        let anywhere: Vec<SocketAddr> = vec!["0.0.0.0:50007".parse().unwrap(), "[::]:50007".parse().unwrap()];
        assert!(is_here(&peer("127.0.0.1:50007"), &anywhere));
        assert!(!is_here(&peer("127.0.0.1:50008"), &anywhere), "another node of this host");
        assert!(!is_here(&peer("192.0.2.1:50007"), &anywhere), "another host");
        let there = ["127.0.0.2:50007".parse().unwrap()];
        assert!(is_here(&peer("127.0.0.2:50007"), &there) && !is_here(&peer("127.0.0.1:50007"), &there));
    }

    #[test]
    fn every_peer_that_can_be_configured_can_be_asked() {
        let mut config = Config::load(&raida_config::Sources::default()).unwrap().config;
        let peers = ["raida0.example.com:50000", "192.0.2.7:1", "[2001:db8::1]:65535", "under_score:7"];
        config.server.raida_servers = peers.iter().map(|text| text.parse().unwrap()).collect();
        let found: Vec<_> = addresses(&config.server.raida_servers).iter().map(ToString::to_string).collect();
        assert_eq!(found, peers);
    }
}
