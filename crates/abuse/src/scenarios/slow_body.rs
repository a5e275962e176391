//! Slow bodies: each connection makes the node keep a buffer of 64 KiB for it.

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::Result;
use raida_behaviour::request::plain;

use super::slow_header::Dripping;
use crate::finding::Finding;
use crate::siege::Siege;
use crate::stage::Stage;
use crate::swarm::{Habit, Swarm};

/// The attacker sends a right header that announces 65 535 octets, and then one octet a second, to tie up memory: 5 000
/// such bodies would be 312 MiB. What the node can not keep it refuses with 254, and the attacker comes again.
pub(crate) fn play(stage: &Stage) -> Result<Finding> {
    let node = stage.node().start();
    let mut opening = plain(1, 10, &[0; 8], 0);
    opening[22..24].fill(0xFF);
    let habit = Habit { opening, drip: vec![0], pause: Duration::from_secs(1), reads: true, room: None };
    let swarm = Swarm::new(node.address(), vec![Ipv4Addr::LOCALHOST], stage.many(5000), habit);
    Siege::of(&node).play(stage, &node, Dripping(swarm))
}
