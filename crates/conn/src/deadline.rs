//! How long a peer may make the node wait.

use core::fmt;
use core::time::Duration;

use crate::instant::Instant;
use crate::policy::Policy;

/// What a peer owes by a certain time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Deadline {
    /// The first octet of a further request.
    Idle,
    /// The next octet of a request.
    Progress,
    /// The whole request.
    Request,
    /// Room for the next octet of the answer.
    WriteProgress,
    /// Room for the whole answer.
    Write,
    /// Its own end, after the farewell.
    Linger,
}

impl Deadline {
    /// Every kind.
    pub const ALL: [Self; 6] =
        [Self::Idle, Self::Progress, Self::Request, Self::WriteProgress, Self::Write, Self::Linger];

    /// How long a policy allows.
    #[must_use]
    pub const fn limit(self, policy: &Policy) -> Duration {
        match self {
            Self::Idle => policy.idle,
            Self::Progress => policy.progress,
            Self::Request => policy.request,
            Self::WriteProgress => policy.write_progress,
            Self::Write => policy.write,
            Self::Linger => policy.linger,
        }
    }
}

impl fmt::Display for Deadline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Idle => "no further request",
            Self::Progress => "no octet of the request",
            Self::Request => "no whole request",
            Self::WriteProgress => "no octet of the answer taken",
            Self::Write => "answer not taken",
            Self::Linger => "farewell not answered",
        })
    }
}

/// Two bounds on one wait: on each pause, and on the whole.
#[derive(Clone, Copy)]
pub(crate) struct Patience {
    pause_ends: Instant,
    whole_ends: Instant,
}

impl Patience {
    /// Both begin now.
    pub(crate) fn new(now: Instant, pause: Duration, whole: Duration) -> Self {
        Self { pause_ends: now + pause, whole_ends: now + whole }
    }

    /// The peer did something: the next pause begins now.
    pub(crate) fn progressed(&mut self, now: Instant, pause: Duration) {
        self.pause_ends = now + pause;
    }

    /// When the nearer bound is reached, under the name that this bound has here.
    pub(crate) fn due(&self, pause: Deadline, whole: Deadline) -> (Instant, Deadline) {
        if self.pause_ends <= self.whole_ends { (self.pause_ends, pause) } else { (self.whole_ends, whole) }
    }
}
