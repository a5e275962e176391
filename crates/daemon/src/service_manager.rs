//! What the service manager is told, where there is one.

use sd_notify::NotifyState;
use tracing::warn;

/// Requests are served.
pub(crate) fn ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// The configuration is being read again, until [`ready`].
pub(crate) fn reloading() {
    let now = NotifyState::monotonic_usec_now();
    let now = now.unwrap_or(NotifyState::Status("reading the configuration again"));
    tell(&[NotifyState::Reloading, now]);
}

/// The end has begun.
pub(crate) fn stopping() {
    tell(&[NotifyState::Stopping, NotifyState::Status("answering what is in flight")]);
}

/// All is well.
pub(crate) fn alive(status: &str) {
    tell(&[NotifyState::Watchdog, NotifyState::Status(status)]);
}

fn tell(states: &[NotifyState<'_>]) {
    sd_notify::notify(states).unwrap_or_else(|error| warn!(%error, "the service manager cannot be told"));
}
