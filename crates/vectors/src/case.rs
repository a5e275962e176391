//! One vector, read field by field. Every field that is missing or odd is a reason to fail, never a panic.

use std::fmt;

use serde_json::Value;

/// Why a case failed.
#[derive(Clone, Debug)]
pub(crate) struct Reason(String);

impl Reason {
    pub(crate) fn new(reason: impl fmt::Display) -> Self {
        Self(reason.to_string())
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One vector.
#[derive(Debug)]
pub(crate) struct Case<'v> {
    pub(crate) kind: &'v str,
    pub(crate) given: Fields<'v>,
    pub(crate) bytes: Vec<u8>,
    pub(crate) expect: Fields<'v>,
}

impl<'v> Case<'v> {
    pub(crate) fn read(vector: &'v Value) -> Result<Self, Reason> {
        let fields = Fields { name: "vector", value: vector };
        Ok(Self {
            kind: fields.text("kind")?,
            given: fields.fields("given")?,
            bytes: fields.hex("bytes")?,
            expect: fields.fields("expect")?,
        })
    }
}

/// The fields of one JSON object.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields<'v> {
    name: &'v str,
    value: &'v Value,
}

impl<'v> Fields<'v> {
    pub(crate) const fn new(name: &'v str, value: &'v Value) -> Self {
        Self { name, value }
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.value.get(key).is_some()
    }

    pub(crate) fn get(&self, key: &str) -> Result<&'v Value, Reason> {
        self.value.get(key).ok_or_else(|| Reason(format!("{}.{key} is missing", self.name)))
    }

    pub(crate) fn fields(&self, key: &'v str) -> Result<Fields<'v>, Reason> {
        let value = self.get(key)?;
        if value.is_object() { Ok(Fields::new(key, value)) } else { Err(self.odd(key, "an object")) }
    }

    pub(crate) fn list(&self, key: &str) -> Result<&'v [Value], Reason> {
        self.get(key)?.as_array().map(Vec::as_slice).ok_or_else(|| self.odd(key, "a list"))
    }

    pub(crate) fn text(&self, key: &str) -> Result<&'v str, Reason> {
        self.get(key)?.as_str().ok_or_else(|| self.odd(key, "a text"))
    }

    pub(crate) fn flag(&self, key: &str) -> Result<bool, Reason> {
        self.get(key)?.as_bool().ok_or_else(|| self.odd(key, "true or false"))
    }

    /// A whole number that fits into the type asked for.
    pub(crate) fn number<T: TryFrom<i128>>(&self, key: &str) -> Result<T, Reason> {
        let value = self.get(key)?;
        let number = value.as_i64().map(i128::from).or_else(|| value.as_u64().map(i128::from));
        number.and_then(|number| T::try_from(number).ok()).ok_or_else(|| self.odd(key, "a number in range"))
    }

    /// Octets written as pairs of hexadecimal digits.
    pub(crate) fn hex(&self, key: &str) -> Result<Vec<u8>, Reason> {
        octets(self.text(key)?).ok_or_else(|| self.odd(key, "pairs of hexadecimal digits"))
    }

    /// Exactly `N` octets.
    pub(crate) fn array<const N: usize>(&self, key: &str) -> Result<[u8; N], Reason> {
        self.hex(key)?.try_into().map_err(|_| self.odd(key, format_args!("{N} octets")))
    }

    fn odd(&self, key: &str, expected: impl fmt::Display) -> Reason {
        Reason(format!("{}.{key} is odd, expected {expected}", self.name))
    }
}

/// Fails unless what the code gives is what the vector expects.
pub(crate) fn same<T: PartialEq + fmt::Debug>(what: &str, found: T, expected: T) -> Result<(), Reason> {
    if found == expected { Ok(()) } else { Err(Reason(format!("{what} is {found:?}, expected {expected:?}"))) }
}

/// As [`same`], for octets: prints them as hexadecimal digits.
pub(crate) fn same_octets(what: &str, found: &[u8], expected: &[u8]) -> Result<(), Reason> {
    if found == expected {
        return Ok(());
    }
    Err(Reason(format!("{what} is {}, expected {}", Hex(found), Hex(expected))))
}

struct Hex<'o>(&'o [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("nothing");
        }
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

/// The octets that pairs of hexadecimal digits stand for; `None` where they are odd.
pub(crate) fn octets(digits: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = digits.as_bytes().as_chunks();
    let octets: Option<Vec<u8>> = pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect();
    octets.filter(|_| rest.is_empty())
}

fn digit(character: u8) -> Option<u8> {
    match character {
        b'0'..=b'9' => Some(character - b'0'),
        b'a'..=b'f' => Some(character - b'a' + 10),
        b'A'..=b'F' => Some(character - b'A' + 10),
        _ => None,
    }
}
