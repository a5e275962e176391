//! One network takes more connections than it may have.

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::Result;

use super::slow_header::Dripping;
use crate::finding::Finding;
use crate::honest::Honest;
use crate::siege::Siege;
use crate::stage::Stage;
use crate::swarm::{Habit, Swarm};

/// All addresses of one /24 together open ten times the connections that one source may have, say nothing, and open
/// every one again that is turned away. Honest clients come from elsewhere.
pub(crate) fn play(stage: &Stage) -> Result<Finding> {
    let limits = "limits.loopback_exempt = false\nlimits.connections_per_source_max = 100";
    let node = stage.node().config(limits).start();
    let habit = Habit { opening: vec![1], drip: vec![0], pause: Duration::from_millis(500), reads: true, room: None };
    let sources = (1..=250).map(|host| Ipv4Addr::new(127, 7, 7, host)).collect();
    let swarm = Swarm::new(node.address(), sources, 1000, habit);
    let honest = Honest { source: Ipv4Addr::new(127, 8, 8, 8), ..Honest::at(node.address()) };
    Siege { honest, ..Siege::of(&node) }.play(stage, &node, Dripping(swarm))
}
