//! What came of a scenario.

use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};

use crate::honest::Seen;
use crate::watch::Use;

/// Figures, remarks, and the bounds that were broken.
#[derive(Debug, Default)]
pub(crate) struct Finding {
    /// What honest clients saw before.
    pub(crate) quiet: Option<Seen>,
    /// What they saw meanwhile.
    pub(crate) meanwhile: Option<Seen>,
    /// How long after the end of the attack the first honest exchange over TCP, and over UDP, took to succeed.
    pub(crate) recovery: Option<Duration>,
    /// What the node used meanwhile.
    pub(crate) used: Option<Use>,
    /// Whatever else is worth saying.
    pub(crate) remarks: Vec<String>,
    /// Why the scenario could not be played here.
    skipped: Option<String>,
    broken: Vec<String>,
}

/// Whether all bounds held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Held,
    Broken,
    Skipped,
}

impl Finding {
    /// What honest clients saw before and meanwhile.
    pub(crate) fn of(quiet: Seen, meanwhile: Seen) -> Self {
        Self { quiet: Some(quiet), meanwhile: Some(meanwhile), ..Self::default() }
    }

    /// It can not be played here.
    pub(crate) fn skipped(why: impl Into<String>) -> Self {
        Self { skipped: Some(why.into()), ..Self::default() }
    }

    /// Adds a bound that was broken.
    pub(crate) fn broken(mut self, words: impl Into<String>) -> Self {
        self.broken.push(words.into());
        self
    }

    /// Adds a bound that was broken if `holds` is not so.
    pub(crate) fn expect(self, holds: bool, words: impl FnOnce() -> String) -> Self {
        if holds { self } else { self.broken(words()) }
    }

    /// Adds a remark.
    pub(crate) fn remark(mut self, words: impl Into<String>) -> Self {
        self.remarks.push(words.into());
        self
    }

    pub(crate) fn verdict(&self) -> Verdict {
        match (&self.skipped, self.broken.is_empty()) {
            (_, false) => Verdict::Broken,
            (Some(_), true) => Verdict::Skipped,
            (None, true) => Verdict::Held,
        }
    }

    /// For machines.
    pub(crate) fn json(&self, name: &str) -> Value {
        json!({
            "scenario": name,
            "verdict": self.verdict().to_string(),
            "quiet": self.quiet.as_ref().map(Seen::json),
            "meanwhile": self.meanwhile.as_ref().map(Seen::json),
            "recovery_ms": self.recovery.map(|span| span.as_secs_f64() * 1000.0),
            "used": self.used.as_ref().map(Use::json),
            "remarks": self.remarks,
            "skipped": self.skipped,
            "broken": self.broken,
        })
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(seen) = &self.quiet {
            writeln!(f, "    quiet      {seen}")?;
        }
        if let Some(seen) = &self.meanwhile {
            writeln!(f, "    meanwhile  {seen}")?;
        }
        if let Some(used) = &self.used {
            writeln!(f, "    the node   {used}")?;
        }
        if let Some(recovery) = self.recovery {
            writeln!(f, "    recovery   {:.1} ms", recovery.as_secs_f64() * 1000.0)?;
        }
        let others = self.remarks.iter().map(|words| ("", words));
        let others = others.chain(self.skipped.iter().map(|words| ("skipped: ", words)));
        for (kind, words) in others.chain(self.broken.iter().map(|words| ("BROKEN: ", words))) {
            for line in words.lines() {
                writeln!(f, "    {kind}{line}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Held => "held",
            Self::Broken => "broken",
            Self::Skipped => "skipped",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_broken_bound_is_enough() {
        let held = Finding::default().expect(true, || "no".to_owned());
        assert_eq!(held.verdict(), Verdict::Held);
        assert_eq!(Finding::skipped("no disk").verdict(), Verdict::Skipped);
        let broken = held.expect(false, || "a bound".to_owned()).expect(true, || "another".to_owned());
        assert_eq!(broken.verdict(), Verdict::Broken);
        assert!(broken.to_string().contains("BROKEN: a bound") && !broken.to_string().contains("another"));
        assert_eq!(broken.json("x")["broken"][0], "a bound");
    }
}
