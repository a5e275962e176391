//! The table in docs/DEFECTS.md: every defect of protocol §9 has a row, and every test that a row names is there.

use std::path::Path;

use anyhow::{Context, Result};

/// So many defects are numbered there.
///
/// Source: protocol §9
const DEFECTS: usize = 44;

/// Adds what is wrong with the table.
pub(crate) fn check(root: &Path, complaints: &mut Vec<String>) -> Result<()> {
    let table = std::fs::read_to_string(root.join("docs/DEFECTS.md")).context("reading docs/DEFECTS.md")?;
    judge(&table, |file| std::fs::read_to_string(root.join(file)).unwrap_or_default(), complaints);
    Ok(())
}

fn judge(table: &str, read: impl Fn(&str) -> String, complaints: &mut Vec<String>) {
    let rows = table.lines().filter_map(|line| line.strip_prefix("| ")?.split_once(" | "));
    let rows: Vec<_> = rows.filter(|(number, _)| number.parse::<usize>().is_ok()).collect();
    let numbers: Vec<_> = rows.iter().map(|(number, _)| (*number).to_owned()).collect();
    if numbers != (1..=DEFECTS).map(|number| number.to_string()).collect::<Vec<_>>() {
        complaints.push(format!("docs/DEFECTS.md: not one row for each of 1 to {DEFECTS}, in order"));
    }
    for (number, tests) in rows {
        let named: Vec<_> = tests.split('`').filter_map(|word| word.split_once("::")).collect();
        if named.is_empty() && !tests.starts_with("Language") {
            complaints.push(format!("docs/DEFECTS.md: defect {number} has no test"));
        }
        for (file, test) in named {
            if !read(file).contains(&format!("fn {test}(")) {
                complaints.push(format!("docs/DEFECTS.md: there is no test {test} in {file}"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(row_7: &str) -> Vec<String> {
        let rows = (1..=DEFECTS).map(|number| {
            let tests = if number == 7 { row_7 } else { "`a.rs::is_there`" };
            format!("| {number} | {tests} |\n")
        });
        let mut complaints = Vec::new();
        judge(&rows.collect::<String>(), |_| "fn is_there() {}".to_owned(), &mut complaints);
        complaints
    }

    #[test]
    fn tests_that_are_missing_are_found() {
        assert!(complaints("`b.rs::is_there`").is_empty() && complaints("Language").is_empty());
        assert_eq!(complaints("`b.rs::was_there`"), ["docs/DEFECTS.md: there is no test was_there in b.rs"]);
        assert_eq!(complaints("hope"), ["docs/DEFECTS.md: defect 7 has no test"]);
        let mut all = Vec::new();
        judge("| 1 | Language |\n", |_| String::new(), &mut all);
        assert_eq!(all.len(), 1);
    }
}
