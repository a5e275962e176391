//! Which processor a thread runs on.

use std::io;

/// Pins the calling thread to one of the processors it may use now: that with this number among
/// them, counted round and round from 0.
///
/// # Errors
/// What the kernel said, or `Unsupported` where the system has no such call.
#[cfg(target_os = "linux")]
pub fn pin_thread(number: usize) -> io::Result<()> {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

    let allowed = sched_getaffinity(None)?;
    let mut usable = (0..CpuSet::MAX_CPU).filter(|&cpu| allowed.is_set(cpu));
    let count = usable.clone().count().max(1);
    let mut chosen = CpuSet::new();
    if let Some(cpu) = usable.nth(number % count) {
        chosen.set(cpu);
    }
    sched_setaffinity(None, &chosen)?;
    Ok(())
}

/// Pins the calling thread to a processor.
///
/// # Errors
/// Always `Unsupported`: this system has no such call.
#[cfg(not(target_os = "linux"))]
pub fn pin_thread(_number: usize) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use rustix::thread::sched_getaffinity;

    #[test]
    fn pinned_thread_has_one_processor_and_its_neighbour_keeps_all() {
        let before = sched_getaffinity(None).unwrap();
        let pinned = std::thread::spawn(|| {
            super::pin_thread(1_000_003).unwrap();
            sched_getaffinity(None).unwrap().count()
        });
        assert_eq!(pinned.join().unwrap(), 1);
        assert_eq!(sched_getaffinity(None).unwrap().count(), before.count());
    }
}
