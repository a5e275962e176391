//! Who waits for a buffer.

use std::collections::VecDeque;

use raida_reactor::token::Token;

use crate::sys::Room;

/// Connections whose octets have come while every buffer of a pool was out, first come, first served.
#[derive(Debug, Default)]
pub(crate) struct Starved {
    short: VecDeque<Token>,
    long: VecDeque<Token>,
}

impl Starved {
    pub(crate) fn push(&mut self, room: Room, token: Token) {
        self.queue(room).push_back(token);
    }

    pub(crate) fn pop(&mut self, room: Room) -> Option<Token> {
        self.queue(room).pop_front()
    }

    fn queue(&mut self, room: Room) -> &mut VecDeque<Token> {
        match room {
            Room::Short => &mut self.short,
            Room::Long => &mut self.long,
        }
    }
}
