//! The event loop of a RAIDA node over any backend: slots, deadlines, fairness, dispatch, statistics.

pub mod backend;
pub mod buffer;
pub mod clock;
pub mod datagrams;
pub mod service;
pub mod token;
