//! Results on coins for scripts: one JSON object per node, then one per coin, then the sum. Keys and their meaning are
//! stable.

use anyhow::{Context, Result};
use raida_client::wire::CoinId;
use raida_client::{Tally, Target, Vote};
use serde_json::{Value as Json, json};

use crate::coin_report::CoinReport;
use crate::json::failure;

/// All lines.
pub(crate) fn lines(report: &CoinReport) -> Result<String> {
    let nodes = report.targets.iter().map(|target| node(report, target));
    let coins = report.coins.iter().map(|(id, tally)| coin(report, *id, tally));
    let mut lines = String::new();
    for line in nodes.chain(coins).chain([sum(report)]) {
        lines += &serde_json::to_string(&line).context("writing JSON")?;
        lines.push('\n');
    }
    Ok(lines)
}

fn node(report: &CoinReport, target: &Target) -> Json {
    let error = report.error_of(target);
    let tickets = report.tickets.iter().filter(|ticket| ticket.raida_id == target.raida_id);
    json!({
        "command": report.command,
        "kind": "node",
        "node": target.address.to_string(),
        "raida_id": target.raida_id,
        "ok": error.is_none(),
        "passed": report.count(target, Vote::Pass),
        "failed": report.count(target, Vote::Fail),
        "unknown": report.count(target, Vote::Unknown),
        "tickets": tickets
            .map(|ticket| json!({
                "number": ticket.number.get(),
                "coins": ticket.coins.iter().map(CoinId::to_string).collect::<Vec<_>>(),
            }))
            .collect::<Vec<_>>(),
        "error": error.map(|error| failure(error.trouble())),
    })
}

fn coin(report: &CoinReport, id: CoinId, tally: &Tally) -> Json {
    json!({
        "command": report.command,
        "kind": "coin",
        "coin": id.to_string(),
        "denomination": id.denomination.exponent(),
        "serial_number": id.serial_number.get(),
        "ok": tally.is_good(),
        "standing": tally.standing().to_string(),
        "votes": tally.to_string(),
    })
}

fn sum(report: &CoinReport) -> Json {
    let sum = report.sum();
    json!({
        "command": report.command,
        "kind": "sum",
        "ok": report.is_good(),
        "coins": report.coins.len(),
        // The value of all coins there can be fits.
        "value": u64::try_from(sum.value).unwrap_or(u64::MAX),
        "authentic": sum.authentic,
        "fractured": sum.fractured,
        "counterfeit": sum.counterfeit,
        "undecided": sum.undecided,
    })
}
