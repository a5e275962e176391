//! Changes that cost most and come to nothing.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use hdrhistogram::Histogram;
use raida_behaviour::request::plain;

use super::slow_header::Dripping;
use crate::finding::Finding;
use crate::owner::{Change, Owner};
use crate::siege::Siege;
use crate::stage::Stage;
use crate::swarm::{Habit, Swarm};

/// The attacker has no coin, and asks for the longest changes that there are: sums of thousands of coins, and numbers for
/// more than a thousand, all of them wrong. Everybody's changes are made by one thread, and whoever owns a coin must not
/// wait for that thread meanwhile.
pub(crate) fn play(stage: &Stage) -> Result<Finding> {
    let node = stage.node().start();
    let address = node.address();
    Owner::of(&node, 0, 2000)?;
    let mut owner = Owner::of(&node, 500_000, 1)?;
    let quiet = changes(&mut owner, address, &{
        let start = Instant::now();
        move || start.elapsed() >= stage.quiet()
    })?;
    let coins = |each: usize, count: u32, behind: usize| {
        let mut payload: Vec<u8> = (0..count).flat_map(|number| coin(each, number)).collect();
        payload.extend(vec![0; behind]);
        payload
    };
    let kinds = [
        plain(1, 21, &coins(5, 13_097, 32), 1),
        plain(8, 82, &coins(5, 13_097, 32), 1),
        plain(1, 20, &coins(37, 1770, 0), 1),
    ];
    let swarms: Vec<_> = kinds.map(|kind| swarm(stage, address, kind)).into_iter().collect();
    let is_over = AtomicBool::new(false);
    let (finding, seen) = thread::scope(|scope| {
        let owning = scope.spawn(|| changes(&mut owner, address, &|| is_over.load(Ordering::Relaxed)));
        let finding = Siege::of(&node).play(stage, &node, swarms);
        is_over.store(true, Ordering::Relaxed);
        (finding, owning.join())
    });
    let seen = seen.ok().context("the owner panicked")??;
    Ok(finding?
        .remark(format!("an owner's changes, quiet: {}", quiet.told()))
        .remark(format!("meanwhile: {}", seen.told()))
        .expect(seen.refused == 0, || format!("{} changes of an owner were refused", seen.refused)))
}

/// How an owner's changes went.
struct Changes {
    micros: Histogram<u64>,
    refused: u64,
}

impl Changes {
    fn told(&self) -> String {
        let at = |share| Duration::from_micros(self.micros.value_at_quantile(share)).as_secs_f64() * 1000.0;
        let (made, refused) = (self.micros.len(), self.refused);
        format!(
            "{made} made, {refused} refused, p50 {:.1} ms, p99 {:.1} ms, worst {:.1} ms",
            at(0.5),
            at(0.99),
            at(1.0)
        )
    }
}

/// One change behind the other until it `is_over`.
fn changes(owner: &mut Owner, node: SocketAddr, is_over: &dyn Fn() -> bool) -> Result<Changes> {
    let mut changes = Changes { micros: Histogram::new(3)?, refused: 0 };
    while !is_over() {
        let start = Instant::now();
        if owner.pown(node)? == Change::Made {
            changes.micros.record(u64::try_from(start.elapsed().as_micros())?)?;
        } else {
            changes.refused += 1;
        }
        thread::sleep(Duration::from_millis(5));
    }
    Ok(changes)
}

/// A coin of denomination 0 and what stands behind it, so many octets together.
fn coin(each: usize, number: u32) -> Vec<u8> {
    let mut octets = vec![0; each];
    octets[1..5].copy_from_slice(&number.to_be_bytes());
    octets
}

fn swarm(stage: &Stage, node: SocketAddr, opening: Vec<u8>) -> Dripping {
    let habit = Habit { opening, drip: Vec::new(), pause: Duration::from_millis(20), reads: true, room: None };
    Dripping(Swarm::new(node, vec![Ipv4Addr::LOCALHOST], stage.many(70), habit))
}
