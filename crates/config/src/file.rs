//! The configuration file.

use std::fmt;
use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use figment::value::{Dict, Value};
use rustix::fs::OFlags;
use zeroize::Zeroizing;

use crate::key::Key;
use crate::layer::{Layer, Place};
use crate::names;
use crate::origin::Origin;
use crate::problem::{ConfigError, Notice, Problem};
use crate::report::Report;
use crate::setting::sort;
use crate::toml::{self, ParseError};

/// A configuration file as it was read: its text may hold the admin key, so `Debug` does not show it.
#[derive(Clone)]
pub struct ConfigFile {
    path: PathBuf,
    text: Zeroizing<String>,
    /// Whether others than the owner can read it.
    shared: bool,
}

impl ConfigFile {
    /// Longest file that is read, in bytes.
    pub const LENGTH_MAX: u64 = 1 << 20;

    /// Reads a file. A symbolic link is followed; a pipe is not waited for, as a node that is told to stop would not hear it.
    ///
    /// # Errors
    ///
    /// Where the system refuses, or it is not a regular file, not UTF-8 or longer than [`LENGTH_MAX`](Self::LENGTH_MAX).
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let unreadable = |error: io::Error| {
            ConfigError::new(vec![Problem::Unreadable { path: path.to_owned(), reason: error.to_string() }])
        };
        let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed();
        let file = OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(unreadable)?;
        let about = file.metadata().map_err(unreadable)?;
        if !about.is_file() {
            return Err(unreadable(io::Error::other("is not a regular file")));
        }
        let mode = about.permissions().mode();
        let mut text = Zeroizing::new(String::new());
        let read = file.take(Self::LENGTH_MAX + 1).read_to_string(&mut text).map_err(unreadable)?;
        if u64::try_from(read).is_ok_and(|read| read > Self::LENGTH_MAX) {
            return Err(unreadable(io::Error::other(format!("longer than {} bytes", Self::LENGTH_MAX))));
        }
        Ok(Self { path: path.to_owned(), text, shared: mode & 0o044 != 0 })
    }

    /// A file that was read elsewhere; `path` is what messages call it.
    #[must_use]
    pub fn from_text(path: impl Into<PathBuf>, text: impl Into<String>) -> Self {
        Self { path: path.into(), text: Zeroizing::new(text.into()), shared: false }
    }

    /// The keys that it sets. What is no key goes to the report.
    pub(crate) fn layer(&self, report: &mut Report) -> Layer {
        let mut layer = Layer::new(Place::File(self.path.clone()));
        let tables: Dict = match toml::parse(&self.text) {
            Ok(tables) => tables,
            Err(error) => {
                report.problems.push(self.syntax(&error));
                return layer;
            }
        };
        for (table, content) in tables {
            match content.as_dict().filter(|_| names::is_table(&table)) {
                Some(values) => {
                    for (name, value) in values {
                        self.place(&mut layer, &table, name, value, report);
                    }
                }
                None => report.problems.push(self.no_table(table, &content)),
            }
        }
        layer
    }

    fn place(&self, layer: &mut Layer, table: &str, name: &str, value: &Value, report: &mut Report) {
        let origin = || Origin::File(self.path.clone());
        if let Some(key) = names::key(table, name) {
            if key.is_secret() && self.shared {
                report.notices.push(Notice::Exposed { path: self.path.clone() });
            }
            layer.set(key, value.clone());
        } else if let Some(foreign) = names::foreign(table, name) {
            let key = format!("{table}.{name}");
            report.notices.push(Notice::NoEffect { key, origin: origin(), reason: foreign.reason });
        } else {
            let nearest = names::nearest_key(Some(table), name).map(|key| key.path());
            report.problems.push(Problem::Unknown { name: format!("{table}.{name}"), origin: origin(), nearest });
        }
    }

    /// Something at the top of the file that is not one of the tables.
    fn no_table(&self, name: String, content: &Value) -> Problem {
        let origin = Origin::File(self.path.clone());
        if names::is_table(&name) {
            return Problem::Value {
                key: name,
                found: sort(content).to_owned(),
                accepted: "a table".to_owned(),
                origin,
            };
        }
        let table = names::nearest_table(&name).map(|table| format!("[{table}]"));
        let nearest = match content.as_dict() {
            Some(_) => table,
            None => names::nearest_key(None, &name).map(|key| key.path()).or(table),
        };
        Problem::Unknown { name, origin, nearest }
    }

    fn syntax(&self, error: &ParseError) -> Problem {
        let before = self.text.get(..error.offset).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Problem::Syntax {
            path: self.path.clone(),
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
            reason: match key_at(before) {
                Some(key) => format!("{}: {}, must be {}", key.path(), error.message, key.kind.accepted()),
                None => error.message.clone(),
            },
        }
    }
}

/// The key whose value begins where this text ends, if it does with one of ours: what else stands there may be a secret.
fn key_at(text: &str) -> Option<&'static Key> {
    let (lines, line) = text.rsplit_once('\n').unwrap_or(("", text));
    let (name, value) = line.split_once('=')?;
    let name = name.trim();
    if value.trim_start().starts_with('{') {
        // The whole table on one line.
        let last = value.rsplit(['{', ',']).next()?;
        return names::key(name, last.split_once('=')?.0.trim());
    }
    if let Some((table, name)) = name.split_once('.') {
        return names::key(table.trim(), name.trim());
    }
    let table = lines.lines().rev().find_map(|line| line.trim().strip_prefix('[')?.split_once(']'))?.0;
    names::key(table.trim(), name)
}

impl fmt::Debug for ConfigFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConfigFile").field("path", &self.path).finish_non_exhaustive()
    }
}
