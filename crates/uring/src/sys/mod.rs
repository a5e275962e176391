//! The system calls of this crate: those on one ring. Sockets have theirs in `raida-sockets`.
//!
//! Memory that an operation needs is the kernel's from the push to the last completion. So nothing above this module can
//! reach it meanwhile: a [`Lent`] buffer has no accessors, a [`Loan`] is what a completion made of a pool's buffer, and
//! only a completion gives either back.
#![expect(unsafe_code, reason = "raw system calls")]

mod event;
mod lent;
mod pool;
mod ring;
mod tag;

pub(crate) use event::{Event, Last};
pub(crate) use lent::Lent;
pub(crate) use pool::{Loan, Room};
pub(crate) use ring::{Interest, Measures, Ring};
pub(crate) use tag::{SLOTS_MAX, Tag};
