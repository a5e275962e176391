//! Group 0, status: is the node there, what is it, what has it done.
//!
//! Source: protocol §5.3

use raida_wire::{Status, audit, stats};

use crate::asked::Asked;
use crate::node::Node;
use crate::reply::Reply;
use crate::setback::Outcome;
use crate::version::BUILD_DATE;

/// 0/0: whatever the payload, success.
pub(crate) fn echo(_: &Node, _: &Asked<'_>, _: &mut Reply<'_, '_>) -> Outcome {
    Ok(Status::SUCCESS)
}

/// 0/1: the build date.
pub(crate) fn version(_: &Node, _: &Asked<'_>, reply: &mut Reply<'_, '_>) -> Outcome {
    reply.payload(&BUILD_DATE);
    Ok(Status::SUCCESS)
}

/// 0/2: the counters, for whoever presents the admin key. What follows the key is ignored.
pub(crate) fn show_stats(node: &Node, asked: &Asked<'_>, reply: &mut Reply<'_, '_>) -> Outcome {
    let presented = asked.payload().take()?;
    if !node.settings().admin_key.is(presented) {
        return Err(Status::ADMIN_AUTH.into());
    }
    reply.proved();
    let mut octets = [0; stats::LEN];
    node.statistics().read().emit(&mut octets);
    reply.payload(&octets);
    Ok(Status::SUCCESS)
}

/// 0/3: issued coins per denomination.
pub(crate) fn audit(node: &Node, _: &Asked<'_>, reply: &mut Reply<'_, '_>) -> Outcome {
    let mut octets = [0; audit::LEN];
    node.store().issued().emit(&mut octets);
    reply.payload(&octets);
    Ok(Status::SUCCESS)
}
