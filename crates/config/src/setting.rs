//! How a value of each type is read from the file's spelling, and written back.

use std::collections::HashSet;
use std::fmt;
use std::hash::Hash;
use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use figment::value::{Num, Value};
use raida_wire::CoinId;

use crate::choice::{Backend, LogFormat, SandboxMode};
use crate::key::{ADDRESSES_MAX, COINS_MAX, Kind, MIRRORS_MAX, NODES, TEXT_MAX, Unit};
use crate::peer::Peer;
use crate::secret::Secret;

/// A type that settings have.
pub(crate) trait Setting: Sized + PartialEq {
    /// Checks a value against what its key accepts.
    ///
    /// # Errors
    ///
    /// What was found instead.
    fn read(value: &Value, kind: &Kind) -> Result<Self, Found>;

    /// The value as the file would spell it; `None` where there is nothing to spell or it is nobody's business.
    fn write(&self, kind: &Kind) -> Option<Value>;

    /// What a key without a value means; `None` where it must have one.
    fn absent() -> Option<Self> {
        None
    }
}

/// A description of a value that was not accepted, safe to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found(pub(crate) String);

impl Found {
    /// A value of a key that may be shown.
    pub(crate) fn value(value: &Value) -> Self {
        Self(match value {
            Value::String(_, text) => Quoted(text).to_string(),
            Value::Bool(_, truth) => truth.to_string(),
            Value::Num(_, number) => spelled(*number),
            Value::Char(..) | Value::Empty(..) | Value::Dict(..) | Value::Array(..) => sort(value).to_owned(),
        })
    }

    /// A value of a key that must not be shown.
    fn secret(value: &Value) -> Self {
        Self(match value.as_str() {
            Some(text) => format!("a text of {} characters", text.chars().count()),
            None => sort(value).to_owned(),
        })
    }
}

/// What sort of value it is.
pub(crate) fn sort(value: &Value) -> &'static str {
    match value {
        Value::String(..) | Value::Char(..) => "a text",
        Value::Bool(..) => "true or false",
        Value::Num(..) => "a number",
        Value::Empty(..) => "nothing",
        Value::Dict(..) => "a table",
        Value::Array(..) => "a list",
    }
}

fn spelled(number: Num) -> String {
    match (number.to_i128(), number.to_u128(), number.to_f64()) {
        (Some(whole), _, _) => whole.to_string(),
        (None, Some(whole), _) => whole.to_string(),
        (None, None, Some(real)) => format!("{real:?}"),
        (None, None, None) => "a number".to_owned(),
    }
}

/// A text in quotes, on one line, cut where it is long.
pub(crate) struct Quoted<'t>(pub(crate) &'t str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 60;
        let shown: String = self.0.chars().take(SHOWN).collect();
        let cut = if shown.len() < self.0.len() { "..." } else { "" };
        write!(f, "{shown:?}{cut}")
    }
}

/// A whole number that is not negative.
pub(crate) fn whole(value: &Value) -> Option<u64> {
    let number = value.to_num()?;
    let unsigned = number.to_u128().and_then(|number| u64::try_from(number).ok());
    unsigned.or_else(|| u64::try_from(number.to_i128()?).ok())
}

fn number(value: &Value, kind: &Kind) -> Result<u64, Found> {
    match (whole(value), kind) {
        (Some(whole), Kind::Integer { min, max, .. }) if (*min..=*max).contains(&whole) => Ok(whole),
        _ => Err(Found::value(value)),
    }
}

macro_rules! numbers {
    ($($Type:ty),+) => {$(
        impl Setting for $Type {
            fn read(value: &Value, kind: &Kind) -> Result<Self, Found> {
                Self::try_from(number(value, kind)?).map_err(|_| Found::value(value))
            }

            fn write(&self, _: &Kind) -> Option<Value> {
                Some(Value::from(*self))
            }
        }
    )+};
}

numbers!(u8, u16, u32, usize);

macro_rules! counts {
    ($($Type:ty: $Plain:ty),+) => {$(
        impl Setting for $Type {
            fn read(value: &Value, kind: &Kind) -> Result<Self, Found> {
                Self::new(<$Plain as Setting>::read(value, kind)?).ok_or_else(|| Found::value(value))
            }

            fn write(&self, _: &Kind) -> Option<Value> {
                Some(Value::from(self.get()))
            }
        }
    )+};
}

counts!(NonZeroU32: u32, NonZeroUsize: usize);

impl Setting for Duration {
    fn read(value: &Value, kind: &Kind) -> Result<Self, Found> {
        let number = number(value, kind)?;
        Ok(if in_seconds(kind) { Self::from_secs(number) } else { Self::from_millis(number) })
    }

    fn write(&self, kind: &Kind) -> Option<Value> {
        Some(Value::from(if in_seconds(kind) { u128::from(self.as_secs()) } else { self.as_millis() }))
    }
}

fn in_seconds(kind: &Kind) -> bool {
    matches!(kind, Kind::Integer { unit: Unit::Seconds, .. })
}

impl Setting for bool {
    fn read(value: &Value, _: &Kind) -> Result<Self, Found> {
        value.to_bool().ok_or_else(|| Found::value(value))
    }

    fn write(&self, _: &Kind) -> Option<Value> {
        Some(Value::from(*self))
    }
}

