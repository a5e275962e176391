//! Log lines on standard error, written by a thread of their own: a full pipe never holds up an I/O thread.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::Duration;

use anyhow::Context;
use raida_config::{Config, LogFormat};
use tracing::warn;
use tracing_subscriber::EnvFilter;

/// Lines that wait to be written at most. More are lost and counted.
const WAITING_MAX: usize = 4096;

/// How long the end of the process waits for the last lines.
const FLUSH_MAX: Duration = Duration::from_secs(1);

/// Which lines are logged.
pub(crate) fn filter(config: &Config) -> anyhow::Result<EnvFilter> {
    let filter = &config.log.filter;
    let parsed = EnvFilter::builder().parse(filter);
    parsed.with_context(|| {
        format!("log.filter is {filter:?}, must be a level or a list such as info,raida_reactor=debug")
    })
}

/// Begins to log. What was logged until the returned value is dropped, has been written then.
pub(crate) fn start(config: &Config) -> anyhow::Result<Flush> {
    let filter = filter(config)?;
    let (sender, lines) = sync_channel(WAITING_MAX);
    let lost = Arc::new(AtomicU64::new(0));
    let queue = Queue { sender: sender.clone(), lost: Arc::clone(&lost) };
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(move || queue.clone());
    match config.log.format {
        LogFormat::Text => logs.with_ansi(io::stderr().is_terminal()).try_init(),
        LogFormat::Json => logs.json().try_init(),
    }
    .map_err(|error| anyhow::anyhow!("setting up the log: {error}"))?;
    thread::Builder::new()
        .name("raida-log".to_owned())
        .spawn(move || write(&lines, &lost))
        .context("starting the log")?;
    Ok(Flush(sender))
}

enum Entry {
    Line(Vec<u8>),
    Flush(SyncSender<()>),
}

fn write(entries: &Receiver<Entry>, lost: &AtomicU64) {
    for entry in entries {
        match entry {
            // Where standard error is gone there is nobody left to tell.
            Entry::Line(line) => io::stderr().write_all(&line).unwrap_or_default(),
            Entry::Flush(done) => done.send(()).unwrap_or_default(),
        }
        let lost = lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            warn!(lost, "log lines were lost: standard error is too slow");
        }
    }
}

#[derive(Clone)]
struct Queue {
    sender: SyncSender<Entry>,
    lost: Arc<AtomicU64>,
}

impl Write for Queue {
    /// One call is one line.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if let Err(TrySendError::Full(_)) = self.sender.try_send(Entry::Line(line.to_vec())) {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes what waits when dropped.
pub(crate) struct Flush(SyncSender<Entry>);

impl Drop for Flush {
    fn drop(&mut self) {
        let (done, written) = sync_channel(1);
        if self.0.send(Entry::Flush(done)).is_ok() {
            let _ = written.recv_timeout(FLUSH_MAX);
        }
    }
}
