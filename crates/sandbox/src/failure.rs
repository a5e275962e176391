//! Why something was not given up.

use std::fmt;

/// Why something was not given up. Nothing has changed then, unless the text says otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// There is no such user or group.
    Unknown {
        /// `user` or `group`.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// The kernel cannot do it, or not all of it.
    Unsupported {
        /// Landlock or seccomp.
        what: &'static str,
        /// What is missing.
        reason: String,
    },
    /// The system refused.
    System {
        /// What was being done.
        step: &'static str,
        /// What the system said.
        reason: String,
    },
}

impl Failure {
    pub(crate) fn system(step: &'static str, reason: impl ToString) -> Self {
        Self::System { step, reason: reason.to_string() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { what, name } => write!(f, "there is no {what} {name:?}"),
            Self::Unsupported { what, reason } => write!(f, "this kernel has no {what} as it is needed: {reason}"),
            Self::System { step, reason } => write!(f, "{step}: {reason}"),
        }
    }
}

impl std::error::Error for Failure {}