macro_rules! words {
    ($($Type:ty),+) => {$(
        impl Setting for $Type {
            fn read(value: &Value, _: &Kind) -> Result<Self, Found> {
                value.as_str().and_then(|word| word.parse().ok()).ok_or_else(|| Found::value(value))
            }

            fn write(&self, _: &Kind) -> Option<Value> {
                Some(Value::from(self.as_str()))
            }
        }
    )+};
}

words!(Backend, LogFormat, SandboxMode);

impl Setting for String {
    fn read(value: &Value, _: &Kind) -> Result<Self, Found> {
        let fits = |text: &&str| (1..=TEXT_MAX).contains(&text.chars().count());
        value.as_str().filter(fits).map(str::to_owned).ok_or_else(|| Found::value(value))
    }

    fn write(&self, _: &Kind) -> Option<Value> {
        Some(Value::from(self.as_str()))
    }
}

impl Setting for PathBuf {
    fn read(value: &Value, _: &Kind) -> Result<Self, Found> {
        let fits = |text: &&str| !text.is_empty() && !text.contains('\0');
        value.as_str().filter(fits).map(Self::from).ok_or_else(|| Found::value(value))
    }

    fn write(&self, _: &Kind) -> Option<Value> {
        Some(Value::from(self.to_string_lossy().into_owned()))
    }
}

impl Setting for Vec<SocketAddr> {
    fn read(value: &Value, kind: &Kind) -> Result<Self, Found> {
        let addresses: Self = each(value)?;
        let foreign = addresses.iter().find(|address| !address.ip().to_canonical().is_loopback());
        if let (Kind::LocalAddresses, Some(address)) = (kind, foreign) {
            return Err(Found(address.to_string()));
        }
        if addresses.len() > ADDRESSES_MAX {
            return Err(Found(format!("a list of {}", addresses.len())));
        }
        different(addresses)
    }

    fn write(&self, _: &Kind) -> Option<Value> {
        Some(texts(self))
    }
}

impl Setting for Vec<Peer> {
    fn read(value: &Value, kind: &Kind) -> Result<Self, Found> {
        let peers: Self = each(value)?;
        match (peers.len(), kind) {
            (0..=MIRRORS_MAX, Kind::Mirrors) => different(peers),
            (0 | NODES, Kind::Peers) => Ok(peers),
            (other, _) => Err(Found(format!("a list of {other}"))),
        }
    }

    fn write(&self, _: &Kind) -> Option<Value> {
        Some(texts(self))
    }
}

impl Setting for Vec<CoinId> {
    fn read(value: &Value, _: &Kind) -> Result<Self, Found> {
        let entries = value.as_array().ok_or_else(|| Found::value(value))?;
        let read = |entry: &Value| entry.as_str().and_then(coin).ok_or_else(|| Found::value(entry));
        let coins: Self = entries.iter().map(read).collect::<Result<_, _>>()?;
        if coins.len() > COINS_MAX { Err(Found(format!("a list of {}", coins.len()))) } else { Ok(coins) }
    }

    fn write(&self, _: &Kind) -> Option<Value> {
        Some(texts(self))
    }
}

/// A coin as it prints: denomination, colon, serial number.
fn coin(text: &str) -> Option<CoinId> {
    let (denomination, serial_number) = text.split_once(':')?;
    CoinId::new(denomination.parse().ok()?, serial_number.parse().ok()?)
}

/// The list, unless something is in it twice.
fn different<T: Eq + Hash>(list: Vec<T>) -> Result<Vec<T>, Found> {
    let different = list.iter().collect::<HashSet<_>>().len();
    if different < list.len() { Err(Found("a list with the same address twice".to_owned())) } else { Ok(list) }
}

/// Parses every entry of a list of texts.
fn each<T: FromStr>(value: &Value) -> Result<Vec<T>, Found> {
    let entries = value.as_array().ok_or_else(|| Found::value(value))?;
    let parse = |entry: &Value| entry.as_str().and_then(|text| text.parse().ok()).ok_or_else(|| Found::value(entry));
    entries.iter().map(parse).collect()
}

fn texts<T: ToString>(items: &[T]) -> Value {
    Value::from(items.iter().map(|item| Value::from(item.to_string())).collect::<Vec<_>>())
}

/// An account or a group, by name or number.
impl Setting for Option<String> {
    fn read(value: &Value, _: &Kind) -> Result<Self, Found> {
        let is_part = |c: char| c.is_ascii_alphanumeric() || "_-.$".contains(c);
        let name = value.as_str().map(str::to_owned).or_else(|| whole(value).map(|number| number.to_string()));
        let fits = |name: &String| (1..=32).contains(&name.len()) && name.chars().all(is_part);
        name.filter(fits).map(Some).ok_or_else(|| Found::value(value))
    }

    fn write(&self, _: &Kind) -> Option<Value> {
        self.as_deref().map(Value::from)
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}

impl<const N: usize> Setting for Option<Secret<N>> {
    fn read(value: &Value, _: &Kind) -> Result<Self, Found> {
        value.as_str().and_then(Secret::from_hex).map(Some).ok_or_else(|| Found::secret(value))
    }

    fn write(&self, _: &Kind) -> Option<Value> {
        None
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}
