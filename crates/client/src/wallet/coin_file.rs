//! The text of a coin file. `docs/COIN-FILE.md` describes it.

use std::fmt;

use raida_wire::{AuthenticityNumber, CoinId};
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use zeroize::Zeroizing;

use crate::coin::Coin;
use crate::quorum::NODES;

/// The only version there is.
const VERSION: u32 = 1;

/// Room for the longest text, so that writing it leaves no copy of a secret behind.
const ROOM: usize = 8192;

/// The coin, as text.
pub(super) fn text(coin: &Coin, coin_id: u16) -> Result<Zeroizing<Vec<u8>>, serde_json::Error> {
    let numbers = |of: fn(&crate::coin::Secret) -> Option<AuthenticityNumber>| {
        coin.secrets().iter().map(|secret| of(secret).map(Hex)).collect()
    };
    let file = CoinFile {
        version: VERSION,
        coin_id,
        denomination: coin.id.denomination.exponent(),
        serial_number: coin.id.serial_number.get(),
        an: numbers(|secret| secret.number.clone()),
        pending: coin.is_pending().then(|| numbers(|secret| secret.pending.clone())),
    };
    let mut text = Zeroizing::new(Vec::with_capacity(ROOM));
    serde_json::to_writer_pretty(&mut *text, &file)?;
    text.push(b'\n');
    Ok(text)
}

/// The coin of network `coin_id` in the text of a coin file.
///
/// # Errors
///
/// Why the text can not be understood. That shows no value, which may be part of a secret.
pub fn parse(text: &[u8], coin_id: u16) -> Result<Coin, String> {
    let place = |error: serde_json::Error| {
        let what = if error.is_data() { "a setting is missing, unknown or of a wrong kind" } else { "not JSON" };
        format!("{what}, at line {} column {}", error.line(), error.column())
    };
    let file: CoinFile = serde_json::from_slice(text).map_err(place)?;
    if file.version != VERSION {
        return Err(format!("version {}, expected {VERSION}", file.version));
    }
    if file.coin_id != coin_id {
        return Err(format!("a coin of network {}, expected {coin_id}", file.coin_id));
    }
    let id = CoinId::new(file.denomination, file.serial_number)
        .ok_or("there is no such coin: denominations go from -8 to 6, serial numbers from 0 to 1023999")?;
    let mut coin = Coin::new(id);
    fill(&mut coin, file.an, |coin, node, number| {
        if let Some(secret) = coin.at_mut(node) {
            secret.number = Some(number);
        }
    })?;
    fill(&mut coin, file.pending.unwrap_or_else(|| vec![const { None }; NODES]), Coin::propose)?;
    Ok(coin)
}

fn fill(
    coin: &mut Coin,
    numbers: Vec<Option<Hex>>,
    enter: impl Fn(&mut Coin, u8, AuthenticityNumber),
) -> Result<(), String> {
    if numbers.len() != NODES {
        return Err(format!("a list has {} numbers, expected {NODES}", numbers.len()));
    }
    for (node, number) in (0..).zip(numbers) {
        if let Some(Hex(number)) = number {
            enter(coin, node, number);
        }
    }
    Ok(())
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CoinFile {
    version: u32,
    coin_id: u16,
    denomination: i8,
    serial_number: u32,
    an: Vec<Option<Hex>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pending: Option<Vec<Option<Hex>>>,
}

/// Sixteen octets as 32 hexadecimal digits.
#[derive(Clone)]
struct Hex(AuthenticityNumber);

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = Zeroizing::new(String::with_capacity(32));
        for octet in self.0.octets() {
            for half in [octet >> 4, octet & 15] {
                text.push(char::from(DIGITS.get(usize::from(half)).copied().unwrap_or_default()));
            }
        }
        serializer.serialize_str(&text)
    }
}

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(HexVisitor)
    }
}

struct HexVisitor;

