//! Medians, spreads and ratios, for people and for machines.

use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;

use crate::sample::Sample;

/// All turns of one contestant at one workload.
#[derive(Debug, Serialize)]
pub(crate) struct Line {
    pub(crate) workload: String,
    pub(crate) contestant: String,
    /// One per round; empty: it took no part.
    pub(crate) samples: Vec<Sample>,
    /// Why it took no part.
    pub(crate) skipped: Option<String>,
    /// The floor's turns of the same rounds.
    #[serde(skip)]
    pub(crate) floor: Vec<Sample>,
    /// What is derived from it, for machines.
    pub(crate) summary: Option<Summary>,
}

/// Medians over the rounds, and ratios to the floor: the median of the ratios of each round.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Summary {
    pub(crate) rate: Figure,
    pub(crate) cpu_us: Figure,
    pub(crate) p50_us: Figure,
    pub(crate) p99_us: Figure,
    pub(crate) p999_us: Figure,
    pub(crate) idle_bytes: Option<[f64; 2]>,
}

/// One figure over all rounds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Figure {
    pub(crate) median: f64,
    /// Half the distance between the quartiles, as a share of the median.
    pub(crate) spread: f64,
    /// To the floor.
    pub(crate) ratio: f64,
}

impl Line {
    /// Derives the summary.
    pub(crate) fn sum_up(mut self) -> Self {
        if !self.samples.is_empty() {
            self.summary = Some(Summary {
                rate: self.figure(|sample| sample.rate),
                cpu_us: self.figure(|sample| sample.cpu_us),
                p50_us: self.figure(|sample| sample.p50_us),
                p99_us: self.figure(|sample| sample.p99_us),
                p999_us: self.figure(|sample| sample.p999_us),
                // Memory is taken once: later rounds find it there.
                idle_bytes: self.samples.first().and_then(|sample| sample.idle_bytes),
            });
        }
        self
    }

    fn figure(&self, of: impl Fn(&Sample) -> f64) -> Figure {
        let ratios = self.samples.iter().zip(&self.floor).map(|(own, floor)| of(own) / of(floor));
        let median_ratio = median(ratios);
        let values = || self.samples.iter().map(&of);
        let middle = median(values());
        Figure {
            median: middle,
            spread: (quantile(values(), 0.75) - quantile(values(), 0.25)) / 2.0 / middle,
            ratio: median_ratio,
        }
    }
}

/// The table for people.
pub(crate) fn render(lines: &[Line]) -> String {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    let header = [
        "workload",
        "server",
        "req/s",
        "±%",
        "ratio",
        "cpu µs",
        "±%",
        "ratio",
        "p50 µs",
        "ratio",
        "p99 µs",
        "p99.9 µs",
        "B/idle",
        "B/begun",
    ];
    table.set_header(header);
    let (mut last, mut skipped) = ("", String::new());
    for line in lines {
        let name = if line.workload == last { "" } else { &line.workload };
        last = &line.workload;
        let mut cells = vec![name.to_owned(), line.contestant.clone()];
        match (&line.summary, &line.skipped) {
            (Some(summary), _) => cells.extend(cells_of(summary)),
            (None, reason) => {
                cells.push("skipped".to_owned());
                let reason = reason.as_deref().unwrap_or("no turn");
                skipped += &format!("\n{}: {} skipped: {reason}", line.workload, line.contestant);
            }
        }
        table.add_row(cells);
    }
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    format!("{table}{skipped}")
}

fn cells_of(summary: &Summary) -> Vec<String> {
    let percent = |figure: Figure| format!("{:.1}", figure.spread * 100.0);
    let ratio = |figure: Figure| format!("{:.3}", figure.ratio);
    let idle = |which: usize| {
        let bytes = summary.idle_bytes.and_then(|bytes| bytes.get(which).copied());
        bytes.map_or_else(String::new, |bytes| format!("{bytes:.0}"))
    };
    vec![
        format!("{:.0}", summary.rate.median),
        percent(summary.rate),
        ratio(summary.rate),
        format!("{:.2}", summary.cpu_us.median),
        percent(summary.cpu_us),
        ratio(summary.cpu_us),
        format!("{:.1}", summary.p50_us.median),
        ratio(summary.p50_us),
        format!("{:.1}", summary.p99_us.median),
        format!("{:.1}", summary.p999_us.median),
        idle(0),
        idle(1),
    ]
}

pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    quantile(values, 0.5)
}

/// Between two values, in proportion.
fn quantile(values: impl Iterator<Item = f64>, q: f64) -> f64 {
    let mut sorted: Vec<_> = values.collect();
    sorted.sort_by(f64::total_cmp);
    #[expect(clippy::cast_precision_loss, reason = "a handful of rounds")]
    let at = q * sorted.len().saturating_sub(1) as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to a handful")]
    let below = at.floor() as usize;
    let (low, high) = (sorted.get(below), sorted.get(below + 1).or(sorted.get(below)));
    match (low, high) {
        (Some(low), Some(high)) => low + (high - low) * at.fract(),
        (None, _) | (_, None) => f64::NAN,
    }
}

#[cfg(test)]
mod tests {
    use super::quantile;

    #[test]
    fn quantiles_lie_between_the_values() {
        let values = || [3.0, 1.0, 2.0, 4.0].into_iter();
        assert_eq!([0.0, 0.5, 0.75, 1.0].map(|q| quantile(values(), q)), [1.0, 2.5, 3.25, 4.0]);
        assert!(quantile(std::iter::empty(), 0.5).is_nan());
    }
}
