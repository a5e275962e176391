//! All tickets for one.

use std::net::Ipv4Addr;

use anyhow::Result;
use raida_behaviour::request::plain;

use crate::finding::Finding;
use crate::honest::{Honest, number};
use crate::owner::Owner;
use crate::stage::Stage;

/// There are 512 tickets, and each lives for five minutes. The owner of a single coin asks for one after the other, from one
/// network; another owner elsewhere still has to get one, or coins could not be healed as long as the attacker likes.
pub(crate) fn play(stage: &Stage) -> Result<Finding> {
    let node = stage.node().config("limits.loopback_exempt = false").start();
    let (attacker, owner) = (Owner::of(&node, 0, 1)?, Owner::of(&node, 1000, 1)?);
    let ask = |who: &Owner, source| {
        let honest = Honest { source, ..Honest::at(node.address()) };
        honest.exchange(&plain(2, 40, &who.proof(), number())).map(|answer| answer.get(2).copied().unwrap_or_default())
    };
    let mut got = 0;
    for turn in 0_u8..=255 {
        for _ in 0..4 {
            got += usize::from(ask(&attacker, Ipv4Addr::new(127, 7, 7, turn.max(1)))? == 241);
        }
    }
    let status = ask(&owner, Ipv4Addr::new(127, 8, 8, 8))?;
    Ok(Finding::default()
        .remark(format!("1024 tickets were asked for by the owner of one coin, and {got} were given"))
        .expect(got > 0, || "the attacker got no ticket at all: nothing was tested".to_owned())
        .expect(status == 241, || format!("nobody else gets a ticket any more: status {status}")))
}
