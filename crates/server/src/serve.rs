//! From "serving" to the end: threads, signals, the service manager.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, bail};
use raida_config::Config;
use raida_epoll::Epoll;
use raida_reactor::Reactor;
use raida_reactor::clock::SystemClock;
use raida_reactor::service::Service;
use raida_reactor::workers::Roads;
use raida_workers::pin_thread;
use sd_notify::NotifyState;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag::register_conditional_shutdown;
use signal_hook::iterator::{Handle as Bell, Signals};
use tracing::{info, warn};

/// What runs in one I/O thread.
pub(crate) type IoLoop<S> = Reactor<Epoll, S, SystemClock>;
type IoThread = JoinHandle<anyhow::Result<()>>;

/// How long workers, and then the batcher, may take to end after the last reactor has. For what they still do then,
/// nobody waits.
const WORKERS_END_MAX: Duration = Duration::from_secs(1);

/// Runs every reactor in a thread of its own until SIGTERM or SIGINT comes, or until one of them fails; then drains all.
/// A second signal ends the process at once.
pub(crate) fn until_told<S: Service>(
    config: &Config,
    addresses: &str,
    reactors: Vec<IoLoop<S>>,
    roads: &Roads,
) -> anyhow::Result<()> {
    let stopping = Arc::new(AtomicBool::new(false));
    for signal in [SIGTERM, SIGINT] {
        register_conditional_shutdown(signal, 128 + signal, Arc::clone(&stopping)).context("handling signals")?;
    }
    let mut signals = Signals::new([SIGTERM, SIGINT]).context("handling signals")?;
    let handles: Vec<_> = reactors.iter().map(Reactor::handle).collect();
    let pin = config.network.pin_reactors;
    let start = |(number, reactor)| start(number, reactor, pin, signals.handle()).context("starting an I/O thread");
    let threads: Vec<_> = reactors.into_iter().enumerate().map(start).collect::<anyhow::Result<_>>()?;

    let (raida_id, backend) = (config.server.raida_id, config.network.backend.as_str());
    info!(%addresses, raida_id, backend, reactors = threads.len(), workers = roads.pool.threads(), "serving");
    tell(NotifyState::Ready);
    let signal = signals.forever().next();
    stopping.store(true, Ordering::SeqCst);
    info!(signal, "stopping");
    tell(NotifyState::Stopping);

    handles.iter().for_each(|handle| handle.shutdown());
    let ends: Vec<_> = threads.into_iter().map(IoThread::join).collect();
    roads.shutdown_within(WORKERS_END_MAX);
    ends.into_iter().try_for_each(|end| end.unwrap_or_else(|_| bail!("an I/O thread panicked")))
}

fn start<S: Service>(number: usize, mut reactor: IoLoop<S>, pin: bool, bell: Bell) -> io::Result<IoThread> {
    let life = move || {
        let _rung_at_the_end = Ring(bell);
        if pin && let Err(error) = pin_thread(number) {
            warn!(number, %error, "I/O thread runs unpinned");
        }
        reactor.run().map(drop).with_context(|| format!("I/O thread {number}"))
    };
    thread::Builder::new().name(format!("raida-io-{number}")).spawn(life)
}

/// Ends the wait for a signal when dropped: an I/O thread that ends, for whatever reason, ends the node.
struct Ring(Bell);

impl Drop for Ring {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Tells the service manager, where there is one.
fn tell(state: NotifyState<'_>) {
    sd_notify::notify(&[state]).unwrap_or_else(|error| warn!(%error, "the service manager cannot be told"));
}
