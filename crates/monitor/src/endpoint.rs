//! The listener, and who answers what.

use std::collections::VecDeque;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
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
    /// Longest time for a question and its answer.
    pub request: Duration,
    /// Connections that one answer lists at most.
    pub listed_max: usize,
}

/// Answers questions about a node until it is dropped. Each address has a thread, and each question one.
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
/// Questions that are answered at once at each address. Whoever comes then takes the place of who has been there longest: a
/// good question is answered before so many others can come.
const GUESTS_MAX: usize = 8;
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

fn listen(listener: &TcpListener, subject: &Arc<Subject>, settings: Settings, stopping: &AtomicBool) {
    let mut guests = VecDeque::new();
    loop {
        let accepted = listener.accept();
        if stopping.load(Ordering::SeqCst) {
            return;
        }
        let welcomed = accepted.and_then(|(stream, _)| welcome(&mut guests, stream, subject, settings));
        if let Err(error) = welcomed {
            warn!(%error, "monitor: a question cannot be taken");
            thread::sleep(REST);
        }
    }
}

/// Who is being answered. The connection is closed by its thread's end.
struct Guest {
    stream: Weak<TcpStream>,
    thread: JoinHandle<()>,
}

/// Answers on another thread, and lets go of those who have had their answer, or their time.
fn welcome(
    guests: &mut VecDeque<Guest>,
    stream: TcpStream,
    subject: &Arc<Subject>,
    settings: Settings,
) -> io::Result<()> {
    guests.retain(|guest| !guest.thread.is_finished());
    if guests.len() >= GUESTS_MAX
        && let Some(Guest { stream, thread }) = guests.pop_front()
    {
        // Ends whatever it waits for. Where that fails the peer is gone, and so is the wait.
        let _ = stream.upgrade().map(|stream| stream.shutdown(Shutdown::Both));
        let _ = thread.join();
    }
    let (stream, subject) = (Arc::new(stream), Arc::clone(subject));
    let known = Arc::downgrade(&stream);
    let life = move || {
        let until = Instant::now() + settings.request;
        http::serve(&stream, until, |question| answer(question, &subject, settings))
            .unwrap_or_else(|error| debug!(%error, "monitor: no answer"));
    };
    let thread = thread::Builder::new().name("raida-answer".to_owned()).spawn(life)?;
    guests.push_back(Guest { stream: known, thread });
    Ok(())
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
