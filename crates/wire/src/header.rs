//! The request header, both sizes: a view that cannot fail and a value that cannot be wrong.

use core::fmt;

use crate::coin::RawCoinId;
use crate::command::Command;
use crate::encryption::Encryption;
use crate::head::Rules;
use crate::octets::{field, put};
use crate::registry;
use crate::status::Status;

/// The size of a header of types 0, 1 and 2, in octets.
pub const SHORT: usize = 32;
/// The size of a header of every other type, in octets.
pub const LONG: usize = 48;
/// How many octets tell the size of the header: the last of them is the encryption type.
pub const DECIDING: usize = 17;

/// The only version there is, octet 0.
pub const VERSION: u8 = 1;
/// The highest command group that is a group.
pub const GROUP_MAX: u8 = 15;
/// The highest shard that is a shard.
pub const SHARD_MAX: u8 = 3;
/// What clients put into the eight presentation octets. Nodes ignore them.
pub const PRESENTATION: [u8; 8] = [1, 0, 0, 0, 0, 0, 0, 1];

/// How many octets this header has, 32 or 48. `None` while fewer than 17 octets are here.
///
/// Octet 16 alone decides: 0, 1 and 2 mean 32, everything else means 48.
///
/// Source: protocol §1.5
#[must_use]
pub fn header_len(octets: &[u8]) -> Option<usize> {
    let [.., code] = octets.first_chunk::<DECIDING>()?;
    Some(if *code <= 2 { SHORT } else { LONG })
}

/// One request header, borrowed and unjudged.
///
/// Holding a view proves that all its octets are here, so no accessor can fail.
///
/// Source: protocol §1.2
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    first: &'a [u8; DECIDING],
    rest: Rest<'a>,
}

/// What follows the seventeen octets that both layouts share.
#[derive(Clone, Copy, Debug)]
enum Rest<'a> {
    Short(&'a [u8; SHORT - DECIDING]),
    Long(&'a [u8; LONG - DECIDING]),
}

impl<'a> View<'a> {
    /// Splits a header off the front. `None` means "wait for more", never "bad".
    #[must_use]
    pub fn split(input: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let length = header_len(input)?;
        let (first, input) = input.split_first_chunk()?;
        if length == SHORT {
            let (rest, body) = input.split_first_chunk()?;
            Some((Self { first, rest: Rest::Short(rest) }, body))
        } else {
            let (rest, body) = input.split_first_chunk()?;
            Some((Self { first, rest: Rest::Long(rest) }, body))
        }
    }

    /// Octet 0.
    #[must_use]
    pub const fn version(&self) -> u8 {
        self.first[0]
    }

    /// Octet 1.
    #[must_use]
    pub const fn split_id(&self) -> u8 {
        self.first[1]
    }

    /// Octet 2: the node that is asked.
    #[must_use]
    pub const fn raida_id(&self) -> u8 {
        self.first[2]
    }

    /// Octet 3.
    #[must_use]
    pub const fn shard(&self) -> u8 {
        self.first[3]
    }

    /// Octets 4 and 5.
    #[must_use]
    pub const fn command(&self) -> Command {
        Command::new(self.first[4], self.first[5])
    }

    /// Octets 6 and 7: the coin network.
    #[must_use]
    pub const fn coin_id(&self) -> u16 {
        u16::from_be_bytes([self.first[6], self.first[7]])
    }

    /// Octets 8 to 15.
    #[must_use]
    pub fn presentation(&self) -> [u8; 8] {
        field::<8, _, _>(self.first)
    }

    /// Octet 16: the encryption type.
    #[must_use]
    pub const fn encryption_code(&self) -> u8 {
        self.first[16]
    }

    /// How many octets follow the header: at 22 in a short one, at 17 in a long one.
    #[must_use]
    pub fn body_len(&self) -> u16 {
        u16::from_be_bytes(match self.rest {
            Rest::Short(rest) => field::<{ 22 - DECIDING }, _, _>(rest),
            Rest::Long(rest) => field::<{ 17 - DECIDING }, _, _>(rest),
        })
    }

    /// Whose key opens the body. `None` for an encryption type that does not exist.
    fn keying(&self) -> Option<Keying> {
        let encryption = Encryption::from_code(self.encryption_code())?;
        Some(match (encryption, self.rest) {
            (Encryption::None, Rest::Short(rest)) => Keying::None { echo: field::<{ 30 - DECIDING }, _, _>(rest) },
            (Encryption::Coin, Rest::Short(rest)) => Keying::Coin {
                coin: RawCoinId(field::<{ 17 - DECIDING }, _, _>(rest)),
                nonce: field::<{ 24 - DECIDING }, _, _>(rest),
            },
            (Encryption::Locker, Rest::Short(rest)) => Keying::Locker {
                prefix: field::<{ 17 - DECIDING }, _, _>(rest),
                nonce: field::<{ 24 - DECIDING }, _, _>(rest),
            },
            (Encryption::Coin256, Rest::Long(rest)) => Keying::Coin256 {
                coin: RawCoinId(field::<{ 19 - DECIDING }, _, _>(rest)),
                nonce: field::<{ 24 - DECIDING }, _, _>(rest),
            },
            (Encryption::TwoCoins, Rest::Long(rest)) => Keying::TwoCoins {
                first: RawCoinId(field::<{ 19 - DECIDING }, _, _>(rest)),
                second: RawCoinId(field::<{ 24 - DECIDING }, _, _>(rest)),
                nonce: field::<{ 29 - DECIDING }, _, _>(rest),
            },
            // The type chose the layout in `split`, so the two always agree.
            (_, Rest::Short(_) | Rest::Long(_)) => return None,
        })
    }
}

/// A request header as a value: checks 2 to 9 hold for it.
///
/// Source: protocol §1.2, §3.1
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The node that is asked.
    pub raida_id: u8,
    /// 0 to 3; only Detect looks at it.
    pub shard: u8,
    /// What is asked.
    pub command: Command,
    /// The coin network.
    pub coin_id: u16,
    /// Eight octets that a node ignores.
    pub presentation: [u8; 8],
    /// How many octets follow the header, trailer included.
    pub body_len: u16,
    /// Whose key opens the body, and the nonce.
    pub keying: Keying,
}

