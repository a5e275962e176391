//! A bound on how many lines of one kind are written in a second, so that an attack fills counters and not the disk.

use std::collections::hash_map::DefaultHasher;
use std::fmt::{self, Debug};
use std::hash::{Hash, Hasher};
use std::io;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tracing::field::{Field, Visit};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, warn};
use tracing_subscriber::layer::{Context, Filter};

/// Lets so many lines of each kind through in a second, and counts the others.
///
/// A kind is a place in the program, together with the `reason` or the `status` that a line carries. Kinds share a table
/// of fixed size; two that fall on one place share its allowance.
#[derive(Clone, Debug)]
pub(crate) struct Flood(Arc<Kinds>);

struct Kinds {
    allowance: AtomicUsize,
    began: Instant,
    places: Box<[Place]>,
}

#[derive(Debug, Default)]
struct Place {
    /// The second since the beginning in the upper half, lines in that second in the lower.
    window: AtomicU64,
    /// Lines held back since the last sweep, and what kind they were.
    held_back: AtomicU64,
    kind: Mutex<String>,
}

/// Says once a second what was held back. Ends when dropped, after a last word.
#[derive(Debug)]
pub(crate) struct Sweeper {
    stop: Option<Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

const PLACES: usize = 1024;

impl Flood {
    /// Lets `allowance` lines of a kind through in a second. 0: all.
    pub(crate) fn new(allowance: usize) -> Self {
        let places = (0..PLACES).map(|_| Place::default()).collect();
        Self(Arc::new(Kinds { allowance: AtomicUsize::new(allowance), began: Instant::now(), places }))
    }

    /// Changes that number.
    pub(crate) fn allow(&self, allowance: usize) {
        // ORDERING: Relaxed, here and below: the numbers stand alone and publish nothing.
        self.0.allowance.store(allowance, Ordering::Relaxed);
    }

    /// Starts the thread that says what was held back.
    pub(crate) fn sweep(&self) -> io::Result<Sweeper> {
        let (flood, (stop, stopped)) = (self.clone(), channel());
        let life = move || {
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(Duration::from_secs(1)) {
                flood.tell();
            }
            flood.tell();
        };
        let thread = thread::Builder::new().name("raida-flood".to_owned()).spawn(life)?;
        Ok(Sweeper { stop: Some(stop), thread: Some(thread) })
    }

    /// Whether one more line may be written in this second.
    fn admits(&self, kind: &Kind, name: impl FnOnce() -> String, second: u64) -> bool {
        let allowance = self.0.allowance.load(Ordering::Relaxed) as u64;
        let Some(place) = self.0.places.get(kind.place()).filter(|_| allowance > 0) else { return true };
        let next = |window: u64| if window >> 32 == second { window + 1 } else { second << 32 | 1 };
        let before = place.window.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |window| Some(next(window)));
        let lines = next(before.unwrap_or(0)) & u64::from(u32::MAX);
        if lines <= allowance {
            return true;
        }
        if place.held_back.fetch_add(1, Ordering::Relaxed) == 0 {
            *place.kind.lock().unwrap_or_else(PoisonError::into_inner) = name();
        }
        false
    }

    fn tell(&self) {
        for place in &self.0.places {
            let lines = place.held_back.swap(0, Ordering::Relaxed);
            if lines > 0 {
                let kind = place.kind.lock().unwrap_or_else(PoisonError::into_inner).clone();
                warn!(suppressed = lines, %kind, "{lines} lines suppressed");
            }
        }
    }
}

impl<S> Filter<S> for Flood {
    fn enabled(&self, _: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        true
    }

    fn callsite_enabled(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    fn event_enabled(&self, event: &Event<'_>, _: &Context<'_, S>) -> bool {
        let mut kind = Kind::of(event.metadata());
        event.record(&mut kind);
        let second = self.0.began.elapsed().as_secs() & u64::from(u32::MAX);
        self.admits(&kind, || Name::of(event), second)
    }
}

/// A kind of line, as a number.
struct Kind(DefaultHasher);

impl Kind {
    fn of(metadata: &'static Metadata<'static>) -> Self {
        let mut hasher = DefaultHasher::new();
        metadata.callsite().hash(&mut hasher);
        Self(hasher)
    }

    #[expect(clippy::cast_possible_truncation, reason = "the remainder is small")]
    fn place(&self) -> usize {
        (self.0.finish() % PLACES as u64) as usize
    }
}

/// Hashes what is shown of a value, without keeping it.
struct Hashing<'h>(&'h mut DefaultHasher);

impl fmt::Write for Hashing<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write(text.as_bytes());
        Ok(())
    }
}

impl Visit for Kind {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if is_part_of_the_kind(field) {
            // Hashing cannot fail.
            let _ = fmt::write(&mut Hashing(&mut self.0), format_args!("{value:?}"));
        }
    }
}

/// A kind of line, for people.
#[derive(Default)]
struct Name {
    message: String,
    details: String,
}

impl Name {
    fn of(event: &Event<'_>) -> String {
        let mut name = Self::default();
        event.record(&mut name);
        name.message + &name.details
    }
}

impl Visit for Name {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            self.message = format!("{value:?}");
        } else if is_part_of_the_kind(field) {
            self.details.push_str(&format!(", {} {value:?}", field.name()));
        }
    }
}

fn is_part_of_the_kind(field: &Field) -> bool {
    matches!(field.name(), "reason" | "status")
}

impl Drop for Sweeper {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Debug for Kinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kinds").field("allowance", &self.allowance).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::MutexGuard;

    use tracing::debug;
    use tracing_subscriber::fmt::MakeWriter;
    use tracing_subscriber::layer::{Layer, SubscriberExt};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    struct Writer<'l>(MutexGuard<'l, Vec<u8>>);

    impl io::Write for Writer<'_> {
        fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
            self.0.extend(octets);
            Ok(octets.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl<'l> MakeWriter<'l> for Lines {
        type Writer = Writer<'l>;

        fn make_writer(&'l self) -> Writer<'l> {
            Writer(self.0.lock().unwrap())
        }
    }

    /// What is written while `log` runs, with so many lines of a kind allowed.
    fn written(allowance: usize, log: impl FnOnce()) -> String {
        let (lines, flood) = (Lines::default(), Flood::new(allowance));
        let layer = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(lines.clone());
        tracing::subscriber::with_default(
            tracing_subscriber::registry().with(layer.with_filter(flood.clone())),
            || {
                log();
                flood.tell();
            },
        );
        let octets = lines.0.lock().unwrap().clone();
        String::from_utf8(octets).unwrap()
    }

    fn close_all(times: usize) {
        for _ in 0..times {
            for reason in ["header within 2s", "body within 2s"] {
                debug!(%reason, "connection closed");
            }
        }
    }

    #[test]
    fn each_reason_has_an_allowance_of_its_own_and_no_count_is_lost() {
        let text = written(5, || close_all(1000));
        for reason in ["header", "body"] {
            let shown = text.lines().filter(|line| line.contains(&format!("closed reason={reason}"))).count();
            let told = text.lines().find(|line| line.contains("suppressed") && line.contains(reason)).unwrap();
            let suppressed: usize =
                told.split("suppressed=").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
            assert_eq!(shown + suppressed, 1000, "{text}");
            // The second may have changed in between.
            assert!((5..=50).contains(&shown), "{shown}");
        }
    }

    #[test]
    fn no_bound_is_no_bound() {
        assert_eq!(written(0, || close_all(500)).lines().count(), 1000);
    }
}
