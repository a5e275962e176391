//! Large answers that nobody takes.

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::Result;
use raida_behaviour::request::plain;
use raida_client::wire::AuthenticityNumber;

use super::slow_header::Dripping;
use crate::finding::Finding;
use crate::owner::Owner;
use crate::siege::Siege;
use crate::stage::Stage;
use crate::swarm::{Habit, Swarm};

/// Coins in one request at most.
const TOGETHER: u32 = 13_000;

/// The attacker owns many coins of the least worth and has put them all into one locker: to look into it is the longest
/// answer that can be had without the operator's key, five octets for each coin. It looks through hundreds of connections
/// with the smallest receive buffers that there are; half of them never read, the others take a little every second, so that
/// no deadline but the last one ends them.
pub(crate) fn play(stage: &Stage) -> Result<Finding> {
    let node = stage.node().start();
    let key = AuthenticityNumber::new([[7; 12].as_slice(), &[0xFF; 4]].concat().try_into().unwrap_or([0xFF; 16]));
    for part in 0..u32::try_from(stage.many(20))? {
        Owner::of(&node, part * TOGETHER, TOGETHER)?.store(node.address(), &key)?;
    }
    let swarm = |reads| {
        let opening = plain(8, 83, key.octets(), 1);
        let habit = Habit { opening, drip: Vec::new(), pause: Duration::from_secs(1), reads, room: Some(1) };
        Dripping(Swarm::new(node.address(), vec![Ipv4Addr::LOCALHOST], stage.many(500), habit))
    };
    Siege::of(&node).play(stage, &node, vec![swarm(false), swarm(true)])
}
