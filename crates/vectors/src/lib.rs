//! Checks files of RAIDA protocol test vectors against the wire format.
//!
//! A file holds the state that a node is assumed to be in and a list of cases. Every case goes through the public API
//! of `raida-wire`, as a node or a client would use it; the outcome is passed, failed with a reason, or skipped where
//! the code that the case is about does not exist yet. Exchanges take a whole node: who has one is a [`Player`].
//!
//! The crate never contains a codec of its own, so that it can not agree with itself; it is no part of a node.
//!
//! ```
//! let report = raida_vectors::check_str(
//!     r#"{"profile": {}, "vectors": [{"name": "crc/hello", "kind": "crc",
//!         "given": {"data": "48656c6c6f20576f726c6421"}, "bytes": "1c291ca3", "expect": {"crc32_be": "1c291ca3"}}]}"#,
//! )?;
//! assert_eq!(report.to_string(), "1 passed, 0 failed, 0 skipped");
//! # Ok::<(), raida_vectors::Error>(())
//! ```

use std::path::Path;
use std::{fmt, fs, io};

use serde_json::Value;

mod body;
mod case;
mod crc;
mod exchange;
mod key;
mod merkle;
mod page;
mod payload;
mod player;
mod profile;
mod report;
mod request;
mod response;
mod vote;

pub use player::{Player, State, Transport};
pub use report::{Outcome, Report};

use crate::case::{Case, Fields, Reason};
use crate::profile::Profile;

/// The layout of files that is known here.
const SCHEMA: u64 = 1;

/// Checks one file.
///
/// # Errors
///
/// When the file can not be read, is not JSON, has another schema than 1, or holds no list of vectors. A single odd vector is a failed case.
pub fn check_file(path: impl AsRef<Path>) -> Result<Report, Error> {
    check_str(&fs::read_to_string(path).map_err(Error::Read)?)
}

/// Checks one file, and plays its exchange cases against real nodes.
///
/// # Errors
///
/// As [`check_file`].
pub fn check_file_with(path: impl AsRef<Path>, player: &mut dyn Player) -> Result<Report, Error> {
    check_str_with(&fs::read_to_string(path).map_err(Error::Read)?, player)
}

/// Checks the text of one file.
///
/// # Errors
///
/// When it is not JSON or holds no list of vectors. A single odd vector is a failed case.
pub fn check_str(text: &str) -> Result<Report, Error> {
    check_all(text, None)
}

/// Checks the text of one file, and plays its exchange cases against real nodes.
///
/// # Errors
///
/// As [`check_str`].
pub fn check_str_with(text: &str, player: &mut dyn Player) -> Result<Report, Error> {
    check_all(text, Some(player))
}

/// The state that a file assumes its node to be in.
///
/// # Errors
///
/// When it is not JSON, or the state is missing or odd.
pub fn read_state(text: &str) -> Result<State, Error> {
    let document = document(text)?;
    state(&document).map_err(|reason| Error::State(reason.to_string()))
}

fn state(document: &Value) -> Result<State, Reason> {
    let profile = document.get("profile").ok_or_else(|| Reason::new("profile is missing"))?;
    State::read(Fields::new("profile", profile))
}

/// A file in the one layout that is known here. A file that does not name its layout is taken for one.
fn document(text: &str) -> Result<Value, Error> {
    let document: Value = serde_json::from_str(text).map_err(Error::Json)?;
    match document.get("schema") {
        Some(schema) if schema.as_u64() != Some(SCHEMA) => Err(Error::Schema(schema.to_string())),
        Some(_) | None => Ok(document),
    }
}

fn check_all(text: &str, player: Option<&mut dyn Player>) -> Result<Report, Error> {
    let document = document(text)?;
    let vectors = document.get("vectors").and_then(Value::as_array).ok_or(Error::NoVectors)?;
    let profile = Profile::read(document.get("profile"));
    let mut played = player.map(|player| {
        let exchanges: Vec<_> = vectors.iter().filter(|vector| is_exchange(vector)).collect();
        exchange::play(&exchanges, state(&document).as_ref(), player).into_iter()
    });
    let mut report = Report::default();
    for (place, vector) in vectors.iter().enumerate() {
        let name = vector.get("name").and_then(Value::as_str).map_or_else(|| format!("#{place}"), str::to_owned);
        let outcome = match played.as_mut().filter(|_| is_exchange(vector)).and_then(Iterator::next) {
            Some(played) => played.map_or_else(|reason| Outcome::Failed(reason.to_string()), |()| Outcome::Passed),
            None => check(vector, profile.as_ref()),
        };
        report.add(name, outcome);
    }
    Ok(report)
}

fn is_exchange(vector: &Value) -> bool {
    vector.get("kind").and_then(Value::as_str) == Some("exchange")
}

/// Checks one vector.
fn check(vector: &Value, profile: Result<&Profile, &Reason>) -> Outcome {
    let outcome = Case::read(vector).and_then(|case| {
        let profile = || profile.map_err(Clone::clone);
        match case.kind {
            "crc" => crc::check(&case),
            "key" => key::check(&case),
            "request" => request::check(&case, profile()?),
            "response" => response::check(&case, profile()?),
            "vote" => vote::check(&case, profile()?),
            "body" => body::check(&case),
            "merkle" => merkle::check(&case),
            "page" => page::check(&case),
            "exchange" => return Ok(Outcome::Skipped("no node to play it against".to_owned())),
            "feed" => return Ok(Outcome::Skipped("no feed code yet".to_owned())),
            unknown => Err(Reason::new(format!("kind {unknown} is unknown"))),
        }
        .map(|()| Outcome::Passed)
    });
    outcome.unwrap_or_else(|reason| Outcome::Failed(reason.to_string()))
}

/// Why a file could not be checked at all.
#[derive(Debug)]
pub enum Error {
    /// It can not be read.
    Read(io::Error),
    /// It is not JSON.
    Json(serde_json::Error),
    /// It has another layout than the one known here; its `schema`.
    Schema(String),
    /// It holds no list named `vectors`.
    NoVectors,
    /// The state that it assumes is missing or odd; how.
    State(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(error) => write!(f, "file can not be read: {error}"),
            Self::Json(error) => write!(f, "file is not JSON: {error}"),
            Self::Schema(found) => write!(f, "file has schema {found}, expected schema {SCHEMA}"),
            Self::NoVectors => f.write_str("file holds no list named vectors"),
            Self::State(reason) => write!(f, "file has no state of a node: {reason}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Read(error) => Some(error),
            Self::Json(error) => Some(error),
            Self::Schema(_) | Self::NoVectors | Self::State(_) => None,
        }
    }
}
