//! Files with keys: a coin's authenticity numbers, or the admin key.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail, ensure};
use raida_client::wallet::parse_coin;
use raida_client::wire::{AuthenticityNumber, CoinId};
use raida_client::{AdminKey, KeyCoin};
use zeroize::Zeroizing;

use crate::private_file;

/// A coin, and what nodes know it by.
pub(crate) struct KeyFile {
    coin: CoinId,
    everywhere: Option<AuthenticityNumber>,
    by_node: BTreeMap<u8, AuthenticityNumber>,
}

impl KeyFile {
    /// The settings of a coin, or a coin file of a wallet.
    pub(crate) fn read(path: &Path, coin_id: u16) -> Result<Self> {
        let text = private_file::read(path)?;
        let key_file = if text.starts_with('{') { Self::of_coin(&text, coin_id) } else { Self::parse(&text) };
        key_file.with_context(|| format!("key file {}", path.display()))
    }

    fn of_coin(text: &str, coin_id: u16) -> Result<Self> {
        let coin = parse_coin(text.as_bytes(), coin_id).map_err(|reason| anyhow!("{reason}"))?;
        let known = (0..).zip(coin.secrets()).filter_map(|(id, secret)| Some((id, secret.number.clone()?)));
        Ok(Self { coin: coin.id, everywhere: None, by_node: known.collect() })
    }

    /// The coin as this node knows it.
    pub(crate) fn coin_at(&self, raida_id: u8) -> Result<KeyCoin> {
        let number = self.by_node.get(&raida_id).or(self.everywhere.as_ref());
        let number = number.with_context(|| format!("the key file has neither `an` nor `an.{raida_id}`"))?;
        Ok(KeyCoin { coin: self.coin, number: number.clone() })
    }

    /// No error shows a value: it may be part of a secret.
    fn parse(text: &str) -> Result<Self> {
        let (mut denomination, mut serial_number) = (None, None);
        let (mut everywhere, mut by_node) = (None, BTreeMap::new());
        for (line, name, value) in settings(text)? {
            let is_new = match name.split_once('.') {
                None if name == "denomination" => denomination
                    .replace(value.parse::<i8>().ok().with_context(|| not_a(line, "number from -8 to 6"))?)
                    .is_none(),
                None if name == "serial_number" => {
                    let number = value.parse::<u32>().ok().with_context(|| not_a(line, "number from 0 to 1023999"))?;
                    serial_number.replace(number).is_none()
                }
                None if name == "an" => everywhere.replace(authenticity_number(line, value)?).is_none(),
                Some(("an", id)) => {
                    let id = id.parse().ok().filter(|id| *id <= 24);
                    let id =
                        id.with_context(|| format!("line {line}: the RAIDA id behind `an.` is not from 0 to 24"))?;
                    by_node.insert(id, authenticity_number(line, value)?).is_none()
                }
                _ => bail!("line {line}: unknown setting, expected denomination, serial_number, an or an.ID"),
            };
            ensure!(is_new, "line {line}: the setting stands there twice");
        }
        let denomination = denomination.context("`denomination` is missing")?;
        let serial_number = serial_number.context("`serial_number` is missing")?;
        let coin = CoinId::new(denomination, serial_number)
            .context("there is no such coin: denominations go from -8 to 6, serial numbers from 0 to 1023999")?;
        ensure!(everywhere.is_some() || !by_node.is_empty(), "`an` is missing");
        Ok(Self { coin, everywhere, by_node })
    }
}

/// The admin key: the node's secrets file, or the digits alone.
pub(crate) fn admin_key(path: &Path) -> Result<AdminKey> {
    parse_admin_key(&private_file::read(path)?).with_context(|| format!("admin key file {}", path.display()))
}

fn parse_admin_key(text: &str) -> Result<AdminKey> {
    let digits = if text.contains('=') {
        let key = settings(text)?.find(|(_, name, _)| *name == "admin_key");
        key.context("`admin_key` is missing")?.2
    } else {
        text.trim()
    };
    Ok(AdminKey::new(*sixteen_octets(digits).context("the admin key does not have 32 hexadecimal digits")?))
}

fn authenticity_number(line: usize, digits: &str) -> Result<AuthenticityNumber> {
    Ok(AuthenticityNumber::new(
        *sixteen_octets(digits).with_context(|| not_a(line, "authenticity number of 32 hexadecimal digits"))?,
    ))
}

fn not_a(line: usize, what: &str) -> String {
    format!("line {line}: the value is not a {what}")
}

