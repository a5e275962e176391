//! A key of the configuration: its name, what it accepts, what it is when nobody sets it, and what it is for.

use std::fmt;
use std::ops::RangeInclusive;

use figment::value::Value;

/// One key. The tables in `tables.rs` hold every one there is; all else is derived from them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key {
    /// The TOML table that it stands in.
    pub(crate) table: &'static str,
    /// Its name in that table.
    pub(crate) name: &'static str,
    /// What it accepts.
    pub(crate) kind: Kind,
    /// What it is when nobody sets it.
    pub(crate) preset: Preset,
    /// The command-line flag that sets it, as typed.
    pub(crate) flag: Option<&'static str>,
    /// Whether it can change while the node runs.
    pub(crate) is_live: bool,
    /// What it is for: the lines of its doc comment.
    pub(crate) doc: &'static [&'static str],
}

/// What a key accepts.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Integer { min: u64, max: u64, unit: Unit },
    Boolean,
    Choice(&'static [&'static str]),
    Text,
    Path,
    Addresses,
    LocalAddresses,
    Peers,
    Mirrors,
    Coins,
    Account,
    Secret,
}

/// What a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Count,
    Bytes,
    Milliseconds,
    Seconds,
}

/// The value of a key that nobody sets.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Preset {
    Integer(u64),
    Boolean(bool),
    Text(&'static str),
    /// An empty list; the text says what that means.
    Nothing(&'static str),
    /// Worked out from other keys, as the text says.
    Derived(&'static str),
    /// No value at all; the text says what happens then.
    Unset(&'static str),
}

/// Longest text that a key accepts, in characters.
pub(crate) const TEXT_MAX: usize = 1024;
/// Most addresses to listen on.
pub(crate) const ADDRESSES_MAX: usize = 16;
/// Nodes of the network; their ids count from 0. Source: protocol §1.1.
pub(crate) const NODES: usize = 25;
/// Most mirrors: with more of them thirteen would be no majority. Source: protocol §6.4.
pub(crate) const MIRRORS_MAX: usize = 24;
/// So many mirrors have to agree before a page is replaced. Source: protocol §6.4.
pub(crate) const MIRRORS_AGREED: usize = 13;
/// Most key coins.
pub(crate) const COINS_MAX: usize = 16;

impl Key {
    /// A plain number.
    pub(crate) const fn integer(name: &'static str, range: RangeInclusive<u64>, preset: u64) -> Self {
        Self::number(name, range, preset, Unit::Count)
    }

    /// A size in bytes.
    pub(crate) const fn bytes(name: &'static str, range: RangeInclusive<u64>, preset: u64) -> Self {
        Self::number(name, range, preset, Unit::Bytes)
    }

    /// A span in milliseconds.
    pub(crate) const fn milliseconds(name: &'static str, range: RangeInclusive<u64>, preset: u64) -> Self {
        Self::number(name, range, preset, Unit::Milliseconds)
    }

    /// A span in seconds.
    pub(crate) const fn seconds(name: &'static str, range: RangeInclusive<u64>, preset: u64) -> Self {
        Self::number(name, range, preset, Unit::Seconds)
    }

    const fn number(name: &'static str, range: RangeInclusive<u64>, preset: u64, unit: Unit) -> Self {
        Self::new(name, Kind::Integer { min: *range.start(), max: *range.end(), unit }, Preset::Integer(preset))
    }

    /// True or false.
    pub(crate) const fn boolean(name: &'static str, preset: bool) -> Self {
        Self::new(name, Kind::Boolean, Preset::Boolean(preset))
    }

    /// One of a few words.
    pub(crate) const fn choice(name: &'static str, words: &'static [&'static str], preset: &'static str) -> Self {
        Self::new(name, Kind::Choice(words), Preset::Text(preset))
    }

    /// A key of any kind.
    pub(crate) const fn new(name: &'static str, kind: Kind, preset: Preset) -> Self {
        Self { table: "", name, kind, preset, flag: None, is_live: false, doc: &[] }
    }

    /// The same with another preset.
    pub(crate) const fn preset(self, preset: Preset) -> Self {
        Self { preset, ..self }
    }

    /// The same, settable by a flag.
    pub(crate) const fn flag(self, flag: &'static str) -> Self {
        Self { flag: Some(flag), ..self }
    }

    /// The same, able to change while the node runs.
    pub(crate) const fn live(self) -> Self {
        Self { is_live: true, ..self }
    }

    /// The same, put in its table with its doc comment.
    pub(crate) const fn within(self, table: &'static str, doc: &'static [&'static str]) -> Self {
        Self { table, doc, ..self }
    }

    /// `table.name`, as messages spell it.
    pub(crate) fn path(&self) -> String {
        format!("{}.{}", self.table, self.name)
    }

    /// The environment variable that sets it.
    pub(crate) fn variable(&self) -> String {
        format!("RAIDA_{}__{}", self.table.to_ascii_uppercase(), self.name.to_ascii_uppercase())
    }

    /// Its value when nobody sets it, where that does not depend on other keys.
    pub(crate) fn preset_value(&self) -> Option<Value> {
        match self.preset {
            Preset::Integer(number) => Some(number.into()),
            Preset::Boolean(truth) => Some(truth.into()),
            Preset::Text(text) => Some(text.into()),
            Preset::Nothing(_) => Some(Vec::<Value>::new().into()),
            Preset::Derived(_) | Preset::Unset(_) => None,
        }
    }

    /// The rule by which it is worked out when nobody sets it, where there is one.
    pub(crate) const fn derivation(&self) -> Option<&'static str> {
        if let Preset::Derived(rule) = self.preset { Some(rule) } else { None }
    }

    /// Whether its value must never be shown.
    pub(crate) const fn is_secret(&self) -> bool {
        matches!(self.kind, Kind::Secret)
    }
}

impl Kind {
    /// What is accepted, in words that follow "must be".
    pub(crate) fn accepted(&self) -> String {
        if let Self::Integer { .. } = self { format!("a whole number from {self}") } else { self.to_string() }
    }
}

/// What is accepted, as it stands in the reference.
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer { min, max, unit } => write!(f, "{min} to {max}{unit}"),
            Self::Boolean => f.write_str("true or false"),
            Self::Choice(words) => {
                f.write_str(&words.iter().map(|word| format!("{word:?}")).collect::<Vec<_>>().join(" or "))
            }
            Self::Text => write!(f, "a text of 1 to {TEXT_MAX} characters"),
            Self::Path => f.write_str("a path"),
            Self::Addresses => {
                write!(f, "a list of at most {ADDRESSES_MAX} different addresses such as \"192.0.2.1:50000\"")
            }
            Self::LocalAddresses => {
                write!(
                    f,
                    "a list of at most {ADDRESSES_MAX} different addresses of this host alone such as \"127.0.0.1:19500\""
                )
            }
            Self::Peers => {
                write!(f, "a list of {NODES} entries such as \"raida0.example.com:50000\", or an empty list")
            }
            Self::Mirrors => {
                write!(f, "a list of at most {MIRRORS_MAX} different entries such as \"mirror1.example.com:50000\"")
            }
            Self::Coins => {
                write!(f, "a list of at most {COINS_MAX} coins such as \"0:258\", denomination and serial number")
            }
            Self::Account => f.write_str("a name or a number"),
            Self::Secret => f.write_str("32 hexadecimal digits"),
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Count => "",
            Self::Bytes => " bytes",
            Self::Milliseconds => " milliseconds",
            Self::Seconds => " seconds",
        })
    }
}
