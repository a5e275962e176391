//! Requests without end, and nobody who reads the answers.

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::Result;
use raida_behaviour::request::plain;

use super::slow_header::Dripping;
use crate::finding::Finding;
use crate::siege::Siege;
use crate::stage::Stage;
use crate::swarm::{Habit, Swarm};

/// Connections that may stay open are fed with requests back to back. Nobody reads, so answers pile up in the kernel's
/// buffer and then in the node, which has to stop reading and at last to give up.
pub(crate) fn play(stage: &Stage) -> Result<Finding> {
    let node = stage.node().config("limits.requests_per_connection_max = 1000000").start();
    let many: Vec<u8> = (0..20).flat_map(|number| plain(14, 5, &[0; 480], number)).collect();
    let habit =
        Habit { opening: many.clone(), drip: many, pause: Duration::from_millis(20), reads: false, room: Some(1) };
    let swarm = Swarm::new(node.address(), vec![Ipv4Addr::LOCALHOST], stage.many(500), habit);
    Siege::of(&node).play(stage, &node, Dripping(swarm))
}
