//! Asking many nodes at once.

use std::thread;

use crate::error::AskError;
use crate::target::Target;

/// Asks every node at the same time, each on a thread of its own, and gives the results in the order of the targets. It
/// takes as long as the slowest.
///
/// ```no_run
/// use raida_client::{Options, Target, ask_all, version};
///
/// let nodes = (50000..=50024).map(|port| format!("127.0.0.1:{port}").parse().map(Target::new)).collect::<Result<Vec<_>, _>>()?;
/// let answers = ask_all(&nodes, |node| version(node, &Options::default()));
/// println!("{} of 25 answered", answers.iter().flatten().count());
/// # Ok::<(), raida_client::AddressError>(())
/// ```
///
/// # Panics
///
/// When `ask` panics.
pub fn ask_all<T: Send>(
    targets: &[Target],
    ask: impl Fn(&Target) -> Result<T, AskError> + Sync,
) -> Vec<Result<T, AskError>> {
    let ask = &ask;
    thread::scope(|scope| {
        let started: Vec<_> = targets
            .iter()
            .map(|target| {
                let thread = thread::Builder::new().name(format!("raida-{}", target.raida_id));
                // Without a thread the node is asked after the others, not given up.
                thread.spawn_scoped(scope, move || ask(target)).map_err(|_| target)
            })
            .collect();
        started
            .into_iter()
            .map(|thread| match thread {
                Ok(thread) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
                Err(target) => ask(target),
            })
            .collect()
    })
}
