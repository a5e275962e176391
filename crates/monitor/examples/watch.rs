//! Watches a node that shows itself: `cargo run -p raida-monitor --example watch -- 127.0.0.1:19500`.

use std::net::SocketAddr;
use std::time::Duration;

use raida_monitor::{Report, fetch, percentile};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let Some(monitor) = std::env::args().nth(1) else {
        println!("usage: watch ADDRESS:PORT");
        return Ok(());
    };
    let octets = fetch(monitor.parse::<SocketAddr>()?, "/report", Duration::from_secs(2))?;
    let report: Report = serde_json::from_slice(&octets)?;
    println!("raida {} ({}, {}) is {}", report.raida_id, report.version, report.backend, report.stage);
    println!("answers: {:?}", report.answers);
    println!("99 of 100 within {:?} us", percentile(&report.latencies, 0.99));
    Ok(())
}
