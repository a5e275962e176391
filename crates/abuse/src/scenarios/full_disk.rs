//! The disk is full.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use raida_behaviour::Node;

use crate::finding::Finding;
use crate::honest::Honest;
use crate::owner::{Change, Owner};
use crate::stage::Stage;

/// Somebody's log fills the disk that the coins are on. Changes are refused with a status while it is full, and none that
/// was acknowledged is lost; who only asks is served. When there is room again, changes go on, and a restart finds all.
pub(crate) fn play(stage: &Stage) -> Result<Finding> {
    let Some(disk) = SmallDisk::mount()? else {
        return Ok(Finding::skipped("this user may not mount a file system of its own"));
    };
    let mut node = stage.node().start_in(disk.path());
    let mut owner = Owner::of(&node, 0, 500)?;
    let honest = Honest::at(node.address());
    let quiet = honest.ask_for(stage.quiet());
    let filler = disk.fill()?;
    let (seen, refused) = while_asking(honest, || until_refused(&node, &mut owner));
    let refused = refused?;
    fs::remove_file(filler).context("making room")?;
    let (freed, mut again) = (Instant::now(), None);
    while again.is_none() && freed.elapsed() < Duration::from_secs(15) {
        again = (owner.pown(node.address())? == Change::Made).then(|| freed.elapsed());
        thread::sleep(Duration::from_millis(20));
    }
    let kept = owner.is_kept(node.address())?;
    node.stop();
    drop(node);
    let node = stage.node().start_in(disk.path());
    let kept_later = owner.is_kept(node.address())?;
    let is_complete = seen.is_complete();
    let mut finding = Finding::of(quiet, seen);
    finding.recovery = again;
    Ok(finding
        .remark(match refused {
            Some((status, after)) => format!("with the disk full, {after} changes went through, then status {status}"),
            None => "the store never needed room".to_owned(),
        })
        .expect(is_complete, || "requests that need no disk were not answered".to_owned())
        .expect(refused.is_some(), || "the disk was never full enough: nothing was tested".to_owned())
        .expect(again.is_some(), || "no change was made for 15 s after there was room again".to_owned())
        .expect(kept && kept_later, || {
            format!("acknowledged changes are lost (running {kept}, restarted {kept_later})")
        }))
}

/// Changes until one is refused: its status, and how many went through.
fn until_refused(node: &Node, owner: &mut Owner) -> Result<Option<(u8, u32)>> {
    for done in 0..2000 {
        match owner.pown(node.address())? {
            Change::Made => {}
            Change::Refused(status) => return Ok(Some((status, done))),
            Change::Unknown => bail!("a change on a full disk was not answered"),
        }
    }
    Ok(None)
}

fn while_asking<T>(honest: Honest, act: impl FnOnce() -> T) -> (crate::honest::Seen, T) {
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let asking = scope.spawn(|| honest.ask(&|| is_over.load(Ordering::Relaxed)));
        let outcome = act();
        thread::sleep(Duration::from_secs(1));
        is_over.store(true, Ordering::Relaxed);
        (asking.join().unwrap_or_default(), outcome)
    })
}

/// A file system in memory of 32 MiB. Unmounted when dropped.
pub(crate) struct SmallDisk {
    folder: tempfile::TempDir,
}

impl SmallDisk {
    /// `None` where that is not allowed.
    pub(crate) fn mount() -> Result<Option<Self>> {
        let folder = tempfile::tempdir()?;
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=32m,mode=700", "raida-abuse"])
            .arg(folder.path())
            .output();
        Ok(mount.is_ok_and(|done| done.status.success()).then_some(Self { folder }))
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Makes it writable or not.
    pub(crate) fn remount(&self, how: &str) -> Result<()> {
        let options = format!("remount,{how}");
        let status = Command::new("mount").args(["-o", &options]).arg(self.path()).status().context("mount")?;
        if status.success() { Ok(()) } else { bail!("remounting {how}: {status}") }
    }

    /// Fills it to the last octet and returns the file that does.
    fn fill(&self) -> Result<PathBuf> {
        let path = self.path().join("somebody's log");
        let mut file = File::create(&path).context("filling the disk")?;
        for size in [1 << 20, 1 << 12, 1] {
            while file.write_all(&vec![0; size]).is_ok() {}
        }
        Ok(path)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}
