//! The coins of a RAIDA node, put together after its configuration.
//!
//! - [`Vault`] is what a node opens at its start and closes at its end: secrets, store, Merkle trees, other nodes.
//! - [`pages`] are the operator's commands that take page files over and write them, with a progress bar.
//!
//! The crate never contains a listening socket, a protocol message or a setting of its own.
//!
//! ```
//! use raida_config::{Config, Sources};
//! use raida_vault::Vault;
//!
//! let folder = tempfile::tempdir()?;
//! let mut config = Config::load(&Sources::default())?.config;
//! config.store.data_dir = folder.path().join("data");
//! let vault = Vault::open(&config)?;
//! assert!(vault.secrets_are_new());
//! assert!(Vault::open(&config).is_err_and(|error| error.to_string().contains("in use")));
//! vault.close();
//! assert!(!Vault::open(&config)?.secrets_are_new());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

mod error;
mod others;
pub mod pages;
mod vault;

pub use error::VaultError;
pub use vault::{Vault, month};
