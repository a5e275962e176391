//! One RAIDA connection as a state machine without I/O: octets, time and responses in, the next step out.

#![no_std]
#![forbid(unsafe_code)]

pub mod close_reason;
pub mod connection;
pub mod deadline;
pub mod host;
pub mod instant;
pub mod phase;
pub mod policy;
mod reading;
pub mod step;
pub mod surplus;

pub use close_reason::CloseReason;
pub use connection::Connection;
pub use deadline::Deadline;
pub use host::Host;
pub use instant::Instant;
pub use phase::Phase;
pub use policy::Policy;
pub use step::{Octets, Step};
pub use surplus::PIPELINE_MAX;
