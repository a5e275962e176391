//! What a running node shows of itself.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a step that fails is a test that fails")]

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::time::Instant;

use crate::process::{ECHO, PATIENCE, Running, assert_answers, program, refusal};
use raida_monitor::{AskError, Connections, Report, fetch};
use rustix::process::Signal;
use tempfile::TempDir;

/// A node that shows itself, and where it does.
pub(crate) fn start(folder: &TempDir, arguments: &[&str]) -> (Running, SocketAddr) {
    let mut command = program(folder.path());
    command.args(["--listen", "127.0.0.1:0"]).args(arguments).env("RAIDA_MONITOR__LISTEN", "127.0.0.1:0");
    let node = Running::spawn(&mut command);
    let line = node.log.iter().find(|line| line.contains("are shown")).unwrap();
    let address = line.split_once("address=").unwrap().1.trim().parse().unwrap();
    (node, address)
}

/// What is shown under a path.
pub(crate) fn text(monitor: SocketAddr, path: &str) -> String {
    String::from_utf8(fetch(monitor, path, PATIENCE).unwrap()).unwrap()
}

fn number(metrics: &str, name: &str) -> u64 {
    let value = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.unwrap_or_else(|| panic!("no {name} in\n{metrics}")).parse().unwrap()
}

#[test]
fn traffic_shows_in_the_metrics_of_all_io_threads() {
    let folder = tempfile::tempdir().unwrap();
    let (mut node, monitor) = start(&folder, &["--reactors", "2"]);
    (0..10).for_each(|_| assert_answers(node.addresses[0]));
    // The end of a connection leaves with its answer, and is counted behind it.
    let closed = "raida_connections_closed_total{reason=\"served\"}";
    let start = Instant::now();
    let metrics = loop {
        let metrics = text(monitor, "/metrics");
        if number(&metrics, closed) == 10 || start.elapsed() > PATIENCE {
            break metrics;
        }
    };
    assert_eq!(number(&metrics, "raida_requests_total"), 20);
    assert_eq!(number(&metrics, "raida_connections_accepted_total"), 10);
    assert_eq!(number(&metrics, "raida_datagrams_in_total"), 10);
    assert_eq!(number(&metrics, "raida_tcp_received_bytes_total"), 500);
    assert_eq!(number(&metrics, "raida_answers_total{status=\"250\"}"), 20);
    assert_eq!(number(&metrics, "raida_request_duration_seconds_count"), 20);
    assert_eq!(number(&metrics, closed), 10);
    assert_eq!(number(&metrics, "raida_store_takes_changes"), 1);
    assert_eq!(number(&metrics, "raida_reactors"), 2);
    assert!(number(&metrics, "raida_memory_bytes") > 1_000_000);
    assert!(number(&metrics, "raida_descriptors_open") > 5);
    assert!(metrics.contains("backend=\"epoll\""), "{metrics}");
    assert_eq!(text(monitor, "/healthz"), "ok\n");
    let report: Report = serde_json::from_str(&text(monitor, "/report")).unwrap();
    assert_eq!((report.figures["requests"], report.stage.as_str()), (20, "serving"));
    assert_eq!(node.stop(), Some(0));
}

#[test]
fn open_connections_are_listed_and_a_stop_shows_before_it_is_over() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("slow.toml"), "[timeouts]\nprogress_ms = 1000000\nrequest_ms = 1000000\n")
        .unwrap();
    let (mut node, monitor) = start(&folder, &["--config", "slow.toml", "--reactors", "2"]);
    let mut half_done: Vec<_> = (0..3).map(|_| TcpStream::connect(node.addresses[0]).unwrap()).collect();
    half_done.iter_mut().for_each(|stream| stream.write_all(&ECHO[..20]).unwrap());
    let all = loop {
        let all: Connections = serde_json::from_str(&text(monitor, "/connections")).unwrap();
        if all.connections.iter().filter(|connection| connection.bytes_in == 20).count() == 3 {
            break all;
        }
    };
    assert!(!all.is_cut && all.silent_reactors.is_empty());
    for stream in &half_done {
        let peer = stream.local_addr().unwrap().to_string();
        let connection = all.connections.iter().find(|connection| connection.peer == peer).unwrap();
        assert_eq!((connection.state.as_str(), connection.bytes_out), ("header", 0));
    }
    let some: Connections = serde_json::from_str(&text(monitor, "/connections?max=2")).unwrap();
    assert!(some.connections.len() == 2 && some.is_cut, "{some:?}");

    node.signal(Signal::TERM);
    node.wait_for("shutting down");
    let not_ready = fetch(monitor, "/readyz", PATIENCE);
    assert!(matches!(&not_ready, Err(AskError::Refused { status: 503, told }) if told == "stopping"), "{not_ready:?}");
    drop(half_done);
    assert_eq!(node.end().code(), Some(0));
    assert!(TcpStream::connect(monitor).is_err(), "nobody shows anything any more");
}

#[test]
fn what_a_node_shows_is_for_its_own_host_only() {
    let folder = tempfile::tempdir().unwrap();
    let output = program(folder.path()).env("RAIDA_MONITOR__LISTEN", "0.0.0.0:19500").output().unwrap();
    assert!(refusal(&output).contains("monitor.listen"), "{output:?}");
    let (_node, monitor) = start(&folder, &[]);
    let other = tempfile::tempdir().unwrap();
    let mut command = program(other.path());
    let output = command.args(["--listen", "127.0.0.1:0"]).env("RAIDA_MONITOR__LISTEN", monitor.to_string());
    assert!(refusal(&output.output().unwrap()).contains(&monitor.to_string()));
}
