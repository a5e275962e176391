//! Every connection is taken.

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::Result;

use super::slow_header::Dripping;
use crate::finding::Finding;
use crate::siege::Siege;
use crate::stage::Stage;
use crate::swarm::{Habit, Swarm};

/// A botnet holds every connection that the node can have, hardly ever says an octet, and knocks for more. Nobody new
/// gets a connection as long as that lasts; datagrams go on, and the node must not spin.
pub(crate) fn play(stage: &Stage) -> Result<Finding> {
    let most = stage.many(9_800);
    let patient = "timeouts.progress_ms = 60000\ntimeouts.request_ms = 60000";
    let node = stage.node().config(&format!("limits.connections_max = {most}")).config(patient).start();
    let habit = Habit { opening: vec![1], drip: vec![0], pause: Duration::from_secs(20), reads: true, room: None };
    let sources = (1..=250).map(|net| Ipv4Addr::new(127, 9, net, 1)).collect();
    let swarm = Swarm::new(node.address(), sources, most + 200, habit);
    let siege = Siege { tcp_is_served: false, must_rest: true, ..Siege::of(&node) };
    let finding = siege.play(stage, &node, Dripping(swarm))?;
    Ok(finding.remark("over TCP nobody is promised anything while all connections are taken: only UDP is judged"))
}