impl Header {
    /// Judges a view: checks 2 to 9, in the order of the protocol.
    ///
    /// # Errors
    /// The first check that fails.
    pub fn parse(view: &View<'_>, rules: &Rules) -> Result<Self, HeaderError> {
        let command = view.command();
        if view.version() != VERSION {
            return Err(HeaderError::Version(view.version()));
        }
        if view.split_id() != 0 {
            return Err(HeaderError::SplitId(view.split_id()));
        }
        if view.raida_id() != rules.raida_id {
            return Err(HeaderError::RaidaId { found: view.raida_id(), expected: rules.raida_id });
        }
        if command.group > GROUP_MAX {
            return Err(HeaderError::Group(command.group));
        }
        if view.shard() > SHARD_MAX {
            return Err(HeaderError::Shard(view.shard()));
        }
        if !registry::knows(command) {
            return Err(HeaderError::Command(command));
        }
        if view.coin_id() != rules.coin_id {
            return Err(HeaderError::CoinId { found: view.coin_id(), expected: rules.coin_id });
        }
        Ok(Self {
            raida_id: view.raida_id(),
            shard: view.shard(),
            command,
            coin_id: view.coin_id(),
            presentation: view.presentation(),
            body_len: view.body_len(),
            keying: view.keying().ok_or(HeaderError::Encryption(view.encryption_code()))?,
        })
    }

    /// Writes the header to the front of `out` and returns its size, 32 or 48. Ignored octets become zero, and so does
    /// what lies behind a short header.
    pub fn emit(&self, out: &mut [u8; LONG]) -> usize {
        *out = [0; LONG];
        let [coin_high, coin_low] = self.coin_id.to_be_bytes();
        let Command { group, code } = self.command;
        put::<0, _, _>(out, [VERSION, 0, self.raida_id, self.shard, group, code, coin_high, coin_low]);
        put::<8, _, _>(out, self.presentation);
        put::<16, _, _>(out, [self.encryption().code()]);
        if self.encryption().is_long() {
            put::<17, _, _>(out, self.body_len.to_be_bytes());
        } else {
            put::<22, _, _>(out, self.body_len.to_be_bytes());
        }
        match self.keying {
            Keying::None { echo } => put::<30, _, _>(out, echo),
            Keying::Coin { coin: RawCoinId(name), nonce } | Keying::Locker { prefix: name, nonce } => {
                put::<17, _, _>(out, name);
                put::<24, _, _>(out, nonce);
            }
            Keying::Coin256 { coin, nonce } => {
                put::<19, _, _>(out, coin.0);
                put::<24, _, _>(out, nonce);
            }
            Keying::TwoCoins { first, second, nonce } => {
                put::<19, _, _>(out, first.0);
                put::<24, _, _>(out, second.0);
                put::<29, _, _>(out, nonce);
            }
        }
        self.len()
    }

    /// The encryption type.
    #[must_use]
    pub const fn encryption(&self) -> Encryption {
        self.keying.encryption()
    }

    /// The size of the header itself, 32 or 48.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a header is never empty")]
    pub const fn len(&self) -> usize {
        if self.encryption().is_long() { LONG } else { SHORT }
    }
}

