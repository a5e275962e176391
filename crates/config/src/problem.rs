//! What is wrong with a configuration, and what is worth saying about one that is right.

use std::fmt;
use std::path::PathBuf;

use crate::origin::{OneLine, Origin};
use crate::setting::Quoted;

/// Why a configuration was not accepted: everything that is wrong with it, at least one thing.
#[derive(Debug)]
pub struct ConfigError {
    problems: Vec<Problem>,
}

impl ConfigError {
    pub(crate) const fn new(problems: Vec<Problem>) -> Self {
        Self { problems }
    }

    /// All that was found wrong, in the order of sources, then of keys.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

/// The first twenty problems on one line, and how many more there are.
impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 20;
        for (index, problem) in self.problems.iter().take(SHOWN).enumerate() {
            write!(f, "{}{problem}", if index == 0 { "" } else { "; " })?;
        }
        match self.problems.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

impl std::error::Error for ConfigError {}

/// One thing that is wrong. Its text is one line and shows no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// The file cannot be read.
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The file is not TOML.
    Syntax {
        /// Which file.
        path: PathBuf,
        /// Line, from 1; 0 where it is not known.
        line: usize,
        /// Column, from 1, in characters.
        column: usize,
        /// What is wrong there.
        reason: String,
    },
    /// There is no such key or table.
    Unknown {
        /// The name as written, with its table.
        name: String,
        /// Where it stands.
        origin: Origin,
        /// The name that was probably meant.
        nearest: Option<String>,
    },
    /// A key has a value that it does not accept.
    Value {
        /// The key or table, as `table.name`.
        key: String,
        /// What was found, safe to show.
        found: String,
        /// What is accepted.
        accepted: String,
        /// Where the value comes from.
        origin: Origin,
    },
    /// Two keys contradict each other.
    Contradiction {
        /// The key that is too large.
        key: String,
        /// Its value.
        found: String,
        /// Where that comes from.
        origin: Origin,
        /// The key that it must not exceed.
        bound: String,
        /// The value of that.
        most: String,
        /// Where that comes from.
        bound_origin: Origin,
    },
    /// A key is switched on that needs more entries in a list than there are.
    Lacking {
        /// The key.
        key: String,
        /// Where it was switched on.
        origin: Origin,
        /// The list.
        list: String,
        /// How many entries that has.
        found: usize,
        /// How many it needs.
        expected: usize,
    },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { path, reason } => {
                write!(f, "{}: {}", OneLine(&path.to_string_lossy()), OneLine(reason))
            }
            Self::Syntax { path, line, column, reason } => {
                let path = path.to_string_lossy();
                write!(f, "{}: line {line}, column {column}: {}", OneLine(&path), OneLine(reason))
            }
            Self::Unknown { name, origin, nearest } => {
                if let Origin::Variable(_) = origin {
                    write!(f, "{origin}")?;
                } else {
                    write!(f, "{} ({origin})", Quoted(name))?;
                }
                f.write_str(": there is no such key")?;
                nearest.as_ref().map_or(Ok(()), |nearest| write!(f, ", did you mean {nearest}?"))
            }
            Self::Value { key, found, accepted, origin } => {
                write!(f, "{key} is {found} ({origin}), must be {accepted}")
            }
            Self::Contradiction { key, found, origin, bound, most, bound_origin } => {
                write!(
                    f,
                    "{key} is {found} ({origin}), must not be more than {bound}, which is {most} ({bound_origin})"
                )
            }
            Self::Lacking { key, origin, list, found, expected } => {
                write!(
                    f,
                    "{key} is true ({origin}), then {list} must have at least {expected} entries, but has {found}"
                )
            }
        }
    }
}

/// Something that an operator may want to know about a configuration that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// The key is known and changes nothing.
    NoEffect {
        /// The key, as `table.name`.
        key: String,
        /// Where it was set.
        origin: Origin,
        /// Why it changes nothing.
        reason: &'static str,
    },
    /// An environment variable looks like a setting and is none.
    NotRead {
        /// Its name.
        variable: String,
        /// The variable that would be read.
        meant: String,
    },
    /// The file holds the admin key, and others than its owner can read it.
    Exposed {
        /// Which file.
        path: PathBuf,
    },
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoEffect { key, origin, reason } => {
                write!(f, "{key} ({origin}) is known and has no effect here: {reason}")
            }
            Self::NotRead { variable, meant } => {
                write!(f, "environment variable {} is not read, {meant} would be", OneLine(variable))
            }
            Self::Exposed { path } => {
                let path = path.to_string_lossy();
                write!(f, "{0} holds the admin key and others can read it: chmod 600 {0}", OneLine(&path))
            }
        }
    }
}
