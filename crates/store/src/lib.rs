//! The coins of a RAIDA node: on disk, durable, with their Merkle trees, and in and out of page files.
//!
//! - [`Store::peek`] tells from memory alone what is known of a coin; [`Store::read`] fetches it from disk.
//! - [`Store::write`] begins a [`Batch`]: many clients' requests, one durable commit, each request whole or not at all.
//! - [`Store::roots`] are the Merkle roots of committed state; a [`Caretaker`] keeps them up to date.
//! - After the disk has failed, changes are refused and readers are served; [`Store::recover`] is the way back.
//!
//! A coin that is not issued is nowhere: it takes no room, it has no record, and nothing authenticates it. The crate never
//! contains a socket, a protocol message, a clock or a random number generator: records come with their number and month,
//! and the secret is handed in.
//!
//! ```
//! # let folder = tempfile::tempdir()?;
//! use raida_store::{Options, Peek, Record, Store};
//! use raida_wire::{CoinId, Month};
//!
//! let store = Store::open(folder.path(), &Options::new([7; 32]))?;
//! let coin = CoinId::new(0, 258).ok_or("no such coin")?;
//! let record = Record { an: [2; 16].into(), month: Month::of(2026, 11) };
//!
//! let mut batch = store.write()?;
//! batch.request(|changes| changes.set(coin, &record))?;
//! assert_eq!(store.peek(coin), Peek::NotIssued);
//! batch.commit()?; // on disk
//! assert_eq!(store.read(coin)?, Some(record));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Threads
//!
//! There is one writer at a time, so no locks of single records and no order among them: two requests can not wait for
//! each other. Readers take no lock that is held while the disk works.

#![forbid(unsafe_code)]

mod batch;
mod cache;
mod caretaker;
mod chunk;
mod commit;
mod derived;
mod error;
mod forest;
mod issued;
mod locker;
mod locker_index;
mod medium;
mod mirror;
mod named_file;
mod options;
mod page_id;
mod page_set;
pub mod pages;
mod record;
mod recovery;
mod schema;
mod store;
mod tally;
#[cfg(feature = "testing")]
pub mod testing;
mod trees;
mod unissued;
mod verify;
mod view;

pub use redb::StorageBackend;

pub use crate::batch::{Batch, Changes};
pub use crate::caretaker::{Caretaker, Report};
pub use crate::error::{Damage, OpenError, StoreError};
pub use crate::forest::Forest;
pub use crate::issued::BITMAP_LEN;
pub use crate::mirror::Peek;
pub use crate::options::Options;
pub use crate::page_id::PageId;
pub use crate::record::Record;
pub use crate::recovery::Health;
pub use crate::store::{FILE_NAME, Store};
pub use crate::tally::Figures;
