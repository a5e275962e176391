//! How a question is protected, and with which secrets.

use raida_wire::{AuthenticityNumber, Challenge, CoinId, Encryption, Sender};

/// How questions to one node are protected. The secrets are those that this node knows: a coin has another authenticity
/// number at every node.
///
/// Source: protocol §2
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Envelope {
    /// Type 0: in clear.
    #[default]
    Clear,
    /// Type 1: AES-128 under a coin's authenticity number. Protects against accidents only.
    Coin(KeyCoin),
    /// Type 2: AES-128 under a locker key. Protects against accidents only.
    Locker(AuthenticityNumber),
    /// Type 4: AES-256 and HMAC under a coin's authenticity number.
    Coin256(KeyCoin),
    /// Type 5: AES-256 and HMAC under two coins' authenticity numbers.
    TwoCoins(KeyCoin, KeyCoin),
}

/// A coin with the authenticity number of one node, as a key or as a proof. `Debug` does not show the number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyCoin {
    /// Which coin.
    pub coin: CoinId,
    /// What the node knows it by.
    pub number: AuthenticityNumber,
}

impl Envelope {
    /// The encryption type.
    #[must_use]
    pub const fn encryption(&self) -> Encryption {
        match self {
            Self::Clear => Encryption::None,
            Self::Coin(_) => Encryption::Coin,
            Self::Locker(_) => Encryption::Locker,
            Self::Coin256(_) => Encryption::Coin256,
            Self::TwoCoins(..) => Encryption::TwoCoins,
        }
    }

    /// The sender of one request, with a challenge and a nonce that nobody can foresee.
    pub(crate) fn sender(&self) -> Result<Sender<'_>, getrandom::Error> {
        Ok(match self {
            Self::Clear => Sender::Nobody { echo: random()?, challenge: challenge()? },
            Self::Coin(KeyCoin { coin, number }) => {
                Sender::Coin { coin: *coin, number, nonce: random()?, challenge: challenge()? }
            }
            Self::Locker(key) => Sender::Locker { key, nonce: random()?, challenge: challenge()? },
            Self::Coin256(KeyCoin { coin, number }) => Sender::Coin256 { coin: *coin, number, nonce: random()? },
            Self::TwoCoins(first, second) => Sender::TwoCoins {
                first: (first.coin, &first.number),
                second: (second.coin, &second.number),
                nonce: random()?,
            },
        })
    }
}

/// Octets of the operating system's generator.
///
/// Source: protocol §2.6
pub(crate) fn random<const N: usize>() -> Result<[u8; N], getrandom::Error> {
    let mut octets = [0; N];
    getrandom::fill(&mut octets)?;
    Ok(octets)
}

fn challenge() -> Result<Challenge, getrandom::Error> {
    random().map(Challenge::new)
}
