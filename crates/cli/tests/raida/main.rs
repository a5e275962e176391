//! The real binary against nodes on loopback.

#![expect(clippy::unwrap_used, reason = "a test whose stage cannot be set fails")]

mod answers;
mod coins;
mod fleet;
mod keys;
mod top;
mod usage;

use std::ffi::OsStr;
use std::process::{Command, Output};

use raida_client::testing::{FakeNode, Honest};

/// Runs the program to its end.
fn raida(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Run {
    let output = Command::new(env!("CARGO_BIN_EXE_raida")).args(arguments).output().unwrap();
    Run::from(output)
}

/// What it said and how it ended.
#[derive(Debug)]
struct Run {
    code: Option<i32>,
    out: String,
    err: String,
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Run {
    /// The only object of a `--json` run.
    fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap()
    }

    /// The cells of the table's lines, as far as blanks tell them apart.
    fn words(&self) -> Vec<Vec<&str>> {
        self.out.lines().map(|line| line.split_whitespace().collect()).collect()
    }
}

/// An honest node, and how `--node` calls it.
fn node(honest: &Honest) -> (FakeNode, String) {
    let fake = FakeNode::start(honest).unwrap();
    let name = format!("{}@{}", fake.address(), honest.rules.raida_id);
    (fake, name)
}
