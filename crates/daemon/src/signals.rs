//! The signals of the process, from the first moment on.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2, SIGXFSZ};
use signal_hook::flag::{register, register_conditional_default, register_conditional_shutdown};
use signal_hook::iterator::{Handle, Signals as Arriving};
use signal_hook::low_level::raise;

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// SIGTERM, SIGINT: answer what is in flight, then end.
    Stop(i32),
    /// SIGHUP: read the configuration again.
    Reload,
    /// SIGUSR1, SIGUSR2: say in the log how things stand.
    Tell,
}

/// Signals that have come and that will come. None of those in here ends the process by
/// itself, except a second SIGTERM or SIGINT.
#[derive(Debug)]
pub struct Signals {
    arriving: Arriving,
    stop_asked: Arc<AtomicBool>,
    left_alone: Arc<AtomicBool>,
}

const STOPS: [i32; 2] = [SIGTERM, SIGINT];
const OTHERS: [i32; 3] = [SIGHUP, SIGUSR1, SIGUSR2];

impl Signals {
    /// From now on signals wait here. The first thing that a program does.
    ///
    /// # Errors
    ///
    /// What the system said.
    pub fn listen() -> io::Result<Self> {
        // Whatever comes meanwhile waits: between the moment at which a signal does not end the process any more and that at
        // which somebody notes it, it would be lost.
        let mut held = SigSet::empty();
        for signal in STOPS.into_iter().chain(OTHERS) {
            held.add(Signal::try_from(signal)?);
        }
        let before = held.thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
        let signals = Self::register();
        before.thread_set_mask()?;
        signals
    }

    fn register() -> io::Result<Self> {
        let (stop_asked, left_alone) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        for signal in STOPS {
            register(signal, Arc::clone(&stop_asked))?;
        }
        for signal in STOPS.into_iter().chain(OTHERS) {
            register_conditional_default(signal, Arc::clone(&left_alone))?;
        }
        let stopping = Arc::new(AtomicBool::new(false));
        for signal in STOPS {
            // In this order: the first one sets the flag after it was looked at, the second finds it set.
            register_conditional_shutdown(signal, 128 + signal, Arc::clone(&stopping))?;
            register(signal, Arc::clone(&stopping))?;
        }
        // A file that may not grow is an error of the write, and no reason to die.
        register(SIGXFSZ, Arc::default())?;
        let arriving = Arriving::new(STOPS.into_iter().chain(OTHERS))?;
        Ok(Self { arriving, stop_asked, left_alone })
    }

    /// From now on they do what they do to any program, as does a stop that has been asked for meanwhile: nothing is
    /// served.
    ///
    /// # Errors
    ///
    /// What the system said.
    pub fn leave_alone(self) -> io::Result<()> {
        self.left_alone.store(true, Ordering::SeqCst);
        if self.is_stop_asked() { raise(SIGTERM) } else { Ok(()) }
    }

    /// Whether the process has been told to stop: what takes long need not be begun.
    #[must_use]
    pub fn is_stop_asked(&self) -> bool {
        self.stop_asked.load(Ordering::SeqCst)
    }

    /// Waits for the next; `None` once somebody has closed the [`bell`](Self::bell).
    pub(crate) fn wait(&mut self) -> Option<Order> {
        Some(match self.arriving.forever().next()? {
            SIGHUP => Order::Reload,
            SIGUSR1 | SIGUSR2 => Order::Tell,
            stop => Order::Stop(stop),
        })
    }

    /// What ends the waiting.
    pub(crate) fn bell(&self) -> Handle {
        self.arriving.handle()
    }
}
