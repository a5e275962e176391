//! Steering a reactor, and looking at it, from another thread.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender};

use crate::backend::Waker;
use crate::errand::{Errand, Errands, LiveConnection};
use crate::settings::Settings;

/// Steers a reactor from any thread, and ends its life. Clones steer the same reactor.
#[derive(Clone)]
pub struct Handle {
    stop: Arc<AtomicBool>,
    errands: Arc<Errands>,
    waker: Waker,
}

impl Handle {
    pub(crate) fn new(waker: Waker) -> Self {
        Self { stop: Arc::new(AtomicBool::new(false)), errands: Arc::default(), waker }
    }

    /// Asks the reactor to stop: it listens no more, answers what is in flight within its drain time, closes everything
    /// and returns from [`run`](crate::reactor::Reactor::run). Asking twice is asking once.
    pub fn shutdown(&self) {
        // ORDERING: Release pairs with the Acquire in `is_asked`: the reactor sees what was done before asking.
        self.stop.store(true, Ordering::Release);
        (self.waker)();
    }

    /// Whether somebody has asked.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    /// Asks the reactor whether it turns. A reactor that hangs never answers, one that has ended neither: wait for so
    /// long as you have patience.
    #[must_use]
    pub fn ping(&self) -> Receiver<()> {
        self.ask(Errand::Ping)
    }

    /// Asks for the connections that are open, `most` of them at most. One look at all of them costs the reactor about a
    /// millisecond for each ten thousand: nothing to do for a stranger.
    #[must_use]
    pub fn connections(&self, most: usize) -> Receiver<Vec<LiveConnection>> {
        self.ask(|answer| Errand::List(most, answer))
    }

    /// Has the reactor work by other bounds from its next turn on. What its memory was laid out by stays as it is:
    /// `connections_max`, `source_places` and `completions_max`.
    ///
    /// The answer comes when it does. Connections that were accepted before keep their deadlines.
    #[must_use]
    pub fn adopt(&self, settings: Settings) -> Receiver<()> {
        self.ask(|answer| Errand::Adopt(Box::new(settings), answer))
    }

    pub(crate) fn errands(&self) -> Vec<Errand> {
        self.errands.take()
    }

    fn ask<T>(&self, question: impl FnOnce(SyncSender<T>) -> Errand) -> Receiver<T> {
        let answer = self.errands.ask(question);
        (self.waker)();
        answer
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("is_asked", &self.is_asked()).finish_non_exhaustive()
    }
}
