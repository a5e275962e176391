//! Results for people.

use std::time::Duration;

use comfy_table::{CellAlignment, Table, presets};
use raida_client::wire::Denomination;
use raida_client::wire::audit::Counts;

use crate::report::{Report, Row, Value};

/// How many nodes stand side by side below an audit.
const NODES_ABREAST: usize = 6;

/// One line per node, and below it what does not fit into a line.
pub(crate) fn text(report: &Report) -> String {
    let mut text = overview(report);
    let audits: Vec<_> = report.rows.iter().filter_map(counts).collect();
    for abreast in audits.chunks(NODES_ABREAST) {
        text.push('\n');
        text += &audit(abreast);
    }
    text
}

fn overview(report: &Report) -> String {
    let mut table = plain();
    let mut header = vec!["NODE", "RAIDA", "STATUS", "LATENCY"];
    header.extend(own_columns(report.command));
    header.push("MEANING");
    table.set_header(header);
    for row in &report.rows {
        let latency = row.latency().map_or_else(|| "-".to_owned(), milliseconds);
        let mut line = vec![row.target.address.to_string(), row.target.raida_id.to_string(), status(row), latency];
        match &row.result {
            Ok(answer) => line.extend(own_cells(&answer.value)),
            Err(_) => line.extend(own_columns(report.command).iter().map(|_| "-".to_owned())),
        }
        line.push(meaning(row));
        table.add_row(line);
    }
    align_right(&mut table, [1, 3]);
    lines(table)
}

/// The columns that only this command has.
fn own_columns(command: &str) -> &'static [&'static str] {
    match command {
        "version" => &["VERSION"],
        "stats" => &["ECHOES", "COINS POWNED", "VALUE POWNED", "UDP DATAGRAMS"],
        "vote" => &["ROOTS"],
        _ => &[],
    }
}

fn own_cells(value: &Value) -> Vec<String> {
    match value {
        Value::Echo | Value::Audit(_) => Vec::new(),
        Value::Version(octets) => vec![octets.escape_ascii().to_string()],
        Value::Stats(stats) => vec![
            stats.echoes.to_string(),
            stats.coins_powned.to_string(),
            coins(stats.value_powned.into()),
            stats.udp_datagrams.to_string(),
        ],
        Value::Vote { is_match } => vec![if *is_match { "same" } else { "different" }.to_owned()],
    }
}

/// A vote has no status of the protocol.
fn status(row: &Row) -> String {
    match (row.status(), &row.result) {
        (Some(status), _) => status.to_string(),
        (None, Ok(_)) => "answered".to_owned(),
        (None, Err(error)) => error.trouble().kind().to_owned(),
    }
}

fn meaning(row: &Row) -> String {
    match (row.status(), &row.result) {
        (Some(status), _) => status.meaning().to_owned(),
        (None, Ok(_)) => String::new(),
        (None, Err(error)) => error.trouble().to_string(),
    }
}

/// The name of a node, and what it has issued.
fn counts(row: &Row) -> Option<(String, Counts)> {
    match row.result.as_ref().ok()?.value {
        Value::Audit(counts) => Some((row.target.address.to_string(), counts)),
        Value::Echo | Value::Version(_) | Value::Stats(_) | Value::Vote { .. } => None,
    }
}

/// One line per denomination, one column per node.
fn audit(nodes: &[(String, Counts)]) -> String {
    let mut table = plain();
    let names = nodes.iter().map(|(name, _)| name.clone());
    table.set_header(["DENOMINATION", "ONE IS WORTH"].map(str::to_owned).into_iter().chain(names));
    for denomination in Denomination::all() {
        let of = |counts: &Counts| counts.0.get(denomination.index()).copied().unwrap_or_default();
        let line = [denomination.to_string(), coins(denomination.value().into())];
        table.add_row(line.into_iter().chain(nodes.iter().map(|(_, counts)| of(counts).to_string())));
    }
    let totals = nodes.iter().map(|(_, counts)| coins(total(counts)));
    table.add_row(["all".to_owned(), "coins:".to_owned()].into_iter().chain(totals));
    align_right(&mut table, 0..nodes.len() + 2);
    lines(table)
}

/// In units of 10^-8 coin.
fn total(counts: &Counts) -> u128 {
    Denomination::all().zip(counts.0).map(|(one, count)| u128::from(one.value()) * u128::from(count)).sum()
}

/// Units of 10^-8 coin as coins, without zeros at the end.
pub(crate) fn coins(units: u128) -> String {
    let (whole, part) = (units / 100_000_000, units % 100_000_000);
    let text = format!("{whole}.{part:08}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn milliseconds(duration: Duration) -> String {
    format!("{:.2} ms", duration.as_secs_f64() * 1000.0)
}

pub(crate) fn plain() -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table
}

pub(crate) fn align_right(table: &mut Table, columns: impl IntoIterator<Item = usize>) {
    for index in columns {
        if let Some(column) = table.column_mut(index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

/// The table without the blanks at the ends of its lines.
pub(crate) fn lines(mut table: Table) -> String {
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_become_coins_without_needless_zeros() {
        for (units, text) in [(0, "0"), (1, "0.00000001"), (100_000_000, "1"), (1_050_000_000, "10.5")] {
            assert_eq!(coins(units), text);
        }
    }

    #[test]
    fn most_coins_that_a_node_can_claim_have_a_sum() {
        let text = coins(total(&Counts([u32::MAX; 15])));
        assert_eq!(text, "4772185883333328.56114745");
    }
}
