//! The service manager's watchdog: fed only while every reactor turns.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use raida_monitor::Subject;
use tracing::error;

use crate::service_manager;

/// Feeds the watchdog until it is dropped.
#[derive(Debug)]
pub(crate) struct Watchdog {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watchdog {
    /// Begins to feed, where the service manager has a watchdog: three times in its interval.
    pub(crate) fn start(subject: Arc<Subject>) -> io::Result<Option<Self>> {
        let Some(interval) = sd_notify::watchdog_enabled() else { return Ok(None) };
        let (pause, (stop, stopped)) = (interval / 3, channel());
        let life = move || {
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(pause) {
                feed(&subject, pause);
            }
        };
        let thread = thread::Builder::new().name("raida-watchdog".to_owned()).spawn(life)?;
        Ok(Some(Self { stop: Some(stop), thread: Some(thread) }))
    }
}

/// The question goes through every reactor: one that hangs leaves the watchdog hungry, and the service manager ends and
/// restarts the process. In a stop the reactors go one by one, and the time for that has a bound of its own.
fn feed(subject: &Subject, patience: Duration) {
    if !subject.stage().is_serving() {
        return service_manager::alive("answering what is in flight");
    }
    let silent = subject.silent_reactors(patience);
    if silent.is_empty() {
        service_manager::alive(&subject.status());
    } else if subject.stage().is_serving() {
        error!(?silent, "I/O threads do not turn: the watchdog is not fed");
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
