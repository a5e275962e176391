//! The encryption type: what octet 16 of a request says.

/// How a request is protected. It also selects the size and layout of its header.
///
/// Source: protocol §1.2, §2
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encryption {
    /// Type 0: in clear, with a challenge.
    None,
    /// Type 1: AES-128 under one coin's authenticity number, with a challenge.
    Coin,
    /// Type 2: AES-128 under a locker key, with a challenge.
    Locker,
    /// Type 4: AES-256 and HMAC under a key made from one coin's authenticity number.
    Coin256,
    /// Type 5: AES-256 and HMAC under a key made from two coins' authenticity numbers.
    TwoCoins,
}

impl Encryption {
    /// Every type, in ascending order of its code.
    pub const ALL: [Self; 5] = [Self::None, Self::Coin, Self::Locker, Self::Coin256, Self::TwoCoins];

    /// The type that `code` stands for. `None` for 3 and for everything above 5.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::None),
            1 => Some(Self::Coin),
            2 => Some(Self::Locker),
            4 => Some(Self::Coin256),
            5 => Some(Self::TwoCoins),
            _ => None,
        }
    }

    /// The octet on the wire: 0, 1, 2, 4 or 5.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Coin => 1,
            Self::Locker => 2,
            Self::Coin256 => 4,
            Self::TwoCoins => 5,
        }
    }

    /// Whether headers have 48 octets (types 4 and 5) rather than 32.
    #[must_use]
    pub const fn is_long(self) -> bool {
        matches!(self, Self::Coin256 | Self::TwoCoins)
    }

    /// How many octets of a request's body are not payload: challenge and trailer (18), or HMAC and trailer (34).
    ///
    /// This is also the length of the shortest body that has an envelope at all.
    ///
    /// Source: protocol §1.6
    #[must_use]
    pub const fn request_overhead(self) -> usize {
        if self.is_long() { 34 } else { 18 }
    }

    /// How many octets of a response's body are not payload: trailer (2), or HMAC and trailer (34).
    ///
    /// Source: protocol §1.9
    #[must_use]
    pub const fn response_overhead(self) -> usize {
        if self.is_long() { 34 } else { 2 }
    }
}
