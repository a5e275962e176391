//! Coins in a folder, one file each, and what their owner does with them.
//!
//! Every operation that changes a coin's numbers writes the new ones into the coin's file before any node hears of them,
//! and takes the old ones out only after the node has said that they are void. Whenever the program ends in between, the
//! file holds both, and [`Wallet::find`] asks which of them counts. `docs/COIN-FILE.md` describes the files.
//!
//! ```no_run
//! use raida_client::wallet::Wallet;
//! use raida_client::{Fleet, Options, Target};
//!
//! let nodes = (50000..=50024).map(|port| format!("127.0.0.1:{port}").parse().map(Target::new)).collect::<Result<_, _>>()?;
//! let fleet = Fleet::new(nodes, Options::default());
//! let wallet = Wallet::open("my-coins".as_ref(), Target::COIN_ID)?;
//! let mut coins = wallet.coins(|_| true)?;
//! let outcome = wallet.pown(&fleet, &mut coins)?;
//! println!("{} of {} are mine", outcome.tallies.iter().filter(|tally| tally.is_carried()).count(), coins.len());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod agreement;
mod change;
mod coin_file;
mod error;
mod fix;
mod folder;
mod issue;
mod locker;
mod pown;

pub use coin_file::parse as parse_coin;
pub use error::WalletError;
pub use folder::Wallet;
pub use issue::AdminKeys;
