//! The process is killed while clients write.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use raida_behaviour::Node;
use rustix::process::Signal;

use crate::finding::Finding;
use crate::owner::{Change, Owner};
use crate::stage::Stage;

/// The machine's out-of-memory killer, or a power cut without the disk's part: SIGKILL at a random moment while four
/// owners change their coins. What was acknowledged is there afterwards, and what was not is done wholly or not at all.
pub(crate) fn play(stage: &Stage) -> Result<Finding> {
    let folder = tempfile::tempdir()?;
    let mut node = stage.node().start_in(folder.path());
    let mut owners: Vec<_> = (0..4).map(|n| Owner::of(&node, n * 1000, 10)).collect::<Result<_>>()?;
    let (kills, mut lost, mut slowest) = (stage.many(20), 0, Duration::ZERO);
    for _ in 0..kills {
        killed_under_load(&mut node, &mut owners)?;
        let start = Instant::now();
        node = stage.node().start_in(folder.path());
        slowest = slowest.max(start.elapsed());
        for owner in &mut owners {
            lost += usize::from(!owner.is_kept(node.address())?);
        }
    }
    let acknowledged: u64 = owners.iter().map(|owner| owner.acknowledged).sum();
    Ok(Finding::default()
        .remark(format!("{kills} kills, {acknowledged} changes acknowledged, {lost} lost or halved"))
        .remark(format!("the slowest start took {:.0} ms", slowest.as_secs_f64() * 1000.0))
        .expect(acknowledged > 0, || "no change was acknowledged: nothing was tested".to_owned())
        .expect(lost == 0, || format!("{lost} acknowledged changes are lost or halved")))
}

fn killed_under_load(node: &mut Node, owners: &mut [Owner]) -> Result<()> {
    let mut delay = [0];
    getrandom::fill(&mut delay)?;
    let (address, is_over) = (node.address(), AtomicBool::new(false));
    thread::scope(|scope| {
        for owner in owners {
            let is_over = &is_over;
            scope.spawn(move || {
                while !is_over.load(Ordering::Relaxed) && owner.pown(address).is_ok_and(|change| change == Change::Made)
                {
                }
            });
        }
        thread::sleep(Duration::from_millis(50 + u64::from(delay[0])));
        node.signal(Signal::KILL);
        node.wait();
        is_over.store(true, Ordering::Relaxed);
    });
    Ok(())
}
