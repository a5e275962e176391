//! The event loop of a RAIDA node over any backend: slots, deadlines, fairness, dispatch, statistics.
//!
//! A [`Reactor`] is one loop on one thread. It stands between three things that it knows only as traits: a
//! [`Backend`](backend::Backend) that talks to the kernel (or to a simulated one), a [`Service`](service::Service) that
//! answers requests, and a [`Clock`](clock::Clock). What a connection does is decided by the machine in `raida-conn`,
//! what the octets mean by `raida-wire`; what may block goes to the threads of `raida-workers`, by one of two
//! [`Roads`](workers::Roads): alone to a pool, or together with others to a batcher.
//!
//! Everything is bounded and named in [`Settings`], everything over a bound is refused with the protocol's status or
//! closed, and counted in [`Counters`](counters::Counters). After start-up a request that is served inline allocates
//! nothing; a connection without its buffers takes less than 512 octets.
//!
//! The crate never contains a system call, a file, a command or `unsafe`.
//!
//! - How it turns: [`reactor`]; the road over a connection: `streams`; the road of a datagram: `datagram`.
//! - What is fixed in size: [`slab`], [`timer`], [`sources`], [`bucket`], [`buffer_pool`], [`accept_gate`].
//!
//! ```
//! use std::sync::Arc;
//! use raida_reactor::{Policy, Reactor, Settings, counters::Counters, testing, workers::Roads};
//! use raida_sim::{Sim, Weather};
//!
//! let service = Arc::new(testing::Manners::default());
//! let roads = Roads::start(&service, &Default::default(), &Default::default())?;
//! let sim = Sim::new(7, Weather::rough()); // or raida_epoll::Epoll::bind(..)
//! let (clock, settings) = (sim.clock(), Settings::new(Policy::new(testing::RULES)));
//! let mut reactor = Reactor::new(sim, service, clock, settings, roads, Arc::new(Counters::default()));
//!
//! reactor.handle().shutdown(); // from a signal, usually
//! assert_eq!(reactor.run()?.cut, 0);
//! # std::io::Result::Ok(())
//! ```

#![forbid(unsafe_code)]

pub mod accept_gate;
pub mod backend;
pub mod bucket;
pub mod buffer;
pub mod buffer_pool;
pub mod clock;
mod connection_limits;
mod core;
pub mod counters;
mod datagram;
mod datagram_limits;
pub mod datagrams;
mod dispatch;
mod errand;
mod flights;
mod footprint;
pub mod handle;
pub mod latencies;
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

pub use errand::LiveConnection;
pub use footprint::Part;
pub use raida_conn::{CloseReason, Instant, Phase, Policy};
pub use reactor::{Drained, Reactor};
pub use settings::Settings;
