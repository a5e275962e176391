//! The process is stopped and continued.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::Result;
use raida_behaviour::process;
use rustix::process::Signal;

use crate::finding::Finding;
use crate::honest::Honest;
use crate::siege::descriptors_back;
use crate::stage::Stage;

/// A debugger, a hypervisor or an operator stops the process for a second at a time, less than clients wait. Nobody may
/// lose an answer: the kernel keeps what came, and deadlines that passed meanwhile are no reason to close on those who
/// have sent all.
pub(crate) fn play(stage: &Stage) -> Result<Finding> {
    let node = stage.node().start();
    let honest = Honest::at(node.address());
    let before = process::descriptors_at_rest(node.pid());
    let quiet = honest.ask_for(stage.quiet());
    let is_over = AtomicBool::new(false);
    let stops = stage.many(10);
    let seen = thread::scope(|scope| {
        let asking = scope.spawn(|| honest.ask(&|| is_over.load(Ordering::Relaxed)));
        for _ in 0..stops {
            node.signal(Signal::STOP);
            thread::sleep(Duration::from_secs(1));
            node.signal(Signal::CONT);
            thread::sleep(Duration::from_millis(500));
        }
        is_over.store(true, Ordering::Relaxed);
        asking.join().unwrap_or_default()
    });
    let is_complete = seen.is_complete();
    let back = descriptors_back(&node, before);
    let mut finding = Finding::of(quiet, seen);
    finding.recovery = honest.first_success();
    Ok(finding
        .remark(format!("stopped {stops} times for a second"))
        .expect(is_complete, || "honest requests were not answered".to_owned())
        .expect(back.is_ok(), || "descriptors did not come back".to_owned()))
}
