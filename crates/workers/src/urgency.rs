//! How urgent a thread is where several want one processor.

use std::io;

/// Adds to the nice value of the calling thread: it gives way to others.
///
/// # Errors
/// What the kernel said, or `Unsupported` where threads have no such value of their own.
#[cfg(target_os = "linux")]
pub(crate) fn give_way(nice: u8) -> io::Result<()> {
    rustix::process::nice(nice.into())?;
    Ok(())
}

/// Makes the calling thread less urgent.
///
/// # Errors
/// Always `Unsupported`.
#[cfg(not(target_os = "linux"))]
pub(crate) fn give_way(_nice: u8) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use rustix::process::getpriority_process;

    #[test]
    fn a_thread_gives_way_and_its_neighbour_does_not() {
        let before = getpriority_process(None).unwrap();
        let given = std::thread::spawn(|| {
            super::give_way(3).unwrap();
            getpriority_process(None).unwrap()
        });
        assert_eq!(given.join().unwrap(), (before + 3).min(19));
        assert_eq!(getpriority_process(None).unwrap(), before);
    }
}
