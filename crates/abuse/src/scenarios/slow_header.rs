//! Slow headers, as Slowloris does it: a connection costs the attacker one octet a second, and the victim a slot.

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::Result;
use raida_behaviour::request::echo_request;

use crate::finding::Finding;
use crate::siege::{Attacker, Siege};
use crate::stage::Stage;
use crate::swarm::{Habit, Swarm};

/// The attacker opens as many connections as it can, and says one octet of a right header on each just before the node
/// would give up on it. A connection that the node closes is opened again.
pub(crate) fn play(stage: &Stage) -> Result<Finding> {
    let node = stage.node().start();
    let habit = Habit {
        opening: echo_request(0).into_iter().take(1).collect(),
        drip: vec![0],
        pause: Duration::from_secs(1),
        reads: true,
        room: None,
    };
    let swarm = Swarm::new(node.address(), vec![Ipv4Addr::LOCALHOST], stage.many(10_000), habit);
    Siege::of(&node).play(stage, &node, Dripping(swarm))
}

/// A swarm is an attacker.
pub(crate) struct Dripping(pub(crate) Swarm);

impl Attacker for Dripping {
    fn begin(&mut self) -> Result<()> {
        self.0.open_all()
    }

    fn go_on(&mut self) -> Result<()> {
        self.0.turn()
    }

    fn tally(&self) -> String {
        self.0.tally()
    }
}
