//! Results on coins for people.

use raida_client::{Standing, Tally, Vote};

use crate::coin_report::CoinReport;
use crate::table::{align_right, coins, lines, plain};

/// So many coins are listed; of a longer list only those that are not well.
const LISTED_MAX: usize = 40;

/// What each node said, what became of the coins, and the sum.
pub(crate) fn text(report: &CoinReport) -> String {
    [nodes(report), tickets(report), list(report), sum(report)].concat()
}

fn nodes(report: &CoinReport) -> String {
    let mut table = plain();
    table.set_header(["NODE", "RAIDA", "PASSED", "FAILED", "UNKNOWN", "MEANING"]);
    for target in &report.targets {
        let count = |vote| report.count(target, vote).to_string();
        let meaning = report.error_of(target).map_or_else(String::new, |error| error.trouble().to_string());
        table.add_row([
            target.address.to_string(),
            target.raida_id.to_string(),
            count(Vote::Pass),
            count(Vote::Fail),
            count(Vote::Unknown),
            meaning,
        ]);
    }
    align_right(&mut table, 1..5);
    lines(table)
}

fn tickets(report: &CoinReport) -> String {
    if report.tickets.is_empty() {
        return String::new();
    }
    let mut table = plain();
    table.set_header(["RAIDA", "TICKET", "COINS"]);
    for ticket in &report.tickets {
        table.add_row([ticket.raida_id.to_string(), ticket.number.to_string(), ticket.coins.len().to_string()]);
    }
    align_right(&mut table, 0..3);
    format!("\n{}", lines(table))
}

fn list(report: &CoinReport) -> String {
    let is_short = report.coins.len() <= LISTED_MAX;
    let listed: Vec<_> = report.coins.iter().filter(|(_, tally)| is_short || !tally.is_good()).collect();
    if listed.is_empty() {
        return String::new();
    }
    let mut table = plain();
    table.set_header(["COIN", "STANDING", "VOTES"]);
    for (id, tally) in listed.iter().take(LISTED_MAX) {
        table.add_row([id.to_string(), standing(tally).to_owned(), tally.to_string()]);
    }
    let more = match listed.len().saturating_sub(LISTED_MAX) {
        0 => String::new(),
        more => format!("and {more} more that are not well\n"),
    };
    format!("\n{}{more}", lines(table))
}

/// Where too few nodes were asked to decide, what they say counts.
fn standing(tally: &Tally) -> &'static str {
    match tally.standing() {
        Standing::Authentic => "authentic",
        Standing::Fractured => "fractured",
        Standing::Counterfeit => "counterfeit",
        Standing::Undecided if tally.is_good() => "passed",
        Standing::Undecided => "undecided",
    }
}

fn sum(report: &CoinReport) -> String {
    let sum = report.sum();
    let parts = [
        (sum.authentic, "authentic"),
        (sum.fractured, "fractured"),
        (sum.counterfeit, "counterfeit"),
        (sum.undecided, "undecided"),
    ];
    let parts: Vec<_> = parts.iter().filter(|(number, _)| *number > 0).map(|(n, word)| format!("{n} {word}")).collect();
    let colon = if parts.is_empty() { "" } else { ": " };
    let number = report.coins.len();
    let noun = if number == 1 { "coin" } else { "coins" };
    format!("\n{number} {noun} worth {}{colon}{}\n", coins(sum.value), parts.join(", "))
}

#[cfg(test)]
mod tests {
    use raida_client::Outcome;
    use raida_client::wire::CoinId;

    use super::*;

    fn tally(passed: u8, failed: u8) -> Tally {
        let mut tally = Tally::default();
        (0..passed).for_each(|node| tally.set(node, Vote::Pass));
        (passed..passed + failed).for_each(|node| tally.set(node, Vote::Fail));
        tally
    }

    fn report(tallies: Vec<Tally>) -> CoinReport {
        let mut report = CoinReport::new("coins detect", Vec::new());
        let ids: Vec<CoinId> = (0..1000).filter_map(|number| CoinId::new(0, number)).take(tallies.len()).collect();
        report.add(ids, Outcome { tallies, errors: Vec::new() });
        report
    }

    #[test]
    fn of_a_long_list_only_those_that_are_not_well_are_shown() {
        let shown = list(&report(vec![tally(25, 0); 40]));
        assert_eq!(shown.lines().count(), 42);
        let mut tallies = vec![tally(25, 0); 100];
        tallies[7] = tally(20, 5);
        let shown = list(&report(tallies));
        assert!(shown.contains("0:7") && shown.contains("fractured") && shown.lines().count() == 3, "{shown}");
        let shown = list(&report(vec![tally(0, 25); 100]));
        assert!(shown.ends_with("and 60 more that are not well\n"), "{shown}");
    }

    #[test]
    fn sum_counts_coins_by_standing_and_adds_their_value() {
        let shown = sum(&report(vec![tally(25, 0), tally(20, 5), tally(25, 0), tally(0, 25), tally(1, 0)]));
        assert_eq!(shown, "\n5 coins worth 5: 2 authentic, 1 fractured, 1 counterfeit, 1 undecided\n");
        assert_eq!(sum(&report(Vec::new())), "\n0 coins worth 0\n");
        assert_eq!(standing(&tally(1, 0)), "passed");
    }
}
