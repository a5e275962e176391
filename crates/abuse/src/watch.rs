//! What the node's process uses, looked at again and again.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use raida_behaviour::{Node, process};
use serde_json::{Value, json};

/// Memory, descriptors and processor time over a span.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Use {
    /// The most memory that was resident, in octets.
    pub(crate) memory_max: u64,
    /// What the node says at its start that it may use at most, if it does.
    pub(crate) budget: Option<u64>,
    /// The most descriptors.
    pub(crate) descriptors_max: usize,
    /// The share of one processor.
    pub(crate) processor: f64,
}

/// Looks at `node` every 50 ms while `during` runs.
pub(crate) fn watched<T>(node: &Node, during: impl FnOnce() -> T) -> (T, Use) {
    let (pid, is_over) = (node.pid(), AtomicBool::new(false));
    let (start, before) = (Instant::now(), process::processor_time(pid));
    thread::scope(|scope| {
        let eyes = scope.spawn(|| {
            let mut used = Use { budget: budget(node), ..Use::default() };
            while !is_over.load(Ordering::Relaxed) {
                used.memory_max = used.memory_max.max(process::resident_memory(pid));
                used.descriptors_max = used.descriptors_max.max(process::descriptors(pid));
                thread::sleep(Duration::from_millis(50));
            }
            used
        });
        let outcome = during();
        is_over.store(true, Ordering::Relaxed);
        let used = eyes.join().unwrap_or_default();
        let share = process::processor_time(pid).saturating_sub(before).as_secs_f64() / start.elapsed().as_secs_f64();
        (outcome, Use { processor: share, ..used })
    })
}

/// The share of one processor that the node takes for this span.
pub(crate) fn processor_share(node: &Node, span: Duration) -> f64 {
    let ((), used) = watched(node, || thread::sleep(span));
    used.processor
}

/// What the line about the memory budget says, in octets.
fn budget(node: &Node) -> Option<u64> {
    node.log().iter().find_map(|line| budget_in(line))
}

fn budget_in(line: &str) -> Option<u64> {
    let (_, behind) = line.split_once("memory budget ")?;
    let (mebibytes, _) = behind.split_once(" MiB")?;
    mebibytes.parse::<u64>().ok()?.checked_mul(1 << 20)
}

impl Use {
    pub(crate) fn json(&self) -> Value {
        let Self { memory_max, budget, descriptors_max, processor } = self;
        json!({
            "memory_max_bytes": memory_max, "memory_budget_bytes": budget, "descriptors_max": descriptors_max,
            "processor_share": processor,
        })
    }
}

impl fmt::Display for Use {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { memory_max, budget, descriptors_max, processor } = self;
        let mebibytes = |octets: u64| octets >> 20;
        write!(f, "{:.0} % of a processor, {} MiB", processor * 100.0, mebibytes(*memory_max))?;
        if let Some(budget) = budget {
            write!(f, " of a budget of {} MiB", mebibytes(*budget))?;
        }
        write!(f, ", {descriptors_max} descriptors at most")
    }
}

#[cfg(test)]
mod tests {
    use super::budget_in;

    #[test]
    fn the_budget_is_read_from_the_line_that_the_node_logs() {
        let line =
            "2026-11-21T16:00:00Z  INFO raida_server: memory budget 412 MiB: connections=5 buffers=64 connections=100";
        assert_eq!(budget_in(line), Some(412 << 20));
        assert_eq!(budget_in("INFO raida_server: serving"), None);
    }
}
