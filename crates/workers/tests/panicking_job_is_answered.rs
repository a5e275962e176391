//! A panic costs nobody anything but the job it happened in, and that one gets an answer.
#![cfg(not(loom))]

use raida_workers::{CompletionQueue, Config, Pool};
use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};
use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, Subscriber, span};

#[test]
fn panicking_jobs_are_answered_counted_and_logged_and_the_workers_live_on() {
    let log = Log::default();
    tracing::subscriber::set_global_default(log.clone()).unwrap();
    std::panic::set_hook(Box::new(|_| ()));

    let run = |job: &mut Vec<u8>| -> Result<u8, Vec<u8>> {
        let secret = job.pop();
        match secret {
            Some(0) => panic!("zero is not allowed"),
            Some(1) => std::panic::panic_any(17u64),
            Some(2) => panic!("{} is too much", 1 + 1),
            other => Ok(other.unwrap_or_default()),
        }
    };
    let recover = |job: Vec<u8>| {
        assert_ne!(job, [255], "recovering failed too");
        Err(job)
    };
    let pool = Pool::new(&Config { threads: 2, ..Config::default() }, run, recover).unwrap();
    let queue = CompletionQueue::new(300, || ());
    for n in 0..200u8 {
        pool.try_dispatch(queue.try_reserve().unwrap(), vec![99, n]).unwrap();
    }
    // Job and recovery both panic: the result is lost, but neither slot nor worker is.
    pool.try_dispatch(queue.try_reserve().unwrap(), vec![255, 0]).unwrap();
    pool.shutdown();

    let mut results = Vec::new();
    queue.drain_into(&mut results);
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 197);
    // The job comes back as the panic left it: one octet shorter.
    assert_eq!(results.iter().filter(|result| **result == Err(vec![99])).count(), 3);
    assert_eq!((results.len(), queue.occupied()), (200, 0));
    assert_eq!((pool.panics(), pool.busy()), (5, 0));

    // "a job" sorts before "answering".
    let mut lines = log.0.lock().unwrap().clone();
    lines.sort_unstable();
    assert_eq!(
        lines[..4],
        [
            "a job panicked panic=\"(no message)\"",
            "a job panicked panic=\"2 is too much\"",
            "a job panicked panic=\"zero is not allowed\"",
            "a job panicked panic=\"zero is not allowed\"",
        ]
    );
    assert!(lines[4].starts_with("answering a job panicked panic="));
    assert_eq!(lines.len(), 5);
}

/// Keeps every error as one line: the message first, then the fields.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() == tracing::Level::ERROR
    }
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn event(&self, event: &Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        let Line { message, fields } = line;
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(message + &fields);
    }
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

#[derive(Default)]
struct Line {
    message: String,
    fields: String,
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        match field.name() {
            "message" => self.message = format!("{value:?}"),
            name => self.fields += &format!(" {name}={value:?}"),
        }
    }
}
