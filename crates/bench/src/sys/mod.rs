//! The system calls that no safe wrapper offers: many datagrams at once, and a ring.
#![expect(unsafe_code, reason = "raw system calls")]

mod batch;
mod ring;

pub(crate) use batch::{Batch, ROOM};
pub(crate) use ring::{Happened, Ring};
