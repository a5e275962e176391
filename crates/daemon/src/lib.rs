//! A RAIDA node as a process among others: what an operator and the system see of it.
//!
//! - [`Log`]: lines on standard error, written by a thread of their own, bounded in number, with a filter that can change.
//! - [`Signals`]: taken from the first moment on; SIGTERM and SIGINT stop, SIGHUP reloads, no other user signal kills.
//! - [`Shift`]: the reactors in their threads, until a signal says stop or one of them fails; the service manager hears of
//!   every step, and of a reactor that hangs its watchdog hears nothing.
//! - [`confine`]: what the process gives up once its sockets are bound.
//! - [`Budget`]: how much memory all of that may come to take.
//! - [`settings`]: what each part is told, from the configuration.
//!
//! The crate never contains a socket, a command or a setting of its own; it does not know which backend it runs.
//!
//! ```
//! use raida_config::{Config, Sources};
//! use raida_daemon::{Log, settings};
//!
//! let config = Config::load(&Sources::default())?.config;
//! let log = Log::start(&config)?;
//! tracing::info!(workers = settings::workers(&config).threads, "a line on standard error");
//! assert_eq!(log.lost(), 0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

pub mod budget;
mod confinement;
pub mod descriptors;
mod flood;
mod logs;
pub mod memory;
mod one_line;
mod reload;
mod serve;
mod service_manager;
pub mod settings;
mod shown;
mod signals;
mod watchdog;

pub use budget::Budget;
pub use confinement::{ConfineError, confine};
pub use logs::{Log, LogError, check_filter};
pub use one_line::one_line;
pub use serve::{ServeError, Shift};
pub use shown::{facts, monitor};
pub use signals::Signals;
