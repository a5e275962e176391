//! The configuration of a RAIDA node: file, environment and flags, checked, with the origin of each value.
//!
//! [`Config::load`] merges its [`Sources`] and gives a [`Loaded`] configuration that breaks no range and no rule, or a
//! [`ConfigError`] that names everything wrong at once: key, value, what is accepted, and where the value came from.
//! [`limits`] turns the process limits into a number of connections, [`secrets`] keeps the node's keys on disk.
//!
//! Every key stands once, in `tables.rs`. It holds no command line, no log, no socket, and it never resolves a name.
//!
//! ```
//! use raida_config::{Config, ConfigFile, Overrides, Sources};
//!
//! let sources = Sources {
//!     file: Some(ConfigFile::from_text("raida.toml", "[server]\nraida_id = 7\n")),
//!     environment: vec![("RAIDA_TIMEOUTS__PROGRESS_MS".into(), "1500".into())],
//!     overrides: Overrides { threads: Some(2), ..Overrides::default() },
//! };
//! let loaded = Config::load(&sources).unwrap();
//! assert_eq!(loaded.config.server.port, 50007);
//! assert_eq!(loaded.config.timeouts.progress.as_millis(), 1500);
//! assert_eq!(loaded.origin("server.threads").unwrap().to_string(), "flag --threads");
//! ```

mod change;
mod choice;
mod data_dir;
mod environment;
mod file;
mod flags;
mod key;
mod layer;
pub mod limits;
mod listen;
mod loaded;
mod names;
mod origin;
mod peer;
mod print;
mod problem;
mod reader;
mod reference;
mod report;
mod rules;
mod secret;
pub mod secrets;
mod setting;
mod tables;
mod toml;

pub use crate::change::Change;
pub use crate::choice::{Backend, ChoiceError, LogFormat, SandboxMode};
pub use crate::data_dir::{DataDirError, make_data_dir};
pub use crate::file::ConfigFile;
pub use crate::flags::Overrides;
pub use crate::loaded::{Loaded, Sources};
pub use crate::origin::Origin;
pub use crate::peer::{Peer, PeerError};
pub use crate::problem::{ConfigError, Notice, Problem};
pub use crate::reference::reference;
pub use crate::secret::{AdminKey, NodeSecret, Secret};
pub use crate::secrets::{SecretError, Secrets};
pub use crate::tables::{Config, Limits, Log, Network, Server, Store, Timeouts, Workers};
