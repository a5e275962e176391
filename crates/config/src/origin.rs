//! Where a value comes from.

use std::fmt;
use std::path::PathBuf;

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it.
    Preset,
    /// Nobody set it; it was worked out from other keys, as the text says.
    Derived(&'static str),
    /// This file.
    File(PathBuf),
    /// The environment variable of this name.
    Variable(String),
    /// This command-line flag.
    Flag(&'static str),
}

impl Origin {
    /// Whether nobody set the value.
    #[must_use]
    pub const fn is_preset(&self) -> bool {
        matches!(self, Self::Preset | Self::Derived(_))
    }
}

/// In words, always on one line.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Preset => f.write_str("default"),
            Self::Derived(rule) => write!(f, "default: {rule}"),
            Self::File(path) => write!(f, "{}", OneLine(&path.to_string_lossy())),
            Self::Variable(name) => write!(f, "environment variable {}", OneLine(name)),
            Self::Flag(flag) => write!(f, "flag {flag}"),
        }
    }
}

/// A text whose control characters are escaped, so that it cannot leave its line or its comment.
pub(crate) struct OneLine<'t>(pub(crate) &'t str);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            if character.is_control() {
                write!(f, "{}", character.escape_default())?;
            } else {
                write!(f, "{character}")?;
            }
        }
        Ok(())
    }
}
