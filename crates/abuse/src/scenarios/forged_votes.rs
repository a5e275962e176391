//! Votes from everywhere.

use std::net::Ipv4Addr;

use anyhow::Result;
use raida_behaviour::request::echo_request;

use super::udp_flood::Flood;
use crate::finding::Finding;
use crate::honest::Honest;
use crate::siege::Siege;
use crate::stage::Stage;

/// Anybody may ask for a vote, and a datagram's source is easily forged: the attacker sends votes and echoes from hundreds of
/// networks, so that no limit on one source holds it up, and the table of sources overflows. Honest clients are answered.
pub(crate) fn play(stage: &Stage) -> Result<Finding> {
    let node = stage.node().config("limits.loopback_exempt = false\nlimits.sources_max = 64").start();
    let honest = Honest { source: Ipv4Addr::new(127, 8, 8, 8), ..Honest::at(node.address()) };
    let mut vote = vec![0; 497];
    vote[0] = 7;
    let sources = (0..=255).map(|net| Ipv4Addr::new(127, 9, net, 1));
    let flood = Flood::from_sources(node.address(), sources, vec![vote, echo_request(9)])?;
    Siege { honest, ..Siege::of(&node) }.play(stage, &node, flood)
}
