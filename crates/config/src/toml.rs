//! Values from TOML text and to TOML text.

use std::fmt::{self, Write};

use figment::providers::{Format, Toml};
use figment::value::Value;
use serde::de::DeserializeOwned;

use crate::setting::whole;

/// Why a text was not understood. It quotes nothing of the text, which may hold a key.
#[derive(Debug)]
pub(crate) struct ParseError {
    /// One line.
    pub(crate) message: String,
    /// Where, in bytes from the start.
    pub(crate) offset: usize,
}

/// Reads TOML.
///
/// The parser goes 128 levels deep before it gives up. An unoptimised build needs more stack for that than an ordinary
/// thread has, and a stack that overflows ends the process: so it runs on a thread with room enough.
pub(crate) fn parse<T: DeserializeOwned + Send>(text: &str) -> Result<T, ParseError> {
    const STACK: usize = 32 << 20;
    let failed = |message: String| ParseError { message, offset: 0 };
    let parse = || <Toml as Format>::from_str(text).map_err(refused);
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, parse);
        let thread = thread.map_err(|error| failed(format!("cannot start the parser: {error}")))?;
        thread.join().unwrap_or_else(|_| Err(failed("the parser failed".to_owned())))
    })
}

fn refused(error: <Toml as Format>::Error) -> ParseError {
    let message = error.message().lines().collect::<Vec<_>>().join(", ");
    ParseError { message, offset: error.span().map_or(0, |span| span.start) }
}

/// Writes a value of a key so that it reads back as the same value. Keys have no other sorts than these.
pub(crate) struct Spelled<'v>(pub(crate) &'v Value);

impl fmt::Display for Spelled<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::String(_, text) => quoted(f, text),
            Value::Array(_, entries) => {
                f.write_char('[')?;
                for (index, entry) in entries.iter().enumerate() {
                    write!(f, "{}{}", if index == 0 { "" } else { ", " }, Spelled(entry))?;
                }
                f.write_char(']')
            }
            Value::Bool(_, truth) => write!(f, "{truth}"),
            Value::Num(..) => write!(f, "{}", whole(self.0).unwrap_or_default()),
            Value::Char(..) | Value::Empty(..) | Value::Dict(..) => f.write_str("\"\""),
        }
    }
}

/// A basic string: quotes, backslashes and control characters are escaped.
fn quoted(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_char('"')?;
    for character in text.chars() {
        match character {
            '"' | '\\' => write!(f, "\\{character}")?,
            control if control.is_control() => write!(f, "\\u{:04x}", u32::from(control))?,
            plain => f.write_char(plain)?,
        }
    }
    f.write_char('"')
}

#[cfg(test)]
mod tests {
    use figment::value::Dict;

    use super::*;

    #[test]
    fn text_nested_without_end_is_refused_and_ends_nothing() {
        for (open, depth) in [("[", 500_000), ("{a=", 100_000), ("[{a=", 100_000), ("a.", 100_000)] {
            let text = open.repeat(depth);
            assert!(parse::<Dict>(&format!("x = {text}")).is_err());
            assert!(parse::<Dict>(&format!("{text}a = 1")).is_err());
        }
        let deepest = format!("x = {}{}", "[".repeat(126), "]".repeat(126));
        assert!(parse::<Dict>(&deepest).is_ok());
    }
}
