//! The other nodes of the network, as the configuration lists them.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;

use raida_config::{Config, Peer};
use raida_node::{NoPeers, Peers, Round, Rounds};
use raida_peers::{Address, Circle, Cycle, Healing, Keeper, Outcome, Patience, Redeemer, Report};
use raida_store::Store;

use crate::error::VaultError;
use crate::vault::seconds;

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

/// Compares roots with those of the mirrors, or else of the network, from time to time, where the configuration says so, and
/// counts these rounds.
pub(crate) fn integrity(
    config: &Config,
    store: &Arc<Store>,
    rounds: &Arc<Rounds>,
) -> Result<Option<Keeper>, VaultError> {
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
    let rounds = Arc::clone(rounds);
    let keeper = Keeper::start(store, cycle, server.integrity_interval, move |report| rounds.count(round(&report)));
    keeper.map(Some).map_err(|error| VaultError::Thread { purpose: "integrity cycles", error })
}

/// A round as it is counted, which ends now.
fn round(report: &Report) -> Round {
    let (differing, healed) = match &report.outcome {
        Outcome::Outvoted { healed: Some(healed), .. } => (healed.differing.len(), healed.replaced.len()),
        Outcome::Outvoted { healed: None, .. }
        | Outcome::Agreed
        | Outcome::Unheard
        | Outcome::FewBallots
        | Outcome::Divided { .. } => (0, 0),
    };
    let silent = report.votes.silent as u64;
    Round { differing: differing as u64, healed: healed as u64, silent, ended: seconds() }
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
    use std::time::{Duration, Instant};

    use raida_peers::{End, Healed, Tally};
    use raida_reactor::clock::SystemClock;
    use raida_store::PageId;

    use super::*;
    use crate::Vault;

    #[test]
    fn a_node_shows_its_rounds_and_who_was_silent_in_them() {
        let (folder, silent) = (tempfile::tempdir().unwrap(), UdpSocket::bind("127.0.0.1:0").unwrap());
        let mut config = Config::load(&raida_config::Sources::default()).unwrap().config;
        config.store.data_dir = folder.path().join("data");
        config.server.synchronization_enabled = true;
        config.server.integrity_interval = Duration::from_millis(5);
        config.integrity.mirrors = vec![silent.local_addr().unwrap().to_string().parse().unwrap()];
        config.integrity.vote = Duration::from_millis(5);
        let before = seconds();
        let vault = Vault::open(&config).unwrap();
        let observer = vault.node(&config, SystemClock::new(), &[]).unwrap().observer();
        let start = Instant::now();
        while observer.figures().integrity_rounds < 2 {
            assert!(start.elapsed() < Duration::from_secs(30), "no rounds: {:?}", observer.figures());
            std::thread::sleep(Duration::from_millis(5));
        }
        let figures = observer.figures();
        assert_eq!((figures.integrity_peers_silent, figures.integrity_pages_differing), (1, 0));
        assert!((before..=seconds()).contains(&figures.integrity_last_round_seconds));
        vault.close();
    }

    #[test]
    fn pages_are_counted_where_mirrors_outvote_this_node() {
        let [first, second, third] = [0, 1, 2].map(|place| PageId::all().nth(place).unwrap());
        let healed = Healed { differing: vec![first], replaced: vec![second, third], coins: 9, end: End::Complete };
        let votes = Tally { matches: 0, mismatches: 14, silent: 2 };
        let outvoted =
            |healed| Report { votes, ballots: 14, outcome: Outcome::Outvoted { denominations: Vec::new(), healed } };
        let counted = |report| Round { ended: 0, ..round(&report) };
        assert_eq!(counted(outvoted(Some(healed))), Round { differing: 1, healed: 2, silent: 2, ended: 0 });
        assert_eq!(counted(outvoted(None)), Round { silent: 2, ..Round::default() });
        assert_eq!(counted(Report { outcome: Outcome::Agreed, ..outvoted(None) }).silent, 2);
    }

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