impl Visitor<'_> for HexVisitor {
    type Value = Hex;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("32 hexadecimal digits")
    }

    fn visit_str<E: de::Error>(self, digits: &str) -> Result<Hex, E> {
        let mut octets = Zeroizing::new([0; 16]);
        let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
        let is_whole = pairs.len() == octets.len() && rest.is_empty();
        for (octet, [high, low]) in octets.iter_mut().zip(pairs) {
            let (Some(high), Some(low)) = (digit(*high), digit(*low)) else { return Err(E::custom("not a digit")) };
            *octet = (high << 4) | low;
        }
        if is_whole { Ok(Hex(AuthenticityNumber::new(*octets))) } else { Err(E::custom("not 32 digits")) }
    }
}

fn digit(digit: u8) -> Option<u8> {
    u8::try_from(char::from(digit).to_digit(16)?).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn coin() -> impl Strategy<Value = Coin> {
        let number = proptest::option::of(any::<[u8; 16]>().prop_map(AuthenticityNumber::new));
        let secrets = proptest::collection::vec((number.clone(), number), NODES);
        (-8..=6_i8, 0..1_024_000_u32, secrets).prop_map(|(denomination, serial_number, secrets)| {
            let mut coin = Coin::new(CoinId::new(denomination, serial_number).unwrap());
            for (node, (number, pending)) in (0..).zip(secrets) {
                let secret = coin.at_mut(node).unwrap();
                (secret.number, secret.pending) = (number, pending);
            }
            coin
        })
    }

    proptest! {
        #[test]
        fn coin_is_read_as_it_was_written(coin in coin()) {
            let text = text(&coin, 6).unwrap();
            prop_assert!(text.len() <= ROOM && text.capacity() == ROOM);
            prop_assert_eq!(parse(&text, 6).unwrap(), coin);
        }

        #[test]
        fn no_text_panics(text in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(parse(&text, 6).is_err());
        }
    }

    #[test]
    fn text_is_the_documented_one() {
        let mut coin = Coin::new(CoinId::new(-8, 17).unwrap());
        coin.at_mut(0).unwrap().number = Some([0xA5; 16].into());
        let shown = String::from_utf8(text(&coin, 6).unwrap().to_vec()).unwrap();
        let nulls = ",\n    null".repeat(24);
        let expected = format!(
            "{{\n  \"version\": 1,\n  \"coin_id\": 6,\n  \"denomination\": -8,\n  \"serial_number\": 17,\n  \"an\": [\n    \
             \"{}\"{nulls}\n  ]\n}}\n",
            "a5".repeat(16)
        );
        assert_eq!(shown, expected);
        coin.propose(24, [1; 16].into());
        assert!(String::from_utf8(text(&coin, 6).unwrap().to_vec()).unwrap().contains("\"pending\": ["));
    }

    #[test]
    fn broken_files_are_refused_without_showing_a_value() {
        let good = String::from_utf8(text(&Coin::new(CoinId::new(1, 2).unwrap()), 6).unwrap().to_vec()).unwrap();
        let secret = "ab".repeat(16);
        for (from, to, reason) in [
            ("\"version\": 1", "\"version\": 2".to_owned(), "version 2, expected 1"),
            ("\"coin_id\": 6", "\"coin_id\": 7".to_owned(), "network 7, expected 6"),
            ("\"denomination\": 1", "\"denomination\": 7".to_owned(), "no such coin"),
            ("null,\n    ", String::new(), "a list has 24 numbers"),
            ("null", format!("\"{secret}ab\""), "wrong kind"),
            ("null", format!("\"{}xx\"", &secret[..30]), "wrong kind"),
            ("\"version\"", format!("\"{secret}\": 1, \"version\""), "unknown"),
            ("{", secret, "not JSON"),
        ] {
            let broken = good.replacen(from, &to, 1);
            let shown = parse(broken.as_bytes(), 6).unwrap_err();
            assert!(shown.contains(reason) && !shown.contains("abab"), "{shown}");
        }
    }
}
