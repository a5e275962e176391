//! Log lines on standard error, written by a thread of their own: a full pipe never holds up an I/O thread.

use std::fmt;
use std::io::{self, IsTerminal};

use raida_config::{Config, LogFormat};
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::{LevelFilter, ParseError};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::reload::{self, Handle};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Registry};

use crate::flood::{Flood, Sweeper};

/// Lines that wait to be written at most. More are lost and counted.
const WAITING_MAX: usize = 4096;

const EXPECTED: &str = "a level or a list such as info,raida_reactor=debug";

/// The log in use. Waits for its last lines to be written when dropped, for a second at most.
#[derive(Debug)]
pub struct Log {
    lost: ErrorCounter,
    filter: Handle<EnvFilter, Registry>,
    flood: Flood,
    // The sweeper writes lines, too.
    _sweeper: Sweeper,
    _last_lines: WorkerGuard,
}

/// Whether `log.filter` can be understood.
///
/// # Errors
///
/// [`LogError::Filter`].
pub fn check_filter(config: &Config) -> Result<(), LogError> {
    filter(config).map(drop)
}

fn filter(config: &Config) -> Result<EnvFilter, LogError> {
    let found = &config.log.filter;
    let filter = EnvFilter::builder().parse(found).map_err(|error| LogError::Filter { found: found.clone(), error })?;
    match found.split(',').map(str::trim).find(|directive| !is_ours(directive)) {
        Some(foreign) => Err(LogError::Foreign { found: foreign.to_owned() }),
        None => Ok(filter),
    }
}

/// The crates that log.
const CRATES: &[&str] = &[
    "raida_daemon",
    "raida_monitor",
    "raida_node",
    "raida_peers",
    "raida_reactor",
    "raida_server",
    "raida_vault",
    "raida_workers",
];

/// Whether part of a filter is a level, or about a crate that logs. A word that is no level is the name of a module, and a
/// wrong one silences what it was meant to show.
fn is_ours(directive: &str) -> bool {
    let module = directive.split(['=', '[']).next().unwrap_or_default();
    // The beginning of a name stands for all that begin so.
    let is_named = |own: &&str| match module.split_once("::") {
        Some((name, _)) => **own == *name,
        None => own.starts_with(module),
    };
    module.parse::<LevelFilter>().is_ok() || CRATES.iter().any(is_named)
}

impl Log {
    /// Begins to log. Once in the life of a process.
    ///
    /// # Errors
    ///
    /// A filter that cannot be understood, no thread, or a log that has begun already.
    pub fn start(config: &Config) -> Result<Self, LogError> {
        let settings =
            NonBlockingBuilder::default().lossy(true).buffered_lines_limit(WAITING_MAX).thread_name("raida-log");
        let (writer, last_lines) = settings.finish(io::stderr());
        let lost = writer.error_counter();
        let (chosen, filter) = reload::Layer::new(filter(config)?);
        let flood = Flood::new(config.log.lines_per_second_max);
        let lines = tracing_subscriber::fmt::layer().with_writer(writer);
        let lines = match config.log.format {
            LogFormat::Text => lines.with_ansi(io::stderr().is_terminal()).with_filter(flood.clone()).boxed(),
            LogFormat::Json => lines.json().with_filter(flood.clone()).boxed(),
        };
        tracing_subscriber::registry().with(chosen).with(lines).try_init().map_err(|_| LogError::Begun)?;
        let sweeper = flood.sweep().map_err(LogError::Thread)?;
        Ok(Self { lost, filter, flood, _sweeper: sweeper, _last_lines: last_lines })
    }

    /// Lines lost so far because nobody read fast enough.
    #[must_use]
    pub fn lost(&self) -> usize {
        self.lost.dropped_lines()
    }

    /// Follows another configuration from now on.
    ///
    /// # Errors
    ///
    /// A filter that cannot be understood; then nothing has changed.
    pub(crate) fn adopt(&self, config: &Config) -> Result<(), LogError> {
        let filter = filter(config)?;
        self.filter.reload(filter).map_err(|_| LogError::Begun)?;
        self.flood.allow(config.log.lines_per_second_max);
        Ok(())
    }
}

/// Why there is no log.
#[derive(Debug)]
#[non_exhaustive]
pub enum LogError {
    /// `log.filter` cannot be understood.
    Filter {
        /// What it is.
        found: String,
        /// What is wrong with it.
        error: ParseError,
    },
    /// A part of `log.filter` is about nothing that this program logs.
    Foreign {
        /// That part.
        found: String,
    },
    /// The process logs already.
    Begun,
    /// The system gives no thread.
    Thread(io::Error),
}

impl fmt::Display for LogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Filter { found, error } => {
                write!(f, "log.filter is {found:?}, must be {EXPECTED}: {error}")
            }
            Self::Foreign { found } => {
                write!(f, "log.filter has {found:?}, must be {EXPECTED}: those that log are {}", CRATES.join(", "))
            }
            Self::Begun => f.write_str("starting the log: there is one already"),
            Self::Thread(error) => write!(f, "starting the log: {error}"),
        }
    }
}

impl std::error::Error for LogError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Filter { error, .. } => Some(error),
            Self::Thread(error) => Some(error),
            Self::Foreign { .. } | Self::Begun => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_that_names_nothing_of_ours_is_none() {
        let mut config = Config::load(&raida_config::Sources::default()).unwrap().config;
        let mut check = |filter: &str| {
            config.log.filter = filter.to_owned();
            check_filter(&config)
        };
        for (filter, wrong) in [
            ("bogus", "bogus"),
            ("inof", "inof"),
            ("info,raida_reacter=debug", "raida_reacter=debug"),
            ("raida_reactors::streams=debug, info", "raida_reactors::streams=debug"),
            ("hyper=off, info", "hyper=off"),
            ("bogus[span]=info", "bogus[span]=info"),
            ("raida_wire=debug", "raida_wire=debug"),
        ] {
            let refused = check(filter);
            assert!(matches!(&refused, Err(LogError::Foreign { found }) if found == wrong), "{filter}: {refused:?}");
        }
        for heard in [
            "info",
            "WARN",
            "off",
            "raida=debug",
            "raida_reactor=trace,info",
            "raida_reactor::streams=debug",
            "[conn]=debug",
            "info,",
        ] {
            assert!(check(heard).is_ok(), "{heard}");
        }
    }

    #[test]
    fn every_crate_that_logs_can_be_named() {
        let crates = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).unwrap();
        let logs = |manifest: &String| {
            manifest.lines().any(|line| line.starts_with("tracing.") || line.starts_with("tracing ="))
        };
        let name = |manifest: String| manifest.lines().find_map(|line| line.strip_prefix("name = ")).map(str::to_owned);
        let manifests = crates.map(|folder| std::fs::read_to_string(folder.unwrap().path().join("Cargo.toml")));
        let mut names: Vec<_> = manifests.filter_map(Result::ok).filter(logs).filter_map(name).collect();
        names.iter_mut().for_each(|name| *name = name.trim_matches('"').replace('-', "_"));
        names.sort();
        names.retain(|name| name != "raida_sim");
        assert_eq!(names, CRATES);
    }
}
