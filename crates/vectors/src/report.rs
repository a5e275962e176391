//! What became of the cases.

use std::fmt;

/// What became of one case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It came out as written.
    Passed,
    /// It did not; why.
    Failed(String),
    /// The code that it is about does not exist yet; which.
    Skipped(String),
}

/// What became of the cases of one file or several, in file order.
///
/// Prints one line per failed case and a last line `N passed, N failed, N skipped`.
#[derive(Clone, Debug, Default)]
pub struct Report {
    cases: Vec<(String, Outcome)>,
}

impl Report {
    /// Every case: its name and its outcome.
    pub fn cases(&self) -> impl Iterator<Item = (&str, &Outcome)> {
        self.cases.iter().map(|(name, outcome)| (name.as_str(), outcome))
    }

    /// How many cases came out as written.
    #[must_use]
    pub fn passed(&self) -> usize {
        self.count(|outcome| matches!(outcome, Outcome::Passed))
    }

    /// How many cases did not.
    #[must_use]
    pub fn failed(&self) -> usize {
        self.count(|outcome| matches!(outcome, Outcome::Failed(_)))
    }

    /// How many cases are about code that does not exist yet.
    #[must_use]
    pub fn skipped(&self) -> usize {
        self.count(|outcome| matches!(outcome, Outcome::Skipped(_)))
    }

    /// Adds another report's cases behind this one's.
    pub fn merge(&mut self, other: Self) {
        self.cases.extend(other.cases);
    }

    pub(crate) fn add(&mut self, name: String, outcome: Outcome) {
        self.cases.push((name, outcome));
    }

    fn count(&self, is_counted: impl Fn(&Outcome) -> bool) -> usize {
        self.cases.iter().filter(|(_, outcome)| is_counted(outcome)).count()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, outcome) in self.cases() {
            if let Outcome::Failed(reason) = outcome {
                writeln!(f, "{name}: {reason}")?;
            }
        }
        write!(f, "{} passed, {} failed, {} skipped", self.passed(), self.failed(), self.skipped())
    }
}
