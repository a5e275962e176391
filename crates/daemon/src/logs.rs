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
    if found.split(',').any(|directive| is_heard(directive.trim())) {
        Ok(filter)
    } else {
        Err(LogError::Silent { found: found.clone() })
    }
}

/// Whether part of a filter is about this program. A word that is no level is the name of a module, and a wrong one
/// silences everything.
fn is_heard(directive: &str) -> bool {
    const OURS: &str = "raida";
    let module = directive.split(['=', '[']).next().unwrap_or_default();
    module.parse::<LevelFilter>().is_ok() || module.starts_with(OURS) || OURS.starts_with(module)
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
    /// `log.filter` is about other programs only: nothing would be logged.
    Silent {
        /// What it is.
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
            Self::Silent { found } => {
                write!(f, "log.filter is {found:?}, must be {EXPECTED}: it names nothing that this program logs")
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
            Self::Silent { .. } | Self::Begun => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_that_would_silence_the_node_by_mistake_is_none() {
        let mut config = Config::load(&raida_config::Sources::default()).unwrap().config;
        let mut check = |filter: &str| {
            config.log.filter = filter.to_owned();
            check_filter(&config)
        };
        for silent in ["bogus", "inof", "bogus=debug,hyper=info", "bogus[span]=info"] {
            assert!(matches!(check(silent), Err(LogError::Silent { .. })), "{silent}");
        }
        for heard in [
            "info",
            "WARN",
            "off",
            "raida=debug",
            "bogus,info",
            "raida_reactor=trace",
            "[conn]=debug",
            "hyper=off, info",
        ] {
            assert!(check(heard).is_ok(), "{heard}");
        }
    }
}
