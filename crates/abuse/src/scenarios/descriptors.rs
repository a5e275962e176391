//! No descriptor is left.

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::Result;
use raida_behaviour::process;

use super::slow_header::Dripping;
use crate::finding::Finding;
use crate::siege::{Attacker, Siege};
use crate::stage::Stage;
use crate::swarm::{Habit, Swarm};

/// Somebody, or the operator's own mistake, leaves the process without descriptors: the limit is lowered under it while
/// clients knock. Those who come wait or are turned away; datagrams go on, and the node must not spin. When descriptors
/// are back, everybody is served at once.
pub(crate) fn play(stage: &Stage) -> Result<Finding> {
    let node = stage.node().start();
    let (pid, most) = (node.pid(), process::descriptors_max(node.pid()));
    let habit = Habit { opening: vec![1], drip: Vec::new(), pause: Duration::from_secs(1), reads: true, room: None };
    let swarm = Swarm::new(node.address(), vec![Ipv4Addr::LOCALHOST], KNOCKING, habit);
    // The lowest free numbers are given out first, so this many more can be had.
    let before = process::descriptors_at_rest(pid);
    let limit = u64::try_from(before + 20)?;
    let squeeze = move |most| process::limit_descriptors(pid, most);
    let attacker = Squeezing { swarm: Dripping(swarm), limit, most, squeeze: Box::new(squeeze) };
    let finding = Siege { tcp_is_served: false, must_rest: true, ..Siege::of(&node) }.play(stage, &node, attacker)?;
    let has_bitten = finding.used.is_some_and(|used| used.descriptors_max < before + KNOCKING);
    if has_bitten {
        return Ok(finding);
    }
    // A ring that was asked once to accept many keeps the limit of that moment.
    Ok(finding
        .remark("the lowered limit was not noticed, so the node never was without descriptors: nothing was tested"))
}

/// Connections of the attacker.
const KNOCKING: usize = 200;

struct Squeezing {
    swarm: Dripping,
    limit: u64,
    most: u64,
    squeeze: Box<dyn Fn(u64) + Send>,
}

impl Attacker for Squeezing {
    fn begin(&mut self) -> Result<()> {
        (self.squeeze)(self.limit);
        self.swarm.begin()
    }

    fn go_on(&mut self) -> Result<()> {
        self.swarm.go_on()
    }

    fn tally(&self) -> String {
        self.swarm.tally()
    }
}

impl Drop for Squeezing {
    fn drop(&mut self) {
        (self.squeeze)(self.most);
    }
}
