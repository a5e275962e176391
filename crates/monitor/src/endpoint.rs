//! The listener, and who answers what.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde::Serialize;
use tracing::{debug, warn};

use crate::http::{self, Answer, Question};
use crate::metrics;
use crate::subject::Subject;

/// Bounds on those who ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Longest time for a question and its answer. Meanwhile others wait.
    pub request: Duration,
    /// Connections that one answer lists at most.
    pub listed_max: usize,
}

/// Answers questions about a node, each address on a thread of its own, until it is dropped.
#[derive(Debug)]
pub struct Endpoint {
    listening: Vec<Listening>,
    stopping: Arc<AtomicBool>,
}

#[derive(Debug)]
struct Listening {
    address: SocketAddr,
    thread: Option<JoinHandle<()>>,
}

/// How long an I/O thread may take to say that it turns.
const PATIENCE: Duration = Duration::from_secs(1);
/// Rest after an accept that failed, which descriptors may be scarce for.
const REST: Duration = Duration::from_millis(100);

/// Binds these addresses. Nobody is answered before [`Endpoint::start`].
///
/// # Errors
///
/// An address and what the system said of it.
pub fn bind(addresses: &[SocketAddr]) -> Result<Vec<TcpListener>, (SocketAddr, io::Error)> {
    addresses.iter().map(|address| TcpListener::bind(address).map_err(|error| (*address, error))).collect()
}

impl Endpoint {
    /// Begins to answer.
    ///
    /// # Errors
    ///
    /// When the system gives no thread.
    pub fn start(listeners: Vec<TcpListener>, subject: &Arc<Subject>, settings: Settings) -> io::Result<Self> {
        let mut endpoint = Self { listening: Vec::new(), stopping: Arc::default() };
        for listener in listeners {
            let (address, subject, stopping) = (listener.local_addr()?, Arc::clone(subject), &endpoint.stopping);
            let stopping = Arc::clone(stopping);
            let life = move || listen(&listener, &subject, settings, &stopping);
            let thread = thread::Builder::new().name("raida-monitor".to_owned()).spawn(life)?;
            endpoint.listening.push(Listening { address, thread: Some(thread) });
        }
        Ok(endpoint)
    }

    /// Where it listens.
    pub fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        self.listening.iter().map(|listening| listening.address)
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        for Listening { address, thread } in &mut self.listening {
            // Ends its wait. Where that fails, its thread ends with the process.
            if TcpStream::connect_timeout(address, PATIENCE).is_ok()
                && let Some(thread) = thread.take()
            {
                let _ = thread.join();
            }
        }
    }
}

fn listen(listener: &TcpListener, subject: &Subject, settings: Settings, stopping: &AtomicBool) {
    loop {
        let accepted = listener.accept();
        if stopping.load(Ordering::SeqCst) {
            return;
        }
        match accepted {
            Ok((stream, peer)) => {
                let until = Instant::now() + settings.request;
                http::serve(stream, until, |question| answer(question, subject, settings))
                    .unwrap_or_else(|error| debug!(%peer, %error, "monitor: no answer"));
            }
            Err(error) => {
                warn!(%error, "monitor: connections cannot be accepted");
                thread::sleep(REST);
            }
        }
    }
}

fn answer(question: &Question, subject: &Subject, settings: Settings) -> Answer {
    match question.path.as_str() {
        "/metrics" => {
            let body = metrics::text(subject.report()).into_bytes();
            Answer { status: 200, media_type: metrics::MEDIA_TYPE, body }
        }
        "/healthz" => match subject.silent_reactors(PATIENCE).as_slice() {
            [] => Answer::text(200, "ok"),
            silent => Answer::text(503, &format!("I/O threads that do not turn: {silent:?}")),
        },
        "/readyz" if subject.stage().is_serving() => Answer::text(200, "serving"),
        "/readyz" => Answer::text(503, subject.stage().as_str()),
        "/report" => json(&subject.report()),
        "/connections" => {
            let most = question.value("max").and_then(|max| max.parse().ok()).unwrap_or(usize::MAX);
            json(&subject.connections(most.min(settings.listed_max), PATIENCE))
        }
        "/" => Answer::text(200, "/metrics /healthz /readyz /report /connections"),
        _ => Answer::text(404, "try /"),
    }
}

fn json(value: &impl Serialize) -> Answer {
    match serde_json::to_vec(value) {
        Ok(body) => Answer { status: 200, media_type: "application/json", body },
        Err(error) => Answer::text(503, &error.to_string()),
    }
}
