//! Values as TOML text.

use std::fmt::{self, Write};

use figment::value::Value;

/// Writes a value of a key so that it reads back as the same value. Keys have no other sorts than these.
pub(crate) struct Toml<'v>(pub(crate) &'v Value);

impl fmt::Display for Toml<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::String(_, text) => quoted(f, text),
            Value::Array(_, entries) => {
                f.write_char('[')?;
                for (index, entry) in entries.iter().enumerate() {
                    write!(f, "{}{}", if index == 0 { "" } else { ", " }, Toml(entry))?;
                }
                f.write_char(']')
            }
            Value::Bool(_, truth) => write!(f, "{truth}"),
            Value::Num(_, number) => write!(f, "{}", number.to_u128().unwrap_or_default()),
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
