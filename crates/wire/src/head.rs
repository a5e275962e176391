//! The server's judgement of a request header.

use crate::coin::RawCoinId;
use crate::command::Command;
use crate::encryption::Encryption;
use crate::header::{Header, Keying, View};
use crate::refusal::Refusal;
use crate::status::Status;

/// What this node is, and the largest body it takes. Headers are judged by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// The node's own id, 0 to 24.
    pub raida_id: u8,
    /// The coin network it serves; 6 on the live network.
    pub coin_id: u16,
    /// The largest body it takes, in octets.
    pub body_max: u16,
}

/// A request header that passed checks 2 to 9.
///
/// Source: protocol §3.1
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head(Header);

/// Whose key opens a body. Not looked up yet, not even known to exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyName {
    /// Nobody's: type 0.
    None,
    /// One coin's: types 1 and 4.
    Coin(RawCoinId),
    /// That of a locker whose key starts so: type 2.
    Locker([u8; 5]),
    /// Two coins', in this order: type 5.
    TwoCoins(RawCoinId, RawCoinId),
}

impl Head {
    /// Judges the header at the front of `octets`; what follows it does not matter. `Ok(None)` means that more octets
    /// are needed, see [`header_len`](crate::header_len).
    ///
    /// # Errors
    /// The answer for the first of checks 2 to 9 that fails. No check is made before the header is complete.
    pub fn judge(octets: &[u8], rules: &Rules) -> Result<Option<Self>, Refusal> {
        let Some((view, _body)) = View::split(octets) else { return Ok(None) };
        match Header::parse(&view, rules) {
            Ok(header) => Ok(Some(Self(header))),
            Err(error) => Err(Refusal::of_header(error, &view)),
        }
    }

    /// Checks 12 and 13 and the node's own limit: what can be said about the body before it is here. They follow
    /// check 10, the look-up of the key.
    ///
    /// # Errors
    /// 16 for a body above `rules.body_max` or of one octet, 36 for a missing body. Only type 0 Echo, Version and Audit
    /// may go without one.
    ///
    /// Source: protocol §1.6, §3.1, §3.3
    pub fn check_length(&self, rules: &Rules) -> Result<(), Refusal> {
        if self.0.body_len > rules.body_max {
            return Err(self.refuse(Status::INVALID_PACKET_LENGTH));
        }
        self.check_presence()
    }

    /// Checks 11 to 13 for a request that came in a datagram of `datagram_len` octets. They follow check 10, the
    /// look-up of the key.
    ///
    /// # Errors
    /// 16 when the datagram ends before the body does, otherwise as [`check_length`](Self::check_length).
    ///
    /// Source: protocol §1.11, §3.1
    pub fn check_datagram(&self, datagram_len: usize, rules: &Rules) -> Result<(), Refusal> {
        if datagram_len < self.request_len() {
            return Err(self.refuse(Status::INVALID_PACKET_LENGTH));
        }
        self.check_length(rules)
    }

    /// Checks 12 and 13.
    pub(crate) fn check_presence(&self) -> Result<(), Refusal> {
        let may_be_bodyless = self.encryption() == Encryption::None && self.command().may_be_bodyless();
        match self.0.body_len {
            0 if may_be_bodyless => Ok(()),
            0 => Err(self.refuse(Status::EMPTY_REQUEST)),
            1 => Err(self.refuse(Status::INVALID_PACKET_LENGTH)),
            _ => Ok(()),
        }
    }

    /// The answer for a check that failed after the header was accepted: group, echo and key fields as parsed, the
    /// signature zero.
    ///
    /// Source: protocol §3.2
    #[must_use]
    pub fn refuse(&self, status: Status) -> Refusal {
        Refusal::of_head(status, &self.0)
    }

    /// The status for a key that does not exist: 34 for types 1 and 2, 25 for types 4 and 5.
    ///
    /// Source: protocol §3.1
    #[must_use]
    pub const fn unknown_key(&self) -> Status {
        if self.encryption().is_long() { Status::ENCRYPTION_COIN_NOT_FOUND } else { Status::INVALID_ENCRYPTION }
    }

    /// Whose key opens the body.
    #[must_use]
    pub const fn key(&self) -> KeyName {
        match self.0.keying {
            Keying::None { .. } => KeyName::None,
            Keying::Coin { coin, .. } | Keying::Coin256 { coin, .. } => KeyName::Coin(coin),
            Keying::Locker { prefix, .. } => KeyName::Locker(prefix),
            Keying::TwoCoins { first, second, .. } => KeyName::TwoCoins(first, second),
        }
    }

    /// The size of the header, 32 or 48.
    #[must_use]
    pub const fn header_len(&self) -> usize {
        self.0.len()
    }

    /// How many octets follow the header, trailer included.
    #[must_use]
    pub const fn body_len(&self) -> usize {
        self.0.body_len as usize
    }

    /// Header and body together.
    #[must_use]
    pub const fn request_len(&self) -> usize {
        self.header_len() + self.body_len()
    }

    /// What is asked. It is in the registry.
    #[must_use]
    pub const fn command(&self) -> Command {
        self.0.command
    }

    /// The shard, 0 to 3.
    #[must_use]
    pub const fn shard(&self) -> u8 {
        self.0.shard
    }

    /// The encryption type.
    #[must_use]
    pub const fn encryption(&self) -> Encryption {
        self.0.encryption()
    }

    /// The two octets that come back in the response.
    #[must_use]
    pub const fn echo(&self) -> [u8; 2] {
        self.0.keying.echo()
    }

    /// Every field as parsed.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn head_is_small_enough_to_copy() {
        assert!(size_of::<Head>() <= 56);
        assert!(size_of::<Refusal>() <= 56);
    }
}
