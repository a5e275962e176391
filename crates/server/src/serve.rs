//! From "serving" to the end: threads, signals, the service manager.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, anyhow};
use raida_config::Config;
use raida_epoll::Epoll;
use raida_reactor::Reactor;
use raida_reactor::clock::SystemClock;
use raida_reactor::counters::{Counters, Snapshot};
use raida_reactor::handle::Handle;
use raida_reactor::service::Service;
use raida_reactor::workers::WorkerPool;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use sd_notify::NotifyState;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag::register_conditional_shutdown;
use signal_hook::iterator::{Handle as Bell, Signals};
use tracing::{info, warn};

/// How long workers may take to end after the last reactor has; what they still do then, nobody waits for.
const WORKERS_END_MAX: Duration = Duration::from_secs(1);

/// Runs every reactor in a thread of its own until SIGTERM or SIGINT comes, or until one of them fails; then drains all.
/// A second signal ends the process at once.
pub(crate) fn until_told<S: Service>(
    config: &Config,
    reactors: Vec<Reactor<Epoll, S, SystemClock>>,
    pool: &WorkerPool,
) -> anyhow::Result<()> {
    let stopping = Arc::new(AtomicBool::new(false));
    for signal in [SIGTERM, SIGINT] {
        register_conditional_shutdown(signal, 128 + signal, Arc::clone(&stopping)).context("handling signals")?;
    }
    let mut signals = Signals::new([SIGTERM, SIGINT]).context("handling signals")?;
    let handles: Vec<Handle> = reactors.iter().map(Reactor::handle).collect();
    let line = Serving::of(config, &reactors, pool);
    let start = |(number, reactor)| start(number, reactor, config.network.pin_reactors, signals.handle());
    let threads: Vec<_> = reactors.into_iter().enumerate().map(start).collect::<anyhow::Result<_>>()?;
    line.say();
    tell(NotifyState::Ready);

    let signal = signals.forever().next();
    // ORDERING: SeqCst, as the signal handler reads it.
    stopping.store(true, Ordering::SeqCst);
    info!(signal, "stopping");
    tell(NotifyState::Stopping);
    handles.iter().for_each(Handle::shutdown);
    let ends: Vec<_> = threads.into_iter().map(join).collect();
    if let Err(leftover) = pool.shutdown_within(WORKERS_END_MAX) {
        warn!("{leftover}");
    }
    ends.into_iter().collect()
}

/// Logs what the node has done.
pub(crate) fn report(counters: &[Arc<Counters>]) {
    let mut sum = Snapshot::default();
    counters.iter().for_each(|counters| sum.merge(&counters.snapshot()));
    let Snapshot { accepted, requests, datagrams_in, votes, .. } = sum;
    info!(accepted, requests, datagrams_in, votes, "stopped");
}

/// The line that says that the node serves. Other programs wait for it.
struct Serving {
    addresses: String,
    raida_id: u8,
    backend: &'static str,
    reactors: usize,
    workers: usize,
}

impl Serving {
    fn of<S: Service>(config: &Config, reactors: &[Reactor<Epoll, S, SystemClock>], pool: &WorkerPool) -> Self {
        let addresses = reactors.first().map_or(&[][..], |reactor| reactor.backend().local_addrs());
        Self {
            addresses: addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(","),
            raida_id: config.server.raida_id,
            backend: config.network.backend.as_str(),
            reactors: reactors.len(),
            workers: pool.threads(),
        }
    }

    fn say(self) {
        let Self { addresses, raida_id, backend, reactors, workers } = self;
        info!(%addresses, raida_id, backend, reactors, workers, "serving");
    }
}

fn start<S: Service>(
    number: usize,
    mut reactor: Reactor<Epoll, S, SystemClock>,
    pin: bool,
    bell: Bell,
) -> anyhow::Result<JoinHandle<anyhow::Result<()>>> {
    let life = move || {
        let _rung_at_the_end = Ring(bell);
        if pin && let Err(error) = pin_to(number) {
            warn!(number, %error, "I/O thread runs unpinned");
        }
        reactor.run().map(drop).with_context(|| format!("I/O thread {number}"))
    };
    thread::Builder::new().name(format!("raida-io-{number}")).spawn(life).context("starting an I/O thread")
}

fn join(thread: JoinHandle<anyhow::Result<()>>) -> anyhow::Result<()> {
    thread.join().unwrap_or_else(|_| Err(anyhow!("an I/O thread panicked")))
}

/// Ends the wait for a signal when dropped: an I/O thread that ends, for whatever reason, ends the node.
struct Ring(Bell);

impl Drop for Ring {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Binds the calling thread to one of the processors it may use, counted round and round.
fn pin_to(number: usize) -> rustix::io::Result<()> {
    let allowed = sched_getaffinity(None)?;
    let usable: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|&cpu| allowed.is_set(cpu)).collect();
    let mut chosen = CpuSet::new();
    usable.iter().cycle().nth(number).into_iter().for_each(|&cpu| chosen.set(cpu));
    sched_setaffinity(None, &chosen)
}

/// Tells the service manager, where there is one.
fn tell(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        warn!(%error, "the service manager cannot be told");
    }
}
