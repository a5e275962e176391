//! Real nodes behind loopback sockets: what is asked here is what they answer.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use raida_node::testing::{HandClock, MONTH, ask_from, exchange, settings};
use raida_node::{NoPeers, Node, Peers, Settings, Surroundings};
use raida_peers::{End, Healed, Outcome, Patience, Redeemer};
use raida_reactor::service::{Service, Transport};
use raida_store::{PageId, Record, Store};
use raida_wire::{AuthenticityNumber, CoinId, Command, Status, vote};

use crate::fake_peer::{Asked, Deed, FakePeer, closed_port};
use crate::mirror::{RAIDA_ID, change, coin, contents, cycle, empty_store, keys, record, run, store};

/// A node on a socket.
fn serve(node: &Arc<Node>) -> FakePeer {
    let (by_tcp, by_udp) = (Arc::clone(node), Arc::clone(node));
    let on_stream = move |mut stream: TcpStream| {
        let (mut octets, mut chunk, from) = (Vec::new(), [0; 4096], stream.peer_addr().unwrap());
        while let Ok(read @ 1..) = stream.read(&mut chunk) {
            octets.extend_from_slice(&chunk[..read]);
            if let Some(answer) = ask_from(&by_tcp, &octets, Transport::Tcp, from) {
                return drop(stream.write_all(&answer));
            }
        }
    };
    FakePeer::with(on_stream, move |datagram| Some(by_udp.vote(&vote::Request::parse(datagram)?).to_vec()))
}

/// A node on the coins of this store.
fn node_on(store: &Arc<Store>, settings: Settings, peers: impl Peers) -> Arc<Node> {
    let (clock, calendar) = (Arc::new(HandClock::default()), Arc::new(|| MONTH));
    Arc::new(Node::new(settings, Surroundings { store: Arc::clone(store), clock, calendar, peers: Arc::new(peers) }))
}

/// What every node but 24 knows a coin by.
fn number(raida_id: u8, coin: CoinId) -> AuthenticityNumber {
    AuthenticityNumber::fixed(raida_id, coin, b"sixteen of these")
}

/// A node of this id that has issued these coins.
fn network_node(raida_id: u8, coins: &[CoinId]) -> Arc<Node> {
    let store = empty_store(raida_id);
    change(&store, coins.iter().map(|coin| (*coin, Record { an: number(raida_id, *coin), month: MONTH })));
    node_on(&store, settings(raida_id), NoPeers)
}

/// A ticket for these coins.
fn ticket(node: &Node, coins: &[CoinId]) -> u32 {
    let raida_id = node.settings().raida_id;
    let claim = |coin: &CoinId| [&coin.raw().0[..], number(raida_id, *coin).octets()].concat();
    let (status, body) = exchange(node, Command::GET_TICKET, &coins.iter().flat_map(claim).collect::<Vec<_>>());
    assert_eq!(status, Status::ALL_PASS);
    u32::from_be_bytes(body.try_into().unwrap())
}

#[test]
fn a_fractured_coin_is_fixed_by_tickets_of_thirteen_real_nodes_among_others() {
    let coins = [coin(0, 5), coin(-3, 70_000)];
    let nodes: Vec<_> = (0..13).map(|id| network_node(id, &coins)).collect();
    let mut peers: Vec<_> = nodes.iter().map(serve).collect();
    // The others are silent, refuse, list coins that are not in their ticket, or are down.
    let others: [fn(&Asked<'_>) -> Deed; 3] = [
        |_| Deed::Silence,
        |_| Deed::Answer(Status::NO_TICKET_FOUND, Vec::new()),
        |_| Deed::Answer(Status::SUCCESS, coin(6, 6).raw().0.to_vec()),
    ];
    peers.extend((13..23).zip(others.into_iter().cycle()).map(|(id, other)| FakePeer::start(id, other)));
    let (closed, _stream, _listener) = closed_port();
    let own_place = "127.0.0.1:1".parse().unwrap();
    let places = peers.iter().map(FakePeer::address).chain([closed, own_place]).collect();
    let patience = Patience::new(Duration::from_secs(2), Duration::from_secs(5));
    let redeemer = Redeemer::new(24, 6, places, patience, NonZeroUsize::MIN).unwrap();
    let broken = node_on(&empty_store(24), settings(24), redeemer);

    let tickets: Vec<u32> = nodes.iter().map(|node| ticket(node, &coins)).chain([1; 11]).chain([0]).collect();
    let pg = [0x61; 16];
    // The third coin is in the tickets of liars only, and these are too few.
    let asked = [coins[0], coins[1], coin(6, 6)];
    let named: Vec<u8> = asked.iter().flat_map(|coin| coin.raw().0).collect();
    let tickets: Vec<u8> = tickets.into_iter().flat_map(u32::to_be_bytes).collect();
    let fix = [&named[..], &pg, &tickets].concat();
    assert_eq!(exchange(&broken, Command::FIX, &fix), (Status::MIXED, vec![0b011]));
    for coin in coins {
        let expected = Some(AuthenticityNumber::fixed(24, coin, &pg));
        assert_eq!(broken.store().read(coin).unwrap().map(|record| record.an), expected);
    }
    assert_eq!(broken.store().read(asked[2]).unwrap(), None);

    // A ticket counts once per node: nothing is left of them.
    assert_eq!(exchange(&broken, Command::FIX, &fix), (Status::ALL_FAIL, Vec::new()));
}

#[test]
fn real_mirrors_show_their_trees_and_give_their_pages_to_who_has_the_key() {
    let (truth, own) = (store(), store());
    change(&own, [(coin(0, 5 * 1024), record(99))]);
    let node = node_on(&truth, Settings { mirror_keys: keys().to_vec(), ..settings(RAIDA_ID) }, NoPeers);
    let peers: Vec<_> = (0..13).map(|_| serve(&node)).collect();
    let Outcome::Outvoted { healed: Some(healed), .. } = run(&cycle(&peers), &own).outcome else {
        panic!("13 have the same ballot")
    };
    let page = PageId::of(coin(0, 5 * 1024));
    assert_eq!(healed, Healed { differing: vec![], replaced: vec![page], coins: 1, end: End::Complete });
    assert_eq!(contents(&own), contents(&truth));
    assert_eq!(run(&cycle(&peers), &own).outcome, Outcome::Agreed);
}

#[test]
fn real_nodes_that_list_no_key_coin_give_no_page() {
    let (truth, own) = (store(), store());
    change(&own, [(coin(0, 5 * 1024), record(99))]);
    let before = contents(&own);
    let node = node_on(&truth, settings(RAIDA_ID), NoPeers);
    let peers: Vec<_> = (0..13).map(|_| serve(&node)).collect();
    let Outcome::Outvoted { healed: Some(healed), .. } = run(&cycle(&peers), &own).outcome else {
        panic!("13 have the same ballot")
    };
    assert_eq!(healed, Healed { differing: vec![], replaced: vec![], coins: 0, end: End::NoMirrorLeft });
    assert_eq!(contents(&own), before);
}
