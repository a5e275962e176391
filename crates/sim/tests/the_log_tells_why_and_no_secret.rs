//! What the log says of a connection: who, why, how much, how long. What it never says: what was in a body.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use raida_reactor::testing::{DEFER, ECHO, request};
use raida_sim::{Rig, Script, Weather};
use tracing_subscriber::filter::LevelFilter;

/// Keeps what is written to it.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(octets)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Everything the reactor logs, at every level, while `clients` have their way.
fn log_of(clients: &[Script], datagram: &[u8]) -> String {
    let paper = Paper::default();
    let writer = paper.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::with_default(subscriber, || {
        let mut rig = Rig::new(1, Weather::calm(), Duration::from_millis(5), |_| {});
        for (port, script) in (1024..).zip(clients) {
            rig.sim().connect(Duration::ZERO, SocketAddr::from(([192, 0, 2, 1], port)), script.clone());
        }
        rig.sim().post(Duration::ZERO, SocketAddr::from(([192, 0, 2, 9], 9)), datagram);
        assert!(rig.run(Duration::from_secs(60)));
        rig.handle().shutdown();
        rig.run_down();
    });
    String::from_utf8_lossy(&paper.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
}

#[test]
fn every_connection_is_told_with_its_source_and_the_limit_that_ended_it() {
    let (octets, _) = request(ECHO, b"x", 1);
    let mut foreign = octets.clone();
    foreign[2] = 3;
    let log = log_of(&[Script::new(), Script::new().send(&octets), Script::new().send(&foreign)], &foreign);
    let line = |parts: &[&str]| log.lines().any(|line| parts.iter().all(|part| line.contains(part)));
    assert!(line(&["DEBUG", "connection accepted", "peer=192.0.2.1:1024", "slot="]), "{log}");
    assert!(line(&["connection closed", "peer=192.0.2.1:1024", "within 2s", "octets_in=0", "elapsed_us=2"]), "{log}");
    assert!(
        line(&["connection closed", "peer=192.0.2.1:1025", "reason=served", "octets_in=51", "octets_out=35"]),
        "{log}"
    );
    assert!(line(&["request refused", "peer=192.0.2.1:1026", "status=3 INVALID_RAIDA_ID"]), "{log}");
    assert!(line(&["datagram refused", "peer=192.0.2.9:9", "status=3 INVALID_RAIDA_ID"]), "{log}");
    assert!(line(&["INFO", "reactor stopped"]), "{log}");
}

#[test]
fn no_octet_of_a_body_is_ever_logged() {
    let secret = b"SECRETSECRETSECRET";
    let scripts = [ECHO, DEFER].map(|command| {
        let (octets, _) = request(command, secret, 1);
        Script::new().trickle(&octets, Duration::from_millis(1))
    });
    let log = log_of(&scripts, &request(DEFER, secret, 1).0);
    assert!(log.contains("request deferred"), "the test sees the log");
    for spelling in ["SECRET", "83, 69, 67", "534543", "[53, 45", "53, 45, 43", "U0VDUkVU"] {
        assert!(!log.contains(spelling), "{spelling} is in the log");
    }
}
