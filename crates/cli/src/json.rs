//! Results for scripts: one JSON object per node and line. Keys and their meaning are stable.

use std::time::Duration;

use anyhow::{Context, Result};
use raida_client::wire::{Denomination, Status};
use raida_client::{AskError, Transport, Trouble};
use serde::Serialize;
use serde_json::{Value as Json, json};

use crate::report::{Report, Row, Value};

/// All lines.
pub(crate) fn lines(report: &Report) -> Result<String> {
    let mut lines = String::new();
    for row in &report.rows {
        lines += &serde_json::to_string(&Line::new(report, row)).context("writing JSON")?;
        lines.push('\n');
    }
    Ok(lines)
}

/// Every key is always there; what is not known is null.
#[derive(Serialize)]
struct Line {
    command: &'static str,
    node: String,
    raida_id: u8,
    transport: &'static str,
    /// Whether the node answered well.
    ok: bool,
    /// The status that the node gave, if it gave one. A vote has none.
    status: Option<u8>,
    status_name: Option<&'static str>,
    latency_us: Option<u64>,
    /// How long the node says that it worked.
    execution_us: Option<u64>,
    attempts: u32,
    result: Json,
    error: Option<Failure>,
}

#[derive(Serialize)]
pub(crate) struct Failure {
    kind: &'static str,
    message: String,
    advice: &'static str,
}

impl Line {
    fn new(report: &Report, row: &Row) -> Self {
        let status = row.status();
        let trip = row.result.as_ref().ok().map(|answer| answer.trip);
        Self {
            command: report.command,
            node: row.target.address.to_string(),
            raida_id: row.target.raida_id,
            transport: match report.transport {
                Transport::Tcp => "tcp",
                Transport::Udp => "udp",
            },
            ok: row.result.is_ok(),
            status: status.map(|Status(code)| code),
            status_name: status.map(Status::name),
            latency_us: row.latency().map(microseconds),
            execution_us: trip.and_then(|trip| trip.execution).map(microseconds),
            attempts: row.result.as_ref().map_or_else(AskError::attempts, |answer| answer.trip.attempts),
            result: row.result.as_ref().map_or(Json::Null, |answer| result(&answer.value)),
            error: row.result.as_ref().err().map(|error| failure(error.trouble())),
        }
    }
}

fn result(value: &Value) -> Json {
    match value {
        Value::Echo => json!({}),
        Value::Version(octets) => json!({ "version": octets.escape_ascii().to_string() }),
        Value::Stats(stats) => json!({
            "echoes": stats.echoes,
            "coins_powned": stats.coins_powned,
            "value_powned": stats.value_powned,
            "udp_datagrams": stats.udp_datagrams,
        }),
        Value::Audit(counts) => {
            let of = |(denomination, coins): (Denomination, u32)| json!({ "denomination": denomination.exponent(), "coins": coins });
            json!({ "issued": Denomination::all().zip(counts.0).map(of).collect::<Vec<_>>() })
        }
        Value::Vote { is_match } => json!({ "match": is_match }),
    }
}

pub(crate) fn failure(trouble: &Trouble) -> Failure {
    Failure { kind: trouble.kind(), message: trouble.to_string(), advice: trouble.advice() }
}

fn microseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