/// Line number, name and value of every `name = value`; quotes and what follows a # do not count.
fn settings(text: &str) -> Result<impl Iterator<Item = (usize, &str, &str)>> {
    let mut settings = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() {
            continue;
        }
        let (name, value) = line.split_once('=').with_context(|| format!("line {number}: expected NAME = VALUE"))?;
        settings.push((number, name.trim(), value.trim().trim_matches('"')));
    }
    Ok(settings.into_iter())
}

fn sixteen_octets(digits: &str) -> Option<Zeroizing<[u8; 16]>> {
    let mut octets = Zeroizing::new([0; 16]);
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    if pairs.len() != octets.len() || !rest.is_empty() {
        return None;
    }
    for (octet, [high, low]) in octets.iter_mut().zip(pairs) {
        *octet = (digit(*high)? << 4) | digit(*low)?;
    }
    Some(octets)
}

/// What a hexadecimal digit stands for.
pub(crate) fn digit(digit: u8) -> Option<u8> {
    u8::try_from(char::from(digit).to_digit(16)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NUMBER: &str = "00112233445566778899aAbBcCdDeEfF";
    const OTHER: &str = "ffffffffffffffffffffffffffffffff";

    #[test]
    fn number_for_one_node_counts_before_the_one_for_all() {
        let text = format!("# mine\ndenomination = -8\n\nserial_number=17 # it\nan = \"{NUMBER}\"\nan.7 = {OTHER}\n");
        let file = KeyFile::parse(&text).unwrap();
        assert_eq!(Some(file.coin), CoinId::new(-8, 17));
        assert_eq!(file.coin_at(7).unwrap().number, AuthenticityNumber::new([0xFF; 16]));
        assert_eq!(file.coin_at(6).unwrap().number.octets()[..4], [0x00, 0x11, 0x22, 0x33]);
    }

    #[test]
    fn coin_file_of_a_wallet_is_a_key_file_too() {
        let numbers = format!("\"{OTHER}\"{}", ", null".repeat(24));
        let text = format!(
            "{{\"version\": 1, \"coin_id\": 6, \"denomination\": 0, \"serial_number\": 9, \"an\": [{numbers}]}}"
        );
        let file = KeyFile::of_coin(&text, 6).unwrap();
        assert_eq!(file.coin_at(0).unwrap().number, AuthenticityNumber::new([0xFF; 16]));
        assert!(file.coin_at(1).is_err() && KeyFile::of_coin(&text, 7).is_err());
    }

    #[test]
    fn node_without_a_number_is_named() {
        let file = KeyFile::parse(&format!("denomination=0\nserial_number=0\nan.7={OTHER}")).unwrap();
        assert!(file.coin_at(7).is_ok());
        assert!(file.coin_at(8).unwrap_err().to_string().contains("an.8"));
    }

    #[test]
    fn broken_files_are_refused_without_showing_a_value() {
        let good = "denomination = 0\nserial_number = 1\n";
        for (text, reason) in [
            (format!("{good}an = {NUMBER}ee"), "line 3: the value is not a"),
            (format!("{good}an = {NUMBER}\nan = {NUMBER}"), "line 4: the setting stands there twice"),
            (format!("{good}an.25 = {NUMBER}"), "from 0 to 24"),
            (format!("{good}{NUMBER}"), "line 3: expected NAME = VALUE"),
            (format!("{good}{NUMBER} = 1"), "line 3: unknown setting"),
            (good.to_owned(), "`an` is missing"),
            (format!("an = {NUMBER}"), "`denomination` is missing"),
            (format!("denomination = 7\nserial_number = 1\nan = {NUMBER}"), "there is no such coin"),
            (format!("denomination = {NUMBER}"), "line 1: the value is not a number from -8 to 6"),
        ] {
            let shown = format!("{:#}", KeyFile::parse(&text).err().unwrap());
            assert!(shown.contains(reason) && !shown.contains("0011223344"), "{shown}");
        }
    }

    #[test]
    fn admin_key_is_found_alone_and_among_other_secrets() {
        for text in
            [NUMBER.to_owned(), format!("{NUMBER}\n"), format!("admin_key = \"{NUMBER}\"\nnode_secret = \"00\"\n")]
        {
            assert!(parse_admin_key(&text).is_ok());
        }
        for text in ["", "node_secret = \"00\"", "admin_key = \"\"", "0011", "€€€€€€€€€€€€€€€€"]
        {
            assert!(parse_admin_key(text).is_err(), "{text}");
        }
    }
}
