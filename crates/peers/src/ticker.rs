//! A thread that does something from time to time.

use std::convert::Infallible;
use std::io;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, TryRecvError};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// A thread that does something from time to time, until it is dropped or the work says that there is no more use.
#[derive(Debug)]
pub(crate) struct Ticker {
    stop: Option<Sender<Infallible>>,
    /// Behind a lock only because a receiver alone can not be shared.
    ended: Mutex<Receiver<Infallible>>,
}

/// Tells the work that the thread is to end.
pub(crate) struct Stop(Receiver<Infallible>);

impl Ticker {
    /// Works after `first`, then again and again after `interval`, until `work` gives `false`.
    pub(crate) fn start(
        name: &str,
        first: Duration,
        interval: Duration,
        mut work: impl FnMut(&Stop) -> bool + Send + 'static,
    ) -> io::Result<Self> {
        let (stop, stopped) = mpsc::channel();
        let (end, ended) = mpsc::channel();
        let stopped = Stop(stopped);
        let life = move || {
            let _wakes_the_dropper: Sender<Infallible> = end;
            let mut pause = first;
            while stopped.has_time(pause) && work(&stopped) {
                pause = interval;
            }
        };
        thread::Builder::new().name(name.to_owned()).spawn(life)?;
        Ok(Self { stop: Some(stop), ended: Mutex::new(ended) })
    }
}

impl Stop {
    pub(crate) fn is_told(&self) -> bool {
        self.0.try_recv() == Err(TryRecvError::Disconnected)
    }

    /// Waits. `false` when the thread is to end.
    fn has_time(&self, span: Duration) -> bool {
        self.0.recv_timeout(span) == Err(RecvTimeoutError::Timeout)
    }
}

/// Waits for the work in progress, but not longer than [`PATIENCE`].
impl Drop for Ticker {
    fn drop(&mut self) {
        self.stop = None;
        let ended = self.ended.get_mut().unwrap_or_else(PoisonError::into_inner);
        // It says nothing, but its end wakes us.
        let _ = ended.recv_timeout(PATIENCE);
    }
}

const PATIENCE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn the_work_ends_with_its_ticker() {
        let (told, heard) = channel();
        let ticker = Ticker::start("test", Duration::ZERO, Duration::ZERO, move |_| told.send(()).is_ok()).unwrap();
        assert_eq!((heard.recv(), heard.recv()), (Ok(()), Ok(())));
        drop(ticker);
        assert_eq!(heard.iter().last().unwrap_or_default(), (), "ends, for the sender is gone");
    }

    #[test]
    fn a_long_pause_does_not_delay_the_end() {
        let (told, heard) = channel::<()>();
        let ticker = Ticker::start("test", Duration::MAX, Duration::MAX, move |_| told.send(()).is_ok()).unwrap();
        drop(ticker);
        assert!(heard.recv().is_err(), "gone without having worked");
    }
}
