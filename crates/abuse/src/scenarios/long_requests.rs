//! All room for half-sent requests is taken.

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::Result;
use raida_behaviour::request::plain;

use super::slow_header::Dripping;
use crate::finding::Finding;
use crate::honest::Honest;
use crate::siege::Siege;
use crate::stage::Stage;
use crate::swarm::{Habit, Swarm};

/// A small botnet of forty networks announces the largest body on two thousand connections and drips it, so that no source is
/// over its limit and all memory for half-sent requests is theirs, for an octet a second each. An honest client asks about
/// thousands of coins meanwhile, and its request comes in pieces, which the node has to keep somewhere.
pub(crate) fn play(stage: &Stage) -> Result<Finding> {
    let node = stage.node().config("limits.loopback_exempt = false").start();
    let mut opening = plain(1, 10, &[0; 8], 0);
    opening[22..24].fill(0xFF);
    let habit = Habit { opening, drip: vec![0], pause: Duration::from_secs(1), reads: true, room: None };
    let sources = (20..60).map(|net| Ipv4Addr::new(127, net, 1, 1)).collect();
    // As many as it takes, however short the scenario is.
    let swarm = Swarm::new(node.address(), sources, 2000, habit);
    let honest = Honest { source: Ipv4Addr::new(127, 8, 8, 8), is_long: true, ..Honest::at(node.address()) };
    Siege { honest, ..Siege::of(&node) }.play(stage, &node, Dripping(swarm))
}
