//! `docs/CONFIGURATION.md`, made from the tables.

use std::fmt::Write;

use crate::key::{Key, Preset};
use crate::names;
use crate::tables::{Config, Table};
use crate::toml::Spelled;

/// The reference of all keys, in Markdown.
#[must_use]
pub fn reference() -> String {
    let mut text = INTRODUCTION.to_owned();
    for table in Config::TABLES {
        add_table(&mut text, table);
    }
    text.push_str(FOREIGN);
    for foreign in names::FOREIGN {
        push(&mut text, format_args!("| `{}.{}` | {} |", foreign.table, foreign.name, foreign.reason));
    }
    text
}

const INTRODUCTION: &str = "\
# Configuration

<!-- Made by `cargo run -p raida-config --example reference > docs/CONFIGURATION.md`. Change crates/config/src/tables.rs
instead. -->

A node needs no configuration. What it is told comes from four places; later ones win:

1. the defaults below,
2. the TOML file named by `--config`,
3. environment variables: `RAIDA_`, table, two underscores, key, in capitals (`RAIDA_SERVER__PORT=50007`). A list is
   written with commas,
4. command-line flags.

A key that does not exist, a value out of its range and a contradiction between two keys stop the node at its start;
all of them are named at once. `--check-config` does nothing but check. `--print-config` prints every value with the
place that it came from, as a file that can be used again.

On SIGHUP a node reads its file again. A file with a mistake changes nothing; otherwise all keys marked *Live* take their
new values together, and the log names those that wait for a restart.
";

const FOREIGN: &str = "
## Keys of the C server without effect

A `config.toml` written for the C server loads as it is. These keys are accepted, and the node says at its start that
they change nothing.

| key | why |
|---|---|
";

fn add_table(text: &mut String, table: &Table) {
    push(text, format_args!("\n## `[{}]`\n\n{}\n", table.name, one_line(table.doc)));
    push(text, format_args!("| key | accepts | default | meaning |\n|---|---|---|---|"));
    for key in table.keys {
        push(text, format_args!("| `{}` | {} | {} | {} |", key.name, key.kind, default(key), meaning(key)));
    }
}

fn default(key: &Key) -> String {
    match key.preset {
        Preset::Integer(number) => number.to_string(),
        Preset::Boolean(truth) => truth.to_string(),
        Preset::Text(text) => format!("`{}`", Spelled(&text.into())),
        Preset::Nothing(meaning) => format!("`[]`: {meaning}"),
        Preset::Derived(rule) => rule.to_owned(),
        Preset::Unset(meaning) => format!("none: {meaning}"),
    }
}

fn meaning(key: &Key) -> String {
    let mut meaning = one_line(key.doc);
    if let Some(flag) = key.flag {
        let _ = write!(meaning, " Flag `{flag}`.");
    }
    if key.is_live {
        meaning.push_str(" *Live.*");
    }
    meaning
}

fn one_line(doc: &[&str]) -> String {
    doc.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
}

/// Adds a line. Writing to a `String` cannot fail.
fn push(text: &mut String, line: std::fmt::Arguments<'_>) {
    let _ = writeln!(text, "{line}");
}
