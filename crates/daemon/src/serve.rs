//! From "serving" to the end: threads, signals, the service manager.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use raida_config::limits::DescriptorPlan;
use raida_config::{Config, Loaded};
use raida_monitor::Subject;
use raida_reactor::Reactor;
use raida_reactor::backend::Backend;
use raida_reactor::clock::SystemClock;
use raida_reactor::service::Service;
use raida_reactor::workers::Roads;
use raida_workers::pin_thread;
use signal_hook::iterator::Handle as Bell;
use tracing::{info, warn};

use crate::logs::Log;
use crate::reload::Reload;
use crate::signals::{Order, Signals};
use crate::watchdog::Watchdog;
use crate::{service_manager, shown};

/// A node that is about to serve.
pub struct Shift<'s, B: Backend, S> {
    /// What it runs by.
    pub config: &'s Config,
    /// What its descriptors are for.
    pub plan: &'s DescriptorPlan,
    /// Where it listens, for the log.
    pub addresses: &'s str,
    /// What runs in the I/O threads, one in each.
    pub reactors: Vec<Reactor<B, S, SystemClock>>,
    /// The threads behind those.
    pub roads: &'s Roads,
    /// The same, to be looked at.
    pub subject: Arc<Subject>,
    /// What can change with its configuration.
    pub log: &'s Log,
}

/// How long workers, and then the batcher, may take to end after the last reactor has. For what they still do then,
/// nobody waits.
const WORKERS_END_MAX: Duration = Duration::from_secs(1);

type IoThread = JoinHandle<io::Result<()>>;

impl<B, S> Shift<'_, B, S>
where
    B: Backend + Send + 'static,
    S: Service,
{
    /// Runs every reactor in a thread of its own until SIGTERM or SIGINT comes, or until one of them fails; then drains
    /// all. On SIGHUP the configuration is read again with `read`.
    ///
    /// # Errors
    ///
    /// What kept a thread from starting, or what ended it.
    pub fn until_told<E: fmt::Display>(
        self,
        mut signals: Signals,
        read: impl FnMut() -> Result<Loaded, E>,
    ) -> Result<(), ServeError> {
        let Self { config, plan, addresses, reactors, roads, subject, log } = self;
        subject.set_limits(shown::limits(config, plan));
        let handles: Vec<_> = reactors.iter().map(Reactor::handle).collect();
        let pin = config.network.pin_reactors;
        let start = |(number, reactor)| start(number, reactor, pin, signals.bell()).map_err(ServeError::Thread);
        let threads: Vec<_> = reactors.into_iter().enumerate().map(start).collect::<Result<_, _>>()?;
        let watchdog = Watchdog::start(Arc::clone(&subject)).map_err(ServeError::Thread)?;

        let (raida_id, backend) = (config.server.raida_id, config.network.backend.as_str());
        info!(%addresses, raida_id, backend, reactors = threads.len(), workers = roads.pool.threads(), "serving");
        subject.stage().serve();
        service_manager::ready(&subject.status());
        let mut reload = Reload { config: config.clone(), plan, handles: &handles, log, subject: &subject, read };
        let signal = loop {
            match signals.wait() {
                Some(Order::Reload) => reload.run(),
                Some(Order::Tell) => info!("{}", subject.status()),
                Some(Order::Stop(signal)) => break Some(signal),
                None => break None,
            }
        };
        subject.stage().stop();
        info!(signal, "stopping");
        service_manager::stopping();

        handles.iter().for_each(|handle| handle.shutdown());
        let ends: Vec<_> = threads.into_iter().map(IoThread::join).collect();
        roads.shutdown_within(WORKERS_END_MAX);
        drop(watchdog);
        let judge = |(number, end): (usize, thread::Result<io::Result<()>>)| match end {
            Ok(end) => end.map_err(|error| ServeError::Io { number, error }),
            Err(_) => Err(ServeError::Panicked { number }),
        };
        ends.into_iter().enumerate().try_for_each(judge)
    }
}

impl<B: Backend, S> fmt::Debug for Shift<'_, B, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shift").field("addresses", &self.addresses).finish_non_exhaustive()
    }
}

fn start<B, S>(number: usize, mut reactor: Reactor<B, S, SystemClock>, pin: bool, bell: Bell) -> io::Result<IoThread>
where
    B: Backend + Send + 'static,
    S: Service,
{
    let life = move || {
        let _rung_at_the_end = Ring(bell);
        if pin && let Err(error) = pin_thread(number) {
            warn!(number, %error, "I/O thread runs unpinned");
        }
        reactor.run().map(drop)
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

/// Why a node serves no longer, or never did.
#[derive(Debug)]
#[non_exhaustive]
pub enum ServeError {
    /// The system gives no thread.
    Thread(io::Error),
    /// The backend of an I/O thread broke.
    Io {
        /// Which thread.
        number: usize,
        /// What the system said.
        error: io::Error,
    },
    /// An I/O thread panicked.
    Panicked {
        /// Which thread.
        number: usize,
    },
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Thread(error) => write!(f, "starting an I/O thread: {error}"),
            Self::Io { number, error } => write!(f, "I/O thread {number}: {error}"),
            Self::Panicked { number } => write!(f, "I/O thread {number} panicked"),
        }
    }
}

impl std::error::Error for ServeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Thread(error) | Self::Io { error, .. } => Some(error),
            Self::Panicked { .. } => None,
        }
    }
}
