//! The wall clock jumps.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use anyhow::{Context, Result};

use crate::finding::Finding;
use crate::honest::Honest;
use crate::owner::{Change, Owner};
use crate::stage::Stage;

/// Where Debian and Ubuntu have it.
const LIBRARY: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";

/// A time server gone wrong, a battery run down: the wall clock jumps by an hour, a year, ten years, forth and back.
/// Deadlines hang on the monotonic clock and must not notice; coins keep their owners. Needs libfaketime.
pub(crate) fn play(stage: &Stage) -> Result<Finding> {
    if !Path::new(LIBRARY).exists() {
        return Ok(Finding::skipped("libfaketime is not installed (Debian's package faketime)"));
    }
    let folder = tempfile::tempdir()?;
    let clock = folder.path().join("clock");
    set(&clock, "+0")?;
    let node = stage
        .node()
        .variable("LD_PRELOAD", LIBRARY)
        .variable("FAKETIME_TIMESTAMP_FILE", clock.display())
        .variable("FAKETIME_DONT_FAKE_MONOTONIC", 1)
        .variable("FAKETIME_NO_CACHE", 1)
        .start();
    let honest = Honest::at(node.address());
    let mut owner = Owner::of(&node, 0, 10)?;
    let quiet = honest.ask_for(stage.quiet());
    let is_over = AtomicBool::new(false);
    let steps = ["+3600", "-3600", "+1y", "-1y", "+10y", "-10y", "+0"];
    let (seen, kept) = thread::scope(|scope| {
        let asking = scope.spawn(|| honest.ask(&|| is_over.load(Ordering::Relaxed)));
        let kept = steps.iter().map(|step| {
            set(&clock, step)?;
            thread::sleep(stage.attack() / 10);
            Ok(owner.pown(node.address())? == Change::Made && owner.is_kept(node.address())?)
        });
        let kept = kept.collect::<Result<Vec<bool>>>();
        is_over.store(true, Ordering::Relaxed);
        (asking.join().unwrap_or_default(), kept)
    });
    let (kept, is_complete) = (kept?, seen.is_complete());
    let finding = Finding::of(quiet, seen);
    Ok(finding
        .remark(format!("steps of the wall clock: {}", steps.join(", ")))
        .expect(is_complete, || "honest requests were not answered".to_owned())
        .expect(kept.iter().all(|is| *is), || format!("changes were not made or not kept: {kept:?}")))
}

fn set(clock: &Path, step: &str) -> Result<()> {
    fs::write(clock, format!("{step}\n")).context("setting the clock")
}
