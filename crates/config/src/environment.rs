//! Environment variables: `RAIDA_` + table + `__` + key, in capitals.

use std::ffi::{OsStr, OsString};

use figment::value::Value;

use crate::key::{Key, Kind};
use crate::layer::{Layer, Place};
use crate::names;
use crate::origin::Origin;
use crate::problem::{Notice, Problem};
use crate::report::Report;

/// What the name of every variable that matters begins with.
const PREFIX: &str = "RAIDA_";

/// What stands between table and key.
const SEPARATOR: &str = "__";

/// The keys that these variables set. What only looks like a key goes to the report.
///
/// A variable without the separator is somebody else's: container platforms make `RAIDA_SERVER_PORT` on their own.
pub(crate) fn layer(variables: &[(OsString, OsString)], report: &mut Report) -> Layer {
    let mut layer = Layer::new(Place::Environment);
    for (name, value) in variables {
        let name = name.to_string_lossy();
        let Some(rest) = name.strip_prefix(PREFIX) else { continue };
        if let Some(key) = names::keys().find(|key| key.variable() == name) {
            match value.to_str() {
                Some(text) => layer.set(key, typed(key, text)),
                None => report.problems.push(not_text(key, &name)),
            }
        } else if let Some((table, key)) = rest.split_once(SEPARATOR) {
            unknown(&name, &table.to_lowercase(), &key.to_lowercase(), report);
        } else if let Some(key) = names::keys().find(|key| key.variable().replace(SEPARATOR, "_") == name) {
            report.notices.push(Notice::NotRead { variable: name.into_owned(), meant: key.variable() });
        }
    }
    layer
}

/// Whether a variable of this name is worth handing to [`layer`].
pub(crate) fn concerns(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(PREFIX.as_bytes())
}

fn unknown(variable: &str, table: &str, name: &str, report: &mut Report) {
    let origin = Origin::Variable(variable.to_owned());
    if let Some(foreign) = names::foreign(table, name) {
        let key = format!("{table}.{name}");
        report.notices.push(Notice::NoEffect { key, origin, reason: foreign.reason });
        return;
    }
    let table = names::nearest_table(table).unwrap_or(table);
    let nearest = names::nearest_key(Some(table), name).map(Key::variable);
    report.problems.push(Problem::Unknown { name: variable.to_owned(), origin, nearest });
}

/// The value as the file would hold it. A text that does not fit stays a text, for the check to name.
fn typed(key: &Key, text: &str) -> Value {
    match key.kind {
        Kind::Integer { .. } => text.parse::<u64>().map_or_else(|_| Value::from(text), Value::from),
        Kind::Boolean => text.parse::<bool>().map_or_else(|_| Value::from(text), Value::from),
        Kind::Addresses | Kind::LocalAddresses | Kind::Peers | Kind::Mirrors | Kind::Coins => {
            let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
            Value::from(entries.map(Value::from).collect::<Vec<_>>())
        }
        Kind::Choice(_) | Kind::Text | Kind::Path | Kind::Account | Kind::Secret => Value::from(text),
    }
}

fn not_text(key: &Key, variable: &str) -> Problem {
    Problem::Value {
        key: key.path(),
        found: "not UTF-8".to_owned(),
        accepted: key.kind.accepted(),
        origin: Origin::Variable(variable.to_owned()),
    }
}
