//! The name of an operation, in the 64 bits that travel with it.

use raida_reactor::token::Token;

use super::pool::Room;

/// Tokens of slots below this one fit into a tag.
pub(crate) const SLOTS_MAX: u32 = 1 << SLOT_BITS;

const SLOT_BITS: u32 = 28;
const KIND_SHIFT: u32 = 32 + SLOT_BITS;

/// What an operation was started for. A connection's carries slot and generation, so a completion for a tenancy that is
/// over finds nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tag {
    /// Nothing comes of it that anybody wants to know.
    Nobody,
    /// The waker's eventfd.
    Wake,
    /// Connections on listener so-and-so.
    Accept(u32),
    /// Datagrams on port so-and-so.
    Datagrams(u32),
    /// Room for datagrams on port so-and-so.
    Room(u32),
    /// With a buffer from this pool.
    Receive(Token, Room),
    Send(Token),
    Watch(Token),
}

impl Tag {
    pub(crate) fn to_word(self) -> u64 {
        let (kind, rest) = match self {
            Self::Nobody => (0, 0),
            Self::Wake => (1, 0),
            Self::Accept(number) => (2, u64::from(number)),
            Self::Datagrams(number) => (3, u64::from(number)),
            Self::Room(number) => (4, u64::from(number)),
            Self::Receive(token, Room::Short) => (5, packed(token)),
            Self::Receive(token, Room::Long) => (8, packed(token)),
            Self::Send(token) => (6, packed(token)),
            Self::Watch(token) => (7, packed(token)),
        };
        kind << KIND_SHIFT | rest
    }

    #[expect(clippy::cast_possible_truncation, reason = "each part is as wide as it was put in")]
    pub(crate) fn from_word(word: u64) -> Self {
        let number = word as u32;
        let token = Token::new((word >> 32) as u32 & (SLOTS_MAX - 1), number);
        match word >> KIND_SHIFT {
            1 => Self::Wake,
            2 => Self::Accept(number),
            3 => Self::Datagrams(number),
            4 => Self::Room(number),
            5 => Self::Receive(token, Room::Short),
            8 => Self::Receive(token, Room::Long),
            6 => Self::Send(token),
            7 => Self::Watch(token),
            _ => Self::Nobody,
        }
    }
}

fn packed(token: Token) -> u64 {
    u64::from(token.slot() & (SLOTS_MAX - 1)) << 32 | u64::from(token.generation())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_tag_survives_the_trip_through_a_word(slot in 0..SLOTS_MAX, generation: u32, number: u32) {
            let token = Token::new(slot, generation);
            let of_sockets = [Tag::Accept(number), Tag::Datagrams(number), Tag::Room(number)];
            let of_connections = [
                Tag::Receive(token, Room::Short),
                Tag::Receive(token, Room::Long),
                Tag::Send(token),
                Tag::Watch(token),
            ];
            for tag in [Tag::Nobody, Tag::Wake].into_iter().chain(of_sockets).chain(of_connections) {
                prop_assert_eq!(Tag::from_word(tag.to_word()), tag);
            }
        }
    }
}
