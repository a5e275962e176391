//! How large the rings are.

use raida_sockets::{SetupError, within};

use crate::sys::Measures;

/// Sizes that are nobody's business but this backend's. The default is what was measured to serve well; smaller ones are
/// for tests, which force what is rare: full queues, and buffers that run out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rings {
    /// Operations that are submitted at once, at most. 1 to 32 768, default 1 024.
    pub submissions: u32,
    /// Completions that the shared queue holds; the kernel keeps what is beyond. 1 to 65 536 and no less than
    /// `submissions`, default 4 096.
    pub completions: u32,
    /// Buffers for what is usually received. A power of two, 1 to 32 768, default 512.
    pub short_buffers: u16,
    /// How long each of them is, in octets. 1 to 65 536, default 2 048.
    pub short_len: u32,
    /// Buffers for connections that have filled a short one. A power of two, 1 to 32 768, default 16.
    pub long_buffers: u16,
    /// How long each of them is, in octets. 1 to 1 048 576, default 65 584: the longest request, and a header.
    pub long_len: u32,
    /// Connections that may be accepted before the loop asks for them. 1 to 65 536, default 1 024.
    pub ahead: usize,
}

impl Default for Rings {
    fn default() -> Self {
        Self {
            submissions: 1024,
            completions: 4096,
            short_buffers: 512,
            short_len: 2048,
            long_buffers: 16,
            long_len: 48 + 65_536,
            ahead: 1024,
        }
    }
}

impl Rings {
    /// Whether every figure is in its range.
    pub(crate) fn check(&self) -> Result<(), SetupError> {
        within("rings.submissions", self.submissions as usize, 32_768)?;
        within("rings.completions", self.completions as usize, 65_536)?;
        within("rings.short_buffers", self.short_buffers.into(), 32_768)?;
        within("rings.short_len", self.short_len as usize, 65_536)?;
        within("rings.long_buffers", self.long_buffers.into(), 32_768)?;
        within("rings.long_len", self.long_len as usize, 1 << 20)?;
        within("rings.ahead", self.ahead, 65_536)
    }

    pub(crate) fn measures(&self) -> Measures {
        Measures {
            submissions: self.submissions,
            completions: self.completions.max(self.submissions),
            short: (self.short_buffers.next_power_of_two(), self.short_len),
            long: (self.long_buffers.next_power_of_two(), self.long_len),
        }
    }
}
