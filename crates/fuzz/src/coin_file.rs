//! Coin files.

use raida_client::wallet::parse_coin;

/// The text of a coin file is understood or refused; the words of a refusal show no run of digits that could be part of
/// a secret.
pub fn coin_file(octets: &[u8]) {
    match parse_coin(octets, 6) {
        Ok(coin) => assert!(format!("{coin:?}").len() < 10_000),
        Err(words) => {
            let digits =
                words.split(|letter: char| !letter.is_ascii_hexdigit()).map(str::len).max().unwrap_or_default();
            assert!(digits < 11, "{words}");
        }
    }
}
