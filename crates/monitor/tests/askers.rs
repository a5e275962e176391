//! Whoever asks, however badly: the next one is answered.

#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use raida_monitor::{AskError, Endpoint, Facts, Report, Settings, Subject, bind, fetch};
use raida_node::Node;
use raida_node::testing::{Coins, ask, in_clear, node_of};
use raida_reactor::service::Transport;
use raida_reactor::workers::Roads;
use raida_wire::Command;
use raida_workers::{BatcherConfig, Config};

const PATIENCE: Duration = Duration::from_secs(20);

struct Shown {
    endpoint: Endpoint,
    subject: Arc<Subject>,
    node: Arc<Node>,
}

impl Shown {
    /// A node without I/O threads that gives a question so long.
    fn start(request: Duration) -> Self {
        let node = Arc::new(node_of(3, &Coins::new()));
        let one = Config { threads: 1, ..Config::default() };
        let roads = Roads::start(&node, &one, &BatcherConfig::default()).unwrap();
        let facts = Facts { version: "1.2.3".to_owned(), ..Facts::default() };
        let subject = Arc::new(Subject::new(facts, Vec::new(), node.observer(), roads));
        let listeners = bind(&["127.0.0.1:0".parse().unwrap()]).unwrap();
        let endpoint = Endpoint::start(listeners, &subject, Settings { request, listed_max: 10 }).unwrap();
        Self { endpoint, subject, node }
    }

    fn address(&self) -> SocketAddr {
        self.endpoint.addresses().next().unwrap()
    }

    fn ask(&self, path: &str) -> Result<String, AskError> {
        fetch(self.address(), path, PATIENCE).map(|octets| String::from_utf8(octets).unwrap())
    }

    /// Whatever comes back to these octets.
    fn send(&self, octets: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        // It may answer and close before it has read everything.
        let _ = stream.write_all(octets);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }
}

#[test]
fn every_path_is_answered_and_readiness_follows_the_stage() {
    let shown = Shown::start(PATIENCE);
    assert!(shown.ask("/metrics").unwrap().contains("raida_node_info{version=\"1.2.3\""));
    assert_eq!(shown.ask("/healthz").unwrap(), "ok\n");
    assert!(matches!(shown.ask("/readyz"), Err(AskError::Refused { status: 503, told }) if told == "starting"));
    shown.subject.stage().serve();
    assert_eq!(shown.ask("/readyz").unwrap(), "serving\n");
    let report: Report = serde_json::from_str(&shown.ask("/report").unwrap()).unwrap();
    assert_eq!((report.version.as_str(), report.stage.as_str()), ("1.2.3", "serving"));
    assert!(shown.ask("/connections?max=3").unwrap().contains("\"connections\":[]"));
    shown.subject.stage().stop();
    shown.subject.stage().serve();
    assert!(matches!(shown.ask("/readyz"), Err(AskError::Refused { status: 503, told }) if told == "stopping"));
    assert!(matches!(shown.ask("/secrets.toml"), Err(AskError::Refused { status: 404, .. })));
}

#[test]
fn what_the_node_answers_shows_by_command_and_outcome() {
    let shown = Shown::start(PATIENCE);
    let coin = [0, 0, 0, 1, 2];
    for (command, payload) in [
        (Command::VERSION, vec![]),
        (Command::DETECT, [&coin[..], &[7; 16]].concat()),
        (Command::DETECT, vec![1; 3]),
        (Command::new(4, 42), vec![]),
    ] {
        let (request, _) = in_clear(&shown.node, command, &payload);
        ask(&shown.node, &request, Transport::Tcp).unwrap();
    }
    let metrics = shown.ask("/metrics").unwrap();
    for line in [
        "raida_commands_total{command=\"0/1\",name=\"Version\",outcome=\"pass\"} 1",
        "raida_commands_total{command=\"1/10\",name=\"Detect\",outcome=\"fail\"} 1",
        "raida_commands_total{command=\"1/10\",name=\"Detect\",outcome=\"refused\"} 1",
        "raida_commands_total{command=\"1/20\",name=\"Pown\",outcome=\"pass\"} 0",
        "raida_commands_total{command=\"other\",name=\"not on offer\",outcome=\"refused\"} 1",
        "raida_coins_judged_total{command=\"1/10\",name=\"Detect\",verdict=\"fail\"} 1",
        "raida_commands_declined_total{bound=\"tickets\"} 0",
        "raida_tickets_live 0",
        "raida_batches_total 0",
    ] {
        assert!(metrics.lines().any(|other| other == line), "{line} is missing in\n{metrics}");
    }
    assert!(!metrics.contains("raida_coins_judged_total{command=\"0/1\""), "Version judges no coins");
}

#[test]
fn whoever_asks_slowly_is_sent_away_and_the_next_is_answered() {
    let shown = Shown::start(Duration::from_millis(100));
    let start = Instant::now();
    let mut slow = TcpStream::connect(shown.address()).unwrap();
    slow.write_all(b"GET /metrics HTTP/1.1\r\n").unwrap();
    assert!(shown.ask("/healthz").is_ok());
    assert!(start.elapsed() < PATIENCE);
    slow.set_read_timeout(Some(PATIENCE)).unwrap();
    assert!(matches!(slow.read(&mut [0; 10]), Ok(0) | Err(_)), "nothing for the slow one");
}

#[test]
fn a_crowd_of_slow_ones_holds_up_nobody() {
    let shown = Shown::start(PATIENCE);
    let mut crowd: Vec<_> = (0..50).map(|_| TcpStream::connect(shown.address()).unwrap()).collect();
    crowd.iter_mut().for_each(|slow| drop(slow.write_all(b"GET /metrics HTTP/1.1\r\n")));
    assert!(shown.ask("/healthz").is_ok());
}

#[test]
fn garbage_and_endless_questions_end() {
    let shown = Shown::start(PATIENCE);
    assert!(shown.send(b"\x16\x03\x01\x00\xff\xff\r\n\r\n").starts_with("HTTP/1.1 400 "));
    let endless = [b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ".to_vec(), vec![b'x'; 9000]].concat();
    assert!(shown.send(&endless).starts_with("HTTP/1.1 431 "));
    assert!(shown.send(b"DELETE / HTTP/1.1\r\nHost: localhost\r\n\r\n").starts_with("HTTP/1.1 405 "));
    assert!(shown.send(b"HEAD /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").ends_with("\r\n\r\n"), "no body");
    assert!(shown.ask("/healthz").is_ok());
}
