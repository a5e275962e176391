//! What to ask.

use std::fmt;

use raida_wire::{Command, audit, stats};
use zeroize::Zeroizing;

use crate::admin_key::AdminKey;

/// A command and its payload. `Debug` shows the payload's length only, for it may hold secrets; it is wiped from memory
/// when dropped.
#[derive(Clone)]
pub struct Question {
    command: Command,
    payload: Zeroizing<Vec<u8>>,
    is_repeatable: bool,
    answer_len: usize,
}

impl Question {
    /// Any command with any payload, secrets included. Nothing is assumed about it: it is sent at most once.
    #[must_use]
    pub fn raw(command: Command, payload: impl Into<Vec<u8>>) -> Self {
        Self { command, payload: Zeroizing::new(payload.into()), is_repeatable: false, answer_len: 0 }
    }

    /// Says that running it twice does no harm, so that it may be sent again when no answer comes.
    #[must_use]
    pub const fn repeatable(mut self) -> Self {
        self.is_repeatable = true;
        self
    }

    /// Says how large the answer's payload will be at most, in octets. A node sends nothing by UDP that is larger than
    /// what it was asked with, so the datagram is padded to that size.
    ///
    /// Source: protocol §1.11
    #[must_use]
    pub const fn expecting(mut self, answer_len: usize) -> Self {
        self.answer_len = answer_len;
        self
    }

    /// Whether it may be sent again when no answer comes.
    #[must_use]
    pub const fn is_repeatable(&self) -> bool {
        self.is_repeatable
    }

    /// The command.
    #[must_use]
    pub const fn command(&self) -> Command {
        self.command
    }

    pub(crate) fn payload(&self) -> &[u8] {
        &self.payload
    }

    pub(crate) const fn answer_len(&self) -> usize {
        self.answer_len
    }

    pub(crate) fn echo() -> Self {
        Self::raw(Command::ECHO, []).repeatable()
    }

    pub(crate) fn version() -> Self {
        Self::raw(Command::VERSION, []).repeatable().expecting(8)
    }

    pub(crate) fn stats(key: &AdminKey) -> Self {
        Self::raw(Command::SHOW_STATS, *key.octets()).repeatable().expecting(stats::LEN)
    }

    pub(crate) fn audit() -> Self {
        Self::raw(Command::AUDIT, []).repeatable().expecting(audit::LEN)
    }
}

impl fmt::Debug for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Question")
            .field("command", &self.command)
            .field("payload_len", &self.payload.len())
            .field("is_repeatable", &self.is_repeatable)
            .finish_non_exhaustive()
    }
}
