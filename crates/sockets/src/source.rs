//! What can be ready, and its name in the 64 bits that travel with an event.

use raida_reactor::token::Token;

/// Connections have the slots below this one; the rest of the numbers name everything else.
pub(crate) const SLOTS: u32 = u32::MAX - 2;

const WAKER: u32 = u32::MAX;
const LISTENER: u32 = u32::MAX - 1;
const DATAGRAM_PORT: u32 = u32::MAX - 2;

/// Something that can be ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// What other threads end the wait with.
    Waker,
    /// A stream listener, by number.
    Listener(u32),
    /// A datagram socket, by number.
    DatagramPort(u32),
    /// A connection.
    Connection(Token),
}

impl Source {
    /// As 64 bits.
    #[must_use]
    pub fn to_word(self) -> u64 {
        let token = match self {
            Self::Waker => Token::new(WAKER, 0),
            Self::Listener(number) => Token::new(LISTENER, number),
            Self::DatagramPort(number) => Token::new(DATAGRAM_PORT, number),
            Self::Connection(token) => token,
        };
        token.to_word()
    }

    /// Takes [`to_word`](Self::to_word) apart again.
    #[must_use]
    pub fn from_word(word: u64) -> Self {
        let token = Token::from_word(word);
        match token.slot() {
            WAKER => Self::Waker,
            LISTENER => Self::Listener(token.generation()),
            DATAGRAM_PORT => Self::DatagramPort(token.generation()),
            _ => Self::Connection(token),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_survives_the_trip_through_a_word() {
        let last = Source::Connection(Token::new(SLOTS - 1, u32::MAX));
        let first = Source::Connection(Token::new(0, 0));
        for source in [Source::Waker, Source::Listener(1), Source::DatagramPort(7), first, last] {
            assert_eq!(Source::from_word(source.to_word()), source);
        }
    }
}
