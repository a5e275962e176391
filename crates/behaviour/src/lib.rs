//! What every backend has to do, seen from outside: real processes on real sockets.
//!
//! [`Node`] starts the real `raida-server` binary on ports that the system picks, and ends it. [`ask`] speaks to it in
//! raw octets, [`request`] makes them, [`vectors`] has those of the protocol's test vectors, [`process`] looks at what
//! the node uses. The suites in `tests/` are written against these alone, so they run unchanged on any backend;
//! `RAIDA_BEHAVIOUR_BACKEND=io-uring cargo test -p raida-behaviour --features io-uring` takes another than the default.
//!
//! A second binary, `faulty-node`, is the same server around a service with faults built in: commands that panic, that
//! are slow, or that answer at length. `hasty-node` and `halving-node` break their word about coins ([`lossy`]), so that the
//! crash test can show that it would notice. No such switch exists in the server itself.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "this crate only serves tests: a step that fails is a test that fails"
)]

pub mod ask;
pub mod crowd;
pub mod fault;
pub mod faulty;
pub mod lossy;
pub mod lying;
pub mod network;
pub mod node;
pub mod process;
pub mod request;
pub mod shared;
pub mod vectors;

pub use crowd::Crowd;
pub use fault::Fault;
pub use faulty::Faulty;
pub use lossy::{Halving, Hasty};
pub use lying::Lying;
pub use network::Network;
pub use node::Node;
pub use shared::Shared;

use std::time::{Duration, Instant};

/// How long a test waits for something that must come about. Generous: the machine may be busy.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until `condition` holds.
///
/// # Panics
///
/// After [`PATIENCE`], naming `what`.
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < PATIENCE, "waited {PATIENCE:?} in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
