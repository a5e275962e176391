//! A simulated network and clock: the RAIDA reactor's third backend, driven by one seed.
//!
//! [`Sim`] is a [`Backend`](raida_reactor::backend::Backend) whose kernel, network and clients live in memory. What goes
//! wrong follows from a [`Weather`] and a seed: delays, cuts at every octet, partial sends, resets, lost and doubled
//! datagrams, descriptors running out. Time is virtual and passes only while the loop waits, so half a minute of patience
//! is tested in a millisecond. [`seed::each`] runs a scenario with many seeds and prints the one that failed; the
//! environment variable `RAIDA_SIM_SEED` runs that one again.
//!
//! [`Rig`] puts the real reactor on top, with a test service, a worker and a batcher whose work takes virtual time too.
//!
//! [`world`] puts the whole node on top: the real commands, the real store on a disk in memory, honest and hostile clients,
//! every fault, and a look at every promise after every turn. `cargo xtask sim` runs it.
//!
//! The crate never contains real I/O, and never ships.
//!
//! ```
//! use std::time::Duration;
//! use raida_reactor::testing::{DEFER, request};
//! use raida_sim::{Rig, Script, Weather};
//!
//! let (question, pending) = request(DEFER, b"hello", 1);
//! let mut rig = Rig::new(7, Weather::rough(), Duration::from_millis(80), |_settings| {});
//! let slow = Script::new().trickle(&question, Duration::from_millis(200)).half_close();
//! let client = rig.sim().connect(Duration::ZERO, ([192, 0, 2, 1], 1024).into(), slow);
//!
//! assert!(rig.run(Duration::from_secs(60)), "everything comes to an end");
//! let mut answer = rig.sim().client(client).received().to_vec();
//! assert_eq!(pending.read(&mut answer)?.payload, b"hello");
//! # Ok::<(), raida_wire::ResponseError>(())
//! ```

#![forbid(unsafe_code)]

pub mod client;
pub mod clock;
pub mod dice;
mod event;
mod network;
mod outside;
pub mod rig;
pub mod script;
pub mod seed;
pub mod sim;
pub mod weather;
pub mod world;

pub use client::{Client, ClientId, End};
pub use clock::SimClock;
pub use network::News;
pub use rig::Rig;
pub use script::Script;
pub use sim::{DATAGRAM_LIMIT, Sim};
pub use weather::Weather;
