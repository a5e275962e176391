//! The event loop of a RAIDA node over any backend: slots, deadlines, fairness, dispatch, statistics.

pub mod accept_gate;
pub mod backend;
pub mod buffer;
pub mod buffer_pool;
pub mod clock;
mod core;
pub mod counters;
mod datagram;
pub mod datagrams;
mod dispatch;
pub mod handle;
mod link;
mod lists;
mod order;
mod pace;
mod random;
pub mod reactor;
mod refuse;
pub mod service;
pub mod settings;
pub mod slab;
pub mod sources;
pub mod stamp;
mod streams;
#[cfg(feature = "testing")]
pub mod testing;
pub mod timer;
pub mod token;
pub mod workers;

pub use raida_conn::{CloseReason, Instant, Policy};
pub use reactor::{Drained, Reactor};
pub use settings::Settings;
