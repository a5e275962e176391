//! `--print-config`: every key with its value and where that came from.

use std::fmt::Write;

use crate::key::{Key, Preset};
use crate::loaded::Loaded;
use crate::origin::Origin;
use crate::toml::Spelled;

impl Loaded {
    /// The whole configuration as TOML, each value with a comment that says where it came from.
    ///
    /// The text loads again as a file and gives the same [`Config`](crate::Config), but for the admin key: a secret is
    /// not printed, only where it is.
    #[must_use]
    pub fn print(&self) -> String {
        let (mut text, mut table) = (String::new(), "");
        for (key, value) in self.config.values() {
            if key.table != table {
                let gap = if table.is_empty() { "" } else { "\n" };
                table = key.table;
                push(&mut text, format_args!("{gap}[{table}]"));
            }
            let origin = self.origin(&key.path()).unwrap_or(&Origin::Preset);
            match value {
                Some(value) => {
                    push(&mut text, format_args!("{} = {} # {}", key.name, Spelled(&value), remark(&key, origin)))
                }
                None if self.origin(&key.path()).is_some() => {
                    push(&mut text, format_args!("# {} = (secret, from {origin})", key.name));
                }
                None => push(&mut text, format_args!("# {} is {}", key.name, remark(&key, origin))),
            }
        }
        text
    }
}

/// Where a value came from, and what it means where it says nothing by itself.
fn remark(key: &Key, origin: &Origin) -> String {
    match (origin, key.preset) {
        (Origin::Preset, Preset::Nothing(meaning)) => format!("{origin}: {meaning}"),
        (Origin::Preset, Preset::Unset(meaning)) => format!("not set: {meaning}"),
        _ => origin.to_string(),
    }
}

/// Adds a line. Writing to a `String` cannot fail.
fn push(text: &mut String, line: std::fmt::Arguments<'_>) {
    let _ = writeln!(text, "{line}");
}
