//! A bounded work-stealing thread pool, a batcher, and a completion queue that cannot overflow.
//!
//! For event loops that hand out what may block. The loop reserves a slot in its own
//! [`CompletionQueue`], gives the [`Permit`] and the job to a shared [`Pool`], and is woken when
//! results wait. Because the slot exists before the job does, a worker never has to wait, retry or
//! drop when it delivers; when there is no slot or no room, the caller keeps the job and *that* is
//! the back-pressure. Several loops, each with its queue, share one pool.
//!
//! Jobs that are cheaper together, because they share one commit for example, go to a [`Batcher`]
//! instead: one thread that each time does all that waits, under the same contract.
//!
//! After start-up nothing is allocated per job. The crate never contains a socket, a clock, a
//! protocol or `unsafe`.
//!
//! ```
//! use raida_workers::{CompletionQueue, Config, Pool};
//! use std::sync::mpsc;
//!
//! let (bell, woken) = mpsc::channel();
//! let queue = CompletionQueue::new(16, move || bell.send(()).unwrap_or_default());
//! let pool = Pool::new(
//!     &Config { threads: 2, ..Config::default() },
//!     |job: &mut u64| Some(*job * *job), // on a worker
//!     |_job| None,                       // the answer when the line above panics
//! )?;
//!
//! let permit = queue.try_reserve().expect("the queue is empty");
//! pool.try_dispatch(permit, 12).expect("the pool is idle");
//!
//! let mut results = Vec::with_capacity(queue.capacity());
//! woken.recv().expect("the queue holds the sender");
//! queue.drain_into(&mut results);
//! assert_eq!(results, [Some(144)]);
//! # std::io::Result::Ok(())
//! ```
#![forbid(unsafe_code)]

mod affinity;
mod batcher;
mod completion;
mod crew;
mod idle;
mod panics;
mod pool;
mod queue;
mod room;
mod sync;
mod threads;
mod urgency;

pub use affinity::pin_thread;
#[cfg(feature = "testing")]
pub use batcher::Hand;
pub use batcher::{Batcher, BatcherConfig, Batches};
pub use completion::{CompletionQueue, Permit};
#[cfg(feature = "testing")]
pub use pool::Begun;
pub use pool::{Config, Leftover, Pool};
