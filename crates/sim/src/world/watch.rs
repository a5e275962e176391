//! What a node promises at every moment, whoever asks whatever.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use raida_reactor::Instant;
use raida_reactor::counters::Counters;
use raida_reactor::testing::Held;

use super::life::Life;
use super::plan::Plan;
use super::scene::Troubles;
use super::{Violation, violated};

/// Octets that one answer may grow by beyond its buffer: page data and bitmaps, one for each request in flight.
const GROWTH: u64 = 4 << 20;

/// Every so many turns all counters are read.
const FULL_LOOK: u64 = 32;

/// After every turn.
pub(crate) fn every_turn(plan: &Plan, life: &Life, is_stopping: bool) -> Result<(), Violation> {
    let (counters, sim) = (&*life.counters, life.reactor.backend());
    if let Some(what) = sim.broken_promise() {
        return violated(what);
    }
    let open = counters.open.get();
    if counters.turns.get() % FULL_LOOK == 0 {
        ends_are_counted(counters)?;
    }
    let bounds = [
        ("connections", open, u64::from(plan.settings.connections_max)),
        ("requests in flight", counters.in_flight.get(), 2 * plan.settings.completions_max as u64),
        ("requests in the batch", counters.in_batch.get(), plan.settings.completions_max as u64),
        ("octets of buffers", counters.buffer_octets.get(), plan.settings.buffer_octets_max as u64 + GROWTH),
        ("connections of which requests wait", counters.waiting.get(), open),
        ("descriptors", open, sim.descriptors_used() as u64),
    ];
    for (what, found, bound) in bounds {
        if found > bound {
            return violated(format!("{found} {what}, and the bound is {bound}"));
        }
    }
    let (stale, told) = (counters.stale_completions.get(), sim.stale_reported());
    if stale > told && !is_stopping {
        return violated(format!("{stale} results came for connections that were gone, and only {told} had to"));
    }
    Ok(())
}

/// From time to time: who has been here for how long, and from where.
pub(crate) fn at_times(plan: &Plan, life: &Life, troubles: &Troubles, now: Instant) -> Result<(), Violation> {
    let policy = &plan.settings.policy;
    let rounds = policy.requests_max;
    let longest = (policy.idle + policy.request + policy.write) * rounds + policy.linger + Duration::from_secs(10);
    let mut sources: BTreeMap<[u8; 3], u32> = BTreeMap::new();
    for client in life.reactor.backend().at_node() {
        let Some(since) = client.accepted() else { continue };
        if since > troubles.until && now > since + longest {
            return violated(format!("{} was accepted at {since:?} and is still here", client.peer()));
        }
        // One that was refused has no token, and is closed when the next turn begins.
        if let IpAddr::V4(address) = client.peer().ip()
            && client.node.token.is_some()
        {
            let [a, b, c, _] = address.octets();
            let held = sources.entry([a, b, c]).or_default();
            *held += 1;
            if *held > plan.settings.source_connections_max && life.counters.sources_evicted.get() == 0 {
                return violated(format!("{held} connections of one source"));
            }
        }
    }
    Ok(())
}

/// When nobody asks anything any more.
pub(crate) fn at_rest(life: &Life) -> Result<(), Violation> {
    ends_are_counted(&life.counters)?;
    let held = life.reactor.held();
    if held != Held::default() {
        return violated(format!("something did not come back: {held:?}"));
    }
    match life.reactor.backend().descriptors_used() {
        0 => Ok(()),
        used => violated(format!("{used} descriptors did not come back")),
    }
}

/// Each accepted connection ends exactly once, with a reason.
fn ends_are_counted(counters: &Counters) -> Result<(), Violation> {
    let figures = counters.snapshot();
    let (accepted, open, closed) = (figures.accepted, figures.open, figures.closes.iter().sum::<u64>());
    if accepted == open + closed {
        return Ok(());
    }
    violated(format!("{accepted} connections were accepted, {open} are open and {closed} ended with a reason"))
}
