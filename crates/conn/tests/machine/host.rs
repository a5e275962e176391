//! The surroundings that the tests give a connection: they count what is taken and given back.

use raida_conn::Host;
use raida_wire::{Head, Status};

/// What comes of asking for a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Memory {
    /// One of exactly the length asked for.
    Exact,
    /// A longer one, filled with something else.
    Ample,
    /// One that is too short.
    Short,
    /// None.
    None,
}

impl Memory {
    pub(crate) fn suffices(self) -> bool {
        matches!(self, Self::Exact | Self::Ample)
    }
}

/// What a connection asked for, in its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Admit,
    Take(usize),
    Put,
}

pub(crate) struct TestHost {
    pub(crate) memory: Memory,
    pub(crate) asked: Vec<Asked>,
    /// Buffers taken and neither given back nor handed on.
    pub(crate) held: usize,
    /// Whether answers may leave together.
    pub(crate) joins: bool,
}

impl TestHost {
    pub(crate) fn new() -> Self {
        Self { memory: Memory::Exact, asked: Vec::new(), held: 0, joins: false }
    }
}

/// The key check: names whose echo begins with a high bit are not known.
pub(crate) fn admit(head: &Head) -> Result<(), Status> {
    if head.echo()[0] & 0x80 == 0 { Ok(()) } else { Err(head.unknown_key()) }
}

impl Host for TestHost {
    type Buffer = Vec<u8>;

    fn admit(&mut self, head: &Head) -> Result<(), Status> {
        self.asked.push(Asked::Admit);
        admit(head)
    }

    fn joins(&self, _: &Head) -> bool {
        self.joins
    }

    fn take_buffer(&mut self, len: usize) -> Option<Vec<u8>> {
        self.asked.push(Asked::Take(len));
        let len = match self.memory {
            Memory::Exact => len,
            Memory::Ample => len + 1000,
            Memory::Short => len.checked_sub(1)?,
            Memory::None => return None,
        };
        self.held += 1;
        Some(vec![0xEE; len])
    }

    fn put_buffer(&mut self, _: Vec<u8>) {
        self.asked.push(Asked::Put);
        self.held = self.held.checked_sub(1).expect("nothing is given back that was not taken");
    }
}
