//! Slow readers: an answer that nobody takes.

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::Result;
use raida_behaviour::request::plain;

use super::slow_header::Dripping;
use crate::finding::Finding;
use crate::siege::Siege;
use crate::stage::Stage;
use crate::swarm::{Habit, Swarm};

/// The attacker asks for all Merkle roots, the largest answer that anybody gets, with the smallest receive buffer that
/// there is, never reads, and never closes.
pub(crate) fn play(stage: &Stage) -> Result<Finding> {
    let node = stage.node().start();
    let habit = Habit {
        opening: plain(14, 5, &[0; 480], 0),
        drip: Vec::new(),
        pause: Duration::from_secs(1),
        reads: false,
        room: Some(1),
    };
    let swarm = Swarm::new(node.address(), vec![Ipv4Addr::LOCALHOST], stage.many(2000), habit);
    Siege::of(&node).play(stage, &node, Dripping(swarm))
}
