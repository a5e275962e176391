//! Requests that cost most.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::Result;
use raida_behaviour::request::plain;

use super::slow_header::Dripping;
use crate::finding::Finding;
use crate::owner::Owner;
use crate::siege::Siege;
use crate::stage::Stage;
use crate::swarm::{Habit, Swarm};

/// The attacker has no coin, and asks for as much work as can be had without one: the longest Detect, Find and Detect Sum,
/// and the longest bodies under the names of coins that exist, whose HMAC the node has to compute before it knows that the
/// key was guessed. As soon as one is answered the next one follows.
pub(crate) fn play(stage: &Stage) -> Result<Finding> {
    let node = stage.node().start();
    Owner::of(&node, 0, 10)?;
    let coins = |each: usize, count: usize, behind: usize| {
        let mut payload: Vec<u8> = (0..count).flat_map(|coin| coin_in(each, coin)).collect();
        payload.extend(vec![0; behind]);
        payload
    };
    let kinds = [
        plain(1, 10, &coins(21, 3119, 0), 1),
        plain(2, 60, &coins(37, 1770, 0), 1),
        plain(1, 11, &coins(5, 13_100, 16), 1),
        guessed(4),
        guessed(5),
    ];
    Siege::of(&node).play(
        stage,
        &node,
        kinds.map(|kind| swarm(stage, node.address(), kind)).into_iter().collect::<Vec<_>>(),
    )
}

/// A coin of denomination 0 and what stands behind it, so many octets together. Each lies on another page.
fn coin_in(each: usize, coin: usize) -> Vec<u8> {
    let mut octets = vec![0; each];
    let number = u32::try_from(coin * 1024 % 1_024_000).unwrap_or_default();
    octets[1..5].copy_from_slice(&number.to_be_bytes());
    octets
}

/// The longest body under the first two coins, sealed with nothing.
fn guessed(kind: u8) -> Vec<u8> {
    let mut request = plain(1, 10, &[], 1);
    request.truncate(24);
    request[16..24].copy_from_slice(&[kind, 0xFF, 0xFF, 0, 0, 0, 0, 0]);
    request.extend([0, 0, 0, 0, 1]);
    request.resize(48 + 65_533, 0x55);
    request.extend([0x3E, 0x3E]);
    request
}

fn swarm(stage: &Stage, node: SocketAddr, opening: Vec<u8>) -> Dripping {
    let habit = Habit { opening, drip: Vec::new(), pause: Duration::from_millis(20), reads: true, room: None };
    Dripping(Swarm::new(node, vec![Ipv4Addr::LOCALHOST], stage.many(50), habit))
}
