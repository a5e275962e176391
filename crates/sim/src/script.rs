//! What a simulated client does.

use std::collections::VecDeque;
use std::time::Duration;

/// A client's part, act by act. Afterwards it waits for the node to close, and closes too.
///
/// ```
/// use std::time::Duration;
/// use raida_sim::Script;
///
/// let slow = Script::new().trickle(b"hello", Duration::from_millis(300)).half_close();
/// let deaf = Script::new().send(b"hello").reads_nothing();
/// # drop((slow, deaf));
/// ```
#[derive(Clone, Debug)]
pub struct Script {
    pub(crate) acts: VecDeque<Act>,
    pub(crate) reads: Reads,
    pub(crate) stays: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum Act {
    Send(Vec<u8>),
    Segment(Vec<u8>),
    Wait(Duration),
    Await(usize),
    HalfClose,
    Reset,
}

/// How a client's program takes what has come.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reads {
    Eagerly,
    Slowly { octets: usize, every: Duration },
    Never,
}

impl Script {
    /// A client that connects and says nothing.
    #[must_use]
    pub fn new() -> Self {
        Self { acts: VecDeque::new(), reads: Reads::Eagerly, stays: false }
    }

    /// Sends octets, which the weather may cut.
    #[must_use]
    pub fn send(self, octets: &[u8]) -> Self {
        self.then(Act::Send(octets.to_vec()))
    }

    /// Sends octets that arrive all at once, whatever the weather.
    #[must_use]
    pub fn send_together(self, octets: &[u8]) -> Self {
        self.then(Act::Segment(octets.to_vec()))
    }

    /// Sends octets one by one.
    #[must_use]
    pub fn trickle(self, octets: &[u8], every: Duration) -> Self {
        octets.iter().fold(self, |script, &octet| script.send(&[octet]).wait(every))
    }

    /// Does nothing for a while.
    #[must_use]
    pub fn wait(self, span: Duration) -> Self {
        self.then(Act::Wait(span))
    }

    /// Waits until it has read `total` octets since it connected.
    #[must_use]
    pub fn wait_for(self, total: usize) -> Self {
        self.then(Act::Await(total))
    }

    /// Shuts down its sending side.
    #[must_use]
    pub fn half_close(self) -> Self {
        self.then(Act::HalfClose)
    }

    /// Resets the connection.
    #[must_use]
    pub fn reset(self) -> Self {
        self.then(Act::Reset)
    }

    /// Reads `octets` at a time, once in `every`.
    #[must_use]
    pub fn reads_slowly(mut self, octets: usize, every: Duration) -> Self {
        self.reads = Reads::Slowly { octets, every };
        self
    }

    /// Never reads.
    #[must_use]
    pub fn reads_nothing(mut self) -> Self {
        self.reads = Reads::Never;
        self
    }

    /// Goes on with its part, and does not close, when the node has closed.
    #[must_use]
    pub fn stays(mut self) -> Self {
        self.stays = true;
        self
    }

    fn then(mut self, act: Act) -> Self {
        self.acts.push_back(act);
        self
    }
}

impl Default for Script {
    fn default() -> Self {
        Self::new()
    }
}
