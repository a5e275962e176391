//! The Merkle roots that a vote compares.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Context, Result};
use raida_client::wire::vote::ROOTS_LEN;

use crate::key_file::digit;

/// `zero`, or the name of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RootsArgument {
    Zero,
    File(PathBuf),
}

impl FromStr for RootsArgument {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(if text == "zero" { Self::Zero } else { Self::File(text.into()) })
    }
}

impl RootsArgument {
    pub(crate) fn read(&self) -> Result<[u8; ROOTS_LEN]> {
        let Self::File(path) = self else { return Ok([0; ROOTS_LEN]) };
        let name = path.display();
        let mut octets = Vec::new();
        // Twice the digits leave room for line ends, and a file that never ends is not read for ever.
        let limit = u64::try_from(4 * ROOTS_LEN)?;
        let file = File::open(path).with_context(|| format!("opening {name}"))?;
        file.take(limit).read_to_end(&mut octets).with_context(|| format!("reading {name}"))?;
        roots(&octets).with_context(|| format!("{name} holds neither 480 bytes nor 960 hexadecimal digits"))
    }
}

fn roots(octets: &[u8]) -> Option<[u8; ROOTS_LEN]> {
    octets.try_into().ok().or_else(|| roots_from_digits(octets))
}

fn roots_from_digits(text: &[u8]) -> Option<[u8; ROOTS_LEN]> {
    let digits: Option<Vec<u8>> = text.iter().filter(|c| !c.is_ascii_whitespace()).map(|c| digit(*c)).collect();
    let digits = digits?;
    let (pairs, rest) = digits.as_chunks::<2>();
    let octets: Vec<u8> = pairs.iter().map(|[high, low]| (high << 4) | low).collect();
    if rest.is_empty() { octets.try_into().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_are_read_raw_and_as_digits_in_lines() {
        assert_eq!(roots(&[7; ROOTS_LEN]), Some([7; ROOTS_LEN]));
        let lines = format!("{}\n", "aB".repeat(32)).repeat(15);
        assert_eq!(roots(lines.as_bytes()), Some([0xAB; ROOTS_LEN]));
        assert_eq!(roots(&lines.as_bytes()[1..]), None);
        assert_eq!(roots(&[b'x'; 2 * ROOTS_LEN]), None);
        assert_eq!(roots(b""), None);
    }
}
