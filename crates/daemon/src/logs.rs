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
use crate::one_line::one_line;

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

/// The modules that log.
const MODULES: &[&str] = &[
    "raida_daemon::confinement",
    "raida_daemon::descriptors",
    "raida_daemon::flood",
    "raida_daemon::reload",
    "raida_daemon::serve",
    "raida_daemon::service_manager",
    "raida_daemon::watchdog",
    "raida_monitor::endpoint",
    "raida_node::healing",
    "raida_node::node",
    "raida_node::setback",
    "raida_node::together",
    "raida_peers::cycle",
    "raida_peers::heal",
    "raida_peers::keeper",
    "raida_peers::redeemer",
    "raida_reactor::core",
    "raida_reactor::datagram",
    "raida_reactor::reactor",
    "raida_reactor::streams",
    "raida_reactor::workers",
    "raida_server",
    "raida_server::backend",
    "raida_server::sockets",
    "raida_vault::vault",
    "raida_workers::batcher",
    "raida_workers::panics",
    "raida_workers::pool",
    "raida_workers::threads",
];

/// Whether part of a filter is a level, or about a module that logs. A word that is no level is the name of a module, and a
/// wrong one silences what it was meant to show. The beginning of a name stands for all that begin so.
fn is_ours(directive: &str) -> bool {
    let module = module(directive);
    module.parse::<LevelFilter>().is_ok() || MODULES.iter().any(|own| own.starts_with(module))
}

/// What a part of a filter is about.
fn module(directive: &str) -> &str {
    directive.split(['=', '[']).next().unwrap_or_default()
}

/// Those that log: the modules of the crate that is meant, or else all crates.
fn those_meant(directive: &str) -> Vec<&'static str> {
    let named = |module: &str| module.split("::").next().map(str::to_owned);
    let of_crate: Vec<_> = MODULES.iter().copied().filter(|own| named(own) == named(module(directive))).collect();
    if !of_crate.is_empty() {
        return of_crate;
    }
    let mut crates: Vec<_> = MODULES.iter().filter_map(|own| own.split("::").next()).collect();
    crates.dedup();
    crates
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
                write!(f, "log.filter is {found:?}, must be {EXPECTED}: {}", one_line(error))
            }
            Self::Foreign { found } => {
                let those = those_meant(found).join(", ");
                write!(f, "log.filter has {found:?}, must be {EXPECTED}: those that log are {those}")
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
            ("raida_node::nosuch=debug,info", "raida_node::nosuch=debug"),
            ("raida_node::node::nosuch=debug", "raida_node::node::nosuch=debug"),
            ("raida_node::=debug,raida_nodes::", "raida_nodes::"),
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
            "raida_server=debug",
            "[conn]=debug",
            "info,",
        ] {
            assert!(check(heard).is_ok(), "{heard}");
        }
    }

    #[test]
    fn a_pattern_that_is_none_is_refused_on_one_line() {
        let mut config = Config::load(&raida_config::Sources::default()).unwrap().config;
        config.log.filter = "[conn{peer=[}]=debug".to_owned();
        let refused = check_filter(&config).unwrap_err();
        for told in [refused.to_string(), one_line(&refused)] {
            assert!(told.contains("unclosed character class") && told.lines().count() == 1, "{told}");
        }
    }

    #[test]
    fn a_wrong_name_is_answered_with_those_that_were_meant() {
        let said = |found: &str| LogError::Foreign { found: found.to_owned() }.to_string();
        assert!(said("raida_monitor::nosuch").ends_with("those that log are raida_monitor::endpoint"));
        let crates = "raida_daemon, raida_monitor, raida_node, raida_peers, raida_reactor, raida_server, raida_vault";
        assert!(said("bogus=debug").ends_with(&format!("those that log are {crates}, raida_workers")));
    }

    #[test]
    fn every_module_that_logs_can_be_named_and_no_other() {
        let mut found = Vec::new();
        for folder in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).unwrap() {
            let folder = folder.unwrap().path();
            let name = format!("raida_{}", folder.file_name().unwrap().to_str().unwrap());
            let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap_or_default();
            let has_tracing = |line: &str| line.starts_with("tracing.") || line.starts_with("tracing =");
            if name != "raida_sim" && manifest.lines().any(has_tracing) {
                modules_that_log(&folder.join("src"), &name, &mut found);
            }
        }
        found.sort();
        assert_eq!(found, MODULES);
    }

    /// Those of this folder whose sources, up to their tests, use a macro that logs.
    fn modules_that_log(folder: &std::path::Path, name: &str, found: &mut Vec<String>) {
        const MACROS: &[&str] = &["error!(", "warn!(", "info!(", "debug!(", "trace!("];
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            let module = match path.file_stem().unwrap().to_str().unwrap() {
                "lib" | "main" | "mod" => name.to_owned(),
                module => format!("{name}::{module}"),
            };
            if path.is_dir() {
                modules_that_log(&path, &module, found);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let is_code = |line: &&str| !line.trim_start().starts_with("//");
            let mut code = text.lines().take_while(|line| *line != "mod tests {").filter(is_code);
            let is_call =
                |(at, _): (usize, &str), line: &str| !line[..at].ends_with(|c: char| c == '_' || c.is_alphanumeric());
            let logs =
                |line: &str| MACROS.iter().any(|call| line.match_indices(call).any(|found| is_call(found, line)));
            if code.any(logs) {
                found.push(module);
            }
        }
    }
}
