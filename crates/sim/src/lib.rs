//! A simulated network and clock: the RAIDA reactor's third backend, driven by one seed.

pub mod client;
pub mod clock;
pub mod dice;
mod event;
mod network;
pub mod rig;
pub mod script;
pub mod seed;
pub mod sim;
pub mod weather;

pub use client::{Client, ClientId, End};
pub use clock::SimClock;
pub use rig::Rig;
pub use script::Script;
pub use sim::{DATAGRAM_LIMIT, Sim};
pub use weather::Weather;
