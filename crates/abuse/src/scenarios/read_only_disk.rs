//! A start on a disk that can only be read.

use std::io::Read;

use anyhow::{Context, Result};

use super::full_disk::SmallDisk;
use crate::finding::Finding;
use crate::owner::Owner;
use crate::stage::Stage;

/// After an error the system mounts the disk read-only, and the node is started again. It must not serve what it could not
/// keep: it says what is wrong and ends with 1. When the disk can be written again, all coins are there.
pub(crate) fn play(stage: &Stage) -> Result<Finding> {
    let Some(disk) = SmallDisk::mount()? else {
        return Ok(Finding::skipped("this user may not mount a file system of its own"));
    };
    let mut node = stage.node().start_in(disk.path());
    let mut owner = Owner::of(&node, 0, 10)?;
    owner.pown(node.address())?;
    node.stop();
    drop(node);
    // The command writes its configuration, so it is made before.
    let mut command = stage.node().command(disk.path());
    disk.remount("ro")?;
    let mut child = command.spawn().context("starting the node")?;
    let status = child.wait().context("waiting for the node")?;
    let mut said = String::new();
    child.stderr.take().context("its standard error")?.read_to_string(&mut said)?;
    disk.remount("rw")?;
    let node = stage.node().start_in(disk.path());
    let kept = owner.is_kept(node.address())?;
    Ok(Finding::default()
        .remark(format!("it said: {}", said.trim().lines().next_back().unwrap_or_default()))
        .expect(status.code() == Some(1), || format!("it ended with {status}"))
        .expect(!said.contains("panicked"), || "it panicked".to_owned())
        .expect(kept, || "coins are lost".to_owned()))
}
