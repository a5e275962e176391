//! Settings that are one of a few words.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// Declares an enum whose variants are words, with every conversion between the two.
macro_rules! choice {
    ($(#[doc = $about:literal])+ $name:ident { $($(#[doc = $doc:literal])+ $variant:ident = $word:literal,)+ }) => {
        $(#[doc = $about])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl $name {
            /// Every word there is.
            pub const WORDS: &[&str] = &[$($word),+];

            /// The word for it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        impl FromStr for $name {
            type Err = ChoiceError;

            fn from_str(word: &str) -> Result<Self, ChoiceError> {
                match word {
                    $($word => Ok(Self::$variant),)+
                    other => Err(ChoiceError { found: other.to_owned(), words: Self::WORDS }),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}

choice! {
    /// Which kernel interface carries the traffic.
    Backend {
        /// Readiness through `epoll`: works everywhere.
        Epoll = "epoll",
        /// Completions through `io_uring`: where it is built in and the kernel allows it.
        IoUring = "io-uring",
    }
}

choice! {
    /// What log lines look like.
    LogFormat {
        /// For people.
        Text = "text",
        /// One JSON object a line.
        Json = "json",
    }
}

choice! {
    /// What the process gives up once its sockets are bound.
    SandboxMode {
        /// Nothing.
        Off = "off",
        /// What the kernel lets it.
        Try = "try",
        /// All of it, or it ends.
        Require = "require",
    }
}

/// A word that is none of those there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChoiceError {
    found: String,
    words: &'static [&'static str],
}

impl fmt::Display for ChoiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "found {:?}, expected {}", self.found, self.words.join(" or "))
    }
}

impl std::error::Error for ChoiceError {}
