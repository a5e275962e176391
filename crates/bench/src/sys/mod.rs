//! The system calls that no safe wrapper offers: many datagrams at once.
#![expect(unsafe_code, reason = "raw system calls")]

mod batch;

pub(crate) use batch::{Batch, ROOM};