/// Whose key opens the body, with the nonce that goes with it.
///
/// Source: protocol §1.3, §1.4
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keying {
    /// Type 0: nobody's. The nonce is only an echo.
    None {
        /// Comes back in the response.
        echo: [u8; 2],
    },
    /// Type 1: one coin's.
    Coin {
        /// The key coin.
        coin: RawCoinId,
        /// The last two octets are also the echo.
        nonce: [u8; 8],
    },
    /// Type 2: a locker's.
    Locker {
        /// The first five octets of the locker key.
        prefix: [u8; 5],
        /// The last two octets are also the echo.
        nonce: [u8; 8],
    },
    /// Type 4: one coin's.
    Coin256 {
        /// The key coin.
        coin: RawCoinId,
        /// The first sixteen octets are the IV, the last two the echo.
        nonce: [u8; 24],
    },
    /// Type 5: two coins'.
    TwoCoins {
        /// The first key coin.
        first: RawCoinId,
        /// The second key coin. Its name is also the start of the nonce.
        second: RawCoinId,
        /// Nonce octets 5 to 23.
        nonce: [u8; 19],
    },
}

impl Keying {
    /// The encryption type.
    #[must_use]
    pub const fn encryption(&self) -> Encryption {
        match self {
            Self::None { .. } => Encryption::None,
            Self::Coin { .. } => Encryption::Coin,
            Self::Locker { .. } => Encryption::Locker,
            Self::Coin256 { .. } => Encryption::Coin256,
            Self::TwoCoins { .. } => Encryption::TwoCoins,
        }
    }

    /// The two octets that come back in the response.
    #[must_use]
    pub const fn echo(&self) -> [u8; 2] {
        match *self {
            Self::None { echo } => echo,
            Self::Coin { nonce: [.., a, b], .. } | Self::Locker { nonce: [.., a, b], .. } => [a, b],
            Self::Coin256 { nonce: [.., a, b], .. } | Self::TwoCoins { nonce: [.., a, b], .. } => [a, b],
        }
    }

    /// Where the cipher's counter starts for the request's body. All zero for type 0, which has no cipher.
    ///
    /// Source: protocol §2.3, §2.4
    #[must_use]
    pub fn iv(&self) -> [u8; 16] {
        let mut iv = [0; 16];
        match self {
            Self::None { .. } => {}
            Self::Coin { nonce, .. } | Self::Locker { nonce, .. } => put::<0, _, _>(&mut iv, *nonce),
            Self::Coin256 { nonce, .. } => iv = field::<0, _, _>(nonce),
            Self::TwoCoins { second, nonce, .. } => {
                put::<0, _, _>(&mut iv, second.0);
                put::<5, 11, _>(&mut iv, field::<0, _, _>(nonce));
            }
        }
        iv
    }
}

/// Which of checks 2 to 9 a header failed.
///
/// Source: protocol §3.1
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderError {
    /// Check 2: octet 0 is not 1.
    Version(u8),
    /// Check 3: octet 1 is not 0.
    SplitId(u8),
    /// Check 4: another node is asked.
    RaidaId {
        /// The node that is asked.
        found: u8,
        /// This node.
        expected: u8,
    },
    /// Check 5: there is no such group.
    Group(u8),
    /// Check 6: there is no such shard.
    Shard(u8),
    /// Check 7: the command is not in the registry.
    Command(Command),
    /// Check 8: another coin network is asked.
    CoinId {
        /// The network that is asked.
        found: u16,
        /// This node's network.
        expected: u16,
    },
    /// Check 9: there is no such encryption type.
    Encryption(u8),
}

impl HeaderError {
    /// What the client is told.
    #[must_use]
    pub const fn status(self) -> Status {
        match self {
            Self::Version(_) => Status::INVALID_ROUTING,
            Self::SplitId(_) => Status::INVALID_SPLIT_ID,
            Self::RaidaId { .. } => Status::INVALID_RAIDA_ID,
            Self::Group(_) => Status::INVALID_COMMAND_GROUP,
            Self::Shard(_) => Status::INVALID_SHARD_ID,
            Self::Command(_) => Status::INVALID_COMMAND,
            Self::CoinId { .. } => Status::INVALID_COIN_ID,
            Self::Encryption(_) => Status::INVALID_ENCRYPTION_CODE,
        }
    }
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(found) => write!(f, "version is {found}, expected {VERSION}"),
            Self::SplitId(found) => write!(f, "split id is {found}, expected 0"),
            Self::RaidaId { found, expected } => write!(f, "RAIDA id is {found}, expected {expected}"),
            Self::Group(found) => write!(f, "command group is {found}, expected at most {GROUP_MAX}"),
            Self::Shard(found) => write!(f, "shard is {found}, expected at most {SHARD_MAX}"),
            Self::Command(found) => write!(f, "command is {found}, expected one of the registry"),
            Self::CoinId { found, expected } => write!(f, "coin id is {found}, expected {expected}"),
            Self::Encryption(found) => write!(f, "encryption type is {found}, expected 0, 1, 2, 4 or 5"),
        }
    }
}

impl core::error::Error for HeaderError {}
