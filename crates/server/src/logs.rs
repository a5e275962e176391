//! Log lines on standard error, written by a thread of their own: a full pipe never holds up an I/O thread.

use std::io::{self, IsTerminal};

use anyhow::{Context, anyhow};
use raida_config::{Config, LogFormat};
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

/// Lines that wait to be written at most. More are lost and counted.
const WAITING_MAX: usize = 4096;

/// The log in use. Waits for its last lines to be written when dropped, for a second at most.
pub(crate) struct Log {
    pub(crate) lost: ErrorCounter,
    _last_lines: WorkerGuard,
}

/// Which lines are logged.
pub(crate) fn filter(config: &Config) -> anyhow::Result<EnvFilter> {
    let (found, expected) = (&config.log.filter, "a level or a list such as info,raida_reactor=debug");
    EnvFilter::builder().parse(found).with_context(|| format!("log.filter is {found:?}, must be {expected}"))
}

/// Begins to log.
pub(crate) fn start(config: &Config) -> anyhow::Result<Log> {
    let settings = NonBlockingBuilder::default().lossy(true).buffered_lines_limit(WAITING_MAX).thread_name("raida-log");
    let (writer, last_lines) = settings.finish(io::stderr());
    let log = Log { lost: writer.error_counter(), _last_lines: last_lines };
    let lines = tracing_subscriber::fmt().with_env_filter(filter(config)?).with_writer(writer);
    let started = match config.log.format {
        LogFormat::Text => lines.with_ansi(io::stderr().is_terminal()).try_init(),
        LogFormat::Json => lines.json().try_init(),
    };
    started.map_err(|error| anyhow!("starting the log: {error}"))?;
    Ok(log)
}
