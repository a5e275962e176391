//! Doing the same for many peers at once.

use std::ops::ControlFlow;
use std::sync::mpsc;
use std::thread;

use raida_client::Deadline;

/// Stack of a thread that asks one peer; looking names up takes the most of it.
const STACK: usize = 256 * 1024;

/// Does `work` for every item, each on a thread of its own, and hands over what comes back until `deadline`, or until
/// `each` breaks off. Tells which.
///
/// Threads that are not done by then are left to themselves: `work` bounds its own time, all but the system's look-up of
/// names, which knows no bound. What `work` owns is dropped when the last of them has ended. An item that the system gives
/// no thread for is passed over, as a peer that is silent.
pub(crate) fn fan_out<I: Send + 'static, T: Send + 'static>(
    items: Vec<I>,
    deadline: Deadline,
    work: impl Fn(I) -> T + Clone + Send + 'static,
    mut each: impl FnMut(T) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let (sender, receiver) = mpsc::channel();
    for item in items {
        let (work, sender) = (work.clone(), sender.clone());
        // Nobody listens any more after the deadline.
        let errand = move || drop(sender.send(work(item)));
        drop(thread::Builder::new().name("raida-peer".into()).stack_size(STACK).spawn(errand));
    }
    drop((sender, work));
    while let Some(left) = deadline.left() {
        let Ok(done) = receiver.recv_timeout(left) else { break };
        each(done)?;
    }
    ControlFlow::Continue(())
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::time::Duration;

    use super::*;

    #[test]
    fn who_hangs_is_not_waited_for() {
        let (_never, hangs) = channel::<()>();
        let hangs = std::sync::Arc::new(std::sync::Mutex::new(hangs));
        let work = move |item: u8| {
            if item == 0 {
                let _ = hangs.lock().map(|hangs| hangs.recv());
            }
            item
        };
        let mut done = Vec::new();
        let end = fan_out((0..4).collect(), Deadline::after(Duration::from_millis(500)), work, |item| {
            done.push(item);
            ControlFlow::Continue(())
        });
        assert!(end.is_continue());
        done.sort_unstable();
        assert_eq!(done, [1, 2, 3]);
    }

    #[test]
    fn enough_is_enough() {
        let mut taken = 0;
        let end = fan_out(
            (0..4).collect(),
            Deadline::after(Duration::from_secs(60)),
            |item: u8| item,
            |_| {
                taken += 1;
                ControlFlow::Break(())
            },
        );
        assert!(end.is_break());
        assert_eq!(taken, 1);
    }
}
